// SPDX-License-Identifier: Apache-2.0
// What a chat channel's stream may hold: what it has taken on to say, and how far it has got with saying it.

import type { ErrorCode } from '../errors.ts';
import { restoreAs, type StoredRecord } from './records.ts';
import type { ReplyTo } from './reply-to.ts';

/** What is said: a turn's answer, why there is none, a question for approval, or a word of the channel itself. */
export type ReplyKind = 'reply' | 'failure' | 'approval' | 'notice';

/**
 * The channel has taken something on to say: it is its own from here. Open until `reply_over` or `reply_failed`, and owed in
 * the journal for as long.
 */
export interface ReplyQueued {
  readonly type: 'reply_queued';
  /** The turn's id, the approval's, or the key of the message a notice answers: a second one under it is the same. */
  readonly key: string;
  readonly kind: ReplyKind;
  /** Empty for a notice. */
  readonly session_id: string;
  /** Whose message it answers; empty: nobody Sigil knows. */
  readonly user_id: string;
  readonly to: ReplyTo;
  /** Markdown. */
  readonly content: string;
}

/** A message of it is about to be sent. If nothing else follows, nobody knows whether it was. */
export interface ReplySending {
  readonly type: 'reply_sending';
  readonly key: string;
  readonly part: number;
  /** Messages sent in this part's place before, which could not be changed any more. */
  readonly replaces: number;
  /** Of a reply that grows while its turn still runs: there is no `reply_queued` yet. */
  readonly growing?: { readonly session_id: string; readonly user_id: string; readonly to: ReplyTo };
  /**
   * All that is said, where that is more than was taken on: an answer that failed is shown above why, as far as it is known. A
   * later life, which does not know it, is to go on with the same parts.
   */
  readonly content?: string;
  /** It may have been sent before, and the platform does not tell. */
  readonly outcome_unknown?: true;
}

/** It was not taken, that is certain; it is tried again later. */
export interface ReplyRefused {
  readonly type: 'reply_refused';
  readonly key: string;
  readonly part: number;
  readonly code: ErrorCode;
}

/** The platform has taken a message. */
export interface ReplySent {
  readonly type: 'reply_sent';
  readonly key: string;
  readonly part: number;
  readonly replaces: number;
  readonly platform_message_id: string;
}

/** All of it was said. */
export interface ReplyOver {
  readonly type: 'reply_over';
  readonly key: string;
  /** How many messages it became. */
  readonly parts: number;
}

/** It will not be said: a dead letter. */
export interface ReplyFailed {
  readonly type: 'reply_failed';
  readonly key: string;
  readonly code: ErrorCode;
  readonly message: string;
  /** Some of it may have been seen. */
  readonly outcome_unknown: boolean;
}

export type ChannelRecord =
  | ReplyQueued
  | ReplySending
  | ReplyRefused
  | ReplySent
  | ReplyOver
  | ReplyFailed
  /** A session is deleted, or a user erased: what was said of theirs is redacted before this row. */
  | { readonly type: 'replies_erased'; readonly session_id: string; readonly user_id: string }
  /** The folded state at this point, packed by the fold. */
  | { readonly type: 'checkpoint'; readonly state: unknown };

/** The version each record type is written with today. A reader of version n reads every version before it. */
export const CHANNEL_RECORD_VERSIONS: { readonly [T in ChannelRecord['type']]: number } = {
  reply_queued: 1,
  reply_sending: 1,
  reply_refused: 1,
  reply_sent: 1,
  reply_over: 1,
  reply_failed: 1,
  replies_erased: 1,
  checkpoint: 1,
};

/** The form a record is kept in. */
export function storeChannel(record: ChannelRecord): StoredRecord {
  const { type } = record;
  return { type, version: CHANNEL_RECORD_VERSIONS[type], turn_id: null, payload: JSON.stringify(record) };
}

/** A record read back. @throws Error when it was written by a newer Sigil. */
export function restoreChannel(stored: Pick<StoredRecord, 'type' | 'version' | 'payload'>): ChannelRecord {
  return restoreAs<ChannelRecord>(stored, CHANNEL_RECORD_VERSIONS);
}
