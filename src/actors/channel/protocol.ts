// SPDX-License-Identifier: Apache-2.0
// What a channel answers to.

import type { WebhookRequest, WebhookResponse } from '../../channels/adapter.ts';
import type { Attachment } from '../../stores/attachments.ts';
import type { QueueMode } from '../../stores/records.ts';
import type { Delivered } from '../session/protocol.ts';
import type { ChatProtocol } from './chat-protocol.ts';

/** Who sends: as the edge's guard or a platform's adapter found out. */
export interface Sender {
  readonly user_id: string;
  /** `admin:*`, `workspace:homelab`, …; what a token may do at most. */
  readonly permissions: readonly string[];
}

/** A message as it arrives from outside, translated. */
export interface Inbound {
  readonly sender: Sender;
  /** The sender's own key; empty: one is made, and then a repetition cannot be told. */
  readonly message_id: string;
  readonly content: string;
  /** Files that came with it, kept already. */
  readonly attachments?: readonly Attachment[];
  /** Empty: the sender's personal workspace, or the session's own. */
  readonly workspace_id: string;
  /** Empty: a new session. */
  readonly session_id: string;
  readonly model: string;
  /** What it does while a turn runs; the config says it when not given. */
  readonly queue?: QueueMode;
  /** Who has a turn of their own when there is more to do than can be done: the user, or where they came from; the channel of a chat platform. */
  readonly share: string;
}

/** A message that answers a request for approval; `id` is empty where there was none: the only one that waits is meant. */
export interface ApprovalWords {
  readonly decision: 'approve' | 'deny';
  /** The request's id, or how it begins. */
  readonly id: string;
}

/** What a platform may put behind a command: the name of who it is for. */
const APPROVAL_WORDS = /^\/(approve|deny)(?:@[\w.-]+)?(?:\s+([0-9a-f][0-9a-f-]{0,35}))?$/i;

/** A plain message as an answer to a request for approval, `/approve ID` or `/deny ID`; null: it is something else. */
export function approvalWords(message: string): ApprovalWords | null {
  const [, word, id = ''] = APPROVAL_WORDS.exec(message.trim()) ?? [];
  if (word === undefined) return null;
  return { decision: word.toLowerCase() === 'approve' ? 'approve' : 'deny', id: id.toLowerCase() };
}

export type { ChatState, ChatStatus, DeadLetter } from './chat-protocol.ts';

export type ChannelProtocol = ChatProtocol & PullProtocol;

export type PullProtocol = {
  /** Identify, authorise, place, deliver: answered when the message is durable. */
  readonly 'channel.receive': { readonly body: Inbound; readonly reply: Delivered };
  /** The channel's own state, for status. */
  readonly 'channel.status': {
    readonly body: Record<string, never>;
    readonly reply: {
      readonly name: string;
      readonly type: string;
      readonly state: string;
      readonly received: number;
      readonly refused: number;
    };
  };
  /**
   * A request of the platform's to `/webhooks/{channel}`, which nobody has checked. The actor gives it to its adapter's
   * `webhook` and answers with what comes of it, so only while it is online: otherwise it fails `overloaded` with
   * `retry_after_ms`, and `not_found` where the adapter takes none.
   */
  readonly 'channel.webhook': { readonly body: WebhookRequest; readonly reply: WebhookResponse };
};
