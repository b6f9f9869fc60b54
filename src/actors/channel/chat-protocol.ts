// SPDX-License-Identifier: Apache-2.0
// What a chat channel answers to besides its status: what it is given to say, how it is started, stopped and set.

import type { ErrorCode, Failure } from '../../errors.ts';
import type { ReplyKind } from '../../stores/channel-records.ts';
import type { ReplyTo } from '../../stores/reply-to.ts';

/** Where a chat channel's connection stands. */
export type ChatState = 'stopped' | 'connecting' | 'online' | 'backing_off' | 'failed';

/** Something a channel is to say. Its sender repeats it under the same key until it is answered. */
export interface Say {
  /** See {@link ReplyQueued.key}. */
  readonly key: string;
  readonly kind: ReplyKind;
  readonly session_id: string;
  readonly user_id: string;
  readonly to: ReplyTo;
  readonly content: string;
}

/** Something that was not said, and will not be. */
export interface DeadLetter {
  readonly key: string;
  readonly kind: ReplyKind;
  readonly session_id: string;
  readonly user_id: string;
  readonly channel_id: string;
  /** When it was taken on and when it was given up, RFC 3339. */
  readonly queued_at: string;
  readonly failed_at: string;
  readonly code: ErrorCode;
  readonly message: string;
  /** Some of it may have been seen. */
  readonly outcome_unknown: boolean;
}

export interface ChatStatus {
  readonly name: string;
  readonly type: string;
  readonly state: ChatState;
  /** Since when, RFC 3339. */
  readonly since: string;
  /** Messages taken, and those that were not. */
  readonly received: number;
  readonly refused: number;
  /** Messages the platform has taken. */
  readonly sent: number;
  /** What is to be said and has not been yet, and how long the oldest has waited, in milliseconds. */
  readonly waiting: number;
  readonly oldest_ms: number;
  readonly dead_letters: number;
  readonly last_error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly at: string;
  } | null;
  /** When it connects again, RFC 3339; null when nothing is waited for. */
  readonly retry_at: string | null;
  /** What to do about it; null when nothing is. */
  readonly advice: string | null;
}

/** What is set of a channel: its entry in the config, or why that cannot be used. */
export type ChatSettings =
  | { readonly ok: true; readonly entry: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly error: Failure };

export type ChatProtocol = {
  /** Answered when it is durable in the channel's own stream, and the sender need keep it no longer. `overloaded`: later. */
  readonly 'channel.deliver': { readonly body: Say; readonly reply: { readonly seq: number } };
  /** Connects, at once whatever it waits for. */
  readonly 'channel.start': { readonly body: Record<never, never>; readonly reply: { readonly state: ChatState } };
  /** Lets go of the connection, until it is started or the gateway is. What is to be said waits. */
  readonly 'channel.stop': { readonly body: Record<never, never>; readonly reply: { readonly state: ChatState } };
  /** Its settings are others now: it goes by them, and connects anew where they are the connection's. */
  readonly 'channel.configure': {
    /** `renewed`: a secret that its entry refers to has another value, whatever else is the same. */
    readonly body: ChatSettings & { readonly renewed?: boolean };
    readonly reply: { readonly state: ChatState };
  };
  /** Takes no messages any more; says what there is to say still. */
  readonly 'channel.drain': { readonly body: Record<never, never>; readonly reply: { readonly state: ChatState } };
  readonly 'channel.chat_status': { readonly body: Record<never, never>; readonly reply: ChatStatus };
  /** The newest, newest first. */
  readonly 'channel.dead_letters': {
    readonly body: Record<never, never>;
    readonly reply: { readonly items: readonly DeadLetter[] };
  };
  /** What was said in this session, or to this user, is forgotten; empty names mean none. */
  readonly 'channel.erase': {
    readonly body: { readonly session_id: string; readonly user_id: string };
    readonly reply: { readonly seq: number };
  };
};
