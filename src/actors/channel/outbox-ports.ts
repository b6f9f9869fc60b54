// SPDX-License-Identifier: Apache-2.0
// What a chat channel's outbox asks of others: the platform, the journal, the turns it shows. Types only.

import type { Failure } from '../../errors.ts';
import type { ChannelFold } from '../../stores/channel-fold.ts';
import type { ChannelRecord } from '../../stores/channel-records.ts';
import type { StreamOwnerOptions } from '../../stores/stream-owner.ts';
import type { TurnEvent } from '../../stores/turn-events.ts';
import type { World } from '../../world.ts';
import type { DeadLetter } from './chat-protocol.ts';
import type { GrowingSettings } from './growing-reply.ts';
import type { Reply } from './reply-queue.ts';

/** What the platform is, as far as sending goes. */
export interface Platform extends GrowingSettings {
  readonly dedupe: 'none' | 'window' | 'lookup';
}

/** One message on its way to the platform. */
export interface Sending extends Pick<Reply, 'key' | 'to'> {
  readonly content: string;
  /** Whether it names what it answers. */
  readonly answers: boolean;
  readonly idempotency_key: string;
}

/** `doubt`: it may have been done all the same. */
export type Refusal = { readonly ok: false; readonly error: Failure; readonly doubt: boolean };
export type SentAnswer = { readonly ok: true; readonly platform_message_id: string } | Refusal;
export type DoneAnswer = { readonly ok: true } | Refusal;

/** Where a crash test may end the process: a message is journaled, taken by the platform, and journaled to be so. */
export type OutboxPoint = 'channel.queued' | 'channel.sending' | 'channel.accepted' | 'channel.sent';

export interface OutboxPorts extends Pick<StreamOwnerOptions<ChannelFold, ChannelRecord>, 'append' | 'tail'> {
  readonly world: Pick<World, 'now' | 'monotonic' | 'after' | 'iso'>;
  /** Null while it is not known. */
  readonly platform: () => Platform | null;
  readonly send: (sending: Sending, answered: (answer: SentAnswer) => void) => void;
  readonly edit: (reply: Reply, id: string, content: string, answered: (answer: DoneAnswer) => void) => void;
  readonly remove: (reply: Reply, id: string, answered: (answer: DoneAnswer) => void) => void;
  /** The message that was sent under a key, or null. */
  readonly lookup: (
    reply: Reply,
    key: string,
    answered: (answer: { readonly ok: true; readonly found: string | null } | Refusal) => void,
  ) => void;
  readonly typing: (reply: Reply) => void;
  /** Hears a turn's events from its beginning on; the returned function ends it. */
  readonly follow: (session_id: string, turn_id: string, heard: (n: number, event: TurnEvent) => void) => () => void;
  /** Something will not be said. */
  readonly dead: (letter: DeadLetter) => void;
  readonly point: (name: OutboxPoint) => void;
}

export interface OutboxSettings {
  /** How long something is tried to be said, in milliseconds. */
  readonly max_age: number;
  /** Whether what may have been sent is sent again where the platform would show it twice. */
  readonly redeliver: () => boolean;
}

export interface OutboxState {
  readonly waiting: number;
  readonly oldest_ms: number;
  readonly sent: number;
  readonly dead_letters: number;
}
