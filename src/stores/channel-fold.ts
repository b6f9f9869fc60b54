// SPDX-License-Identifier: Apache-2.0
// The fold of a chat channel's stream: what it is still to say, what it could not say, and what it has been given before.

import type { ErrorCode } from '../errors.ts';
import type { ChannelRecord, ReplyKind, ReplySending } from './channel-records.ts';
import type { OwedSeqs, Owing } from './owing.ts';
import type { ReplyTo } from './reply-to.ts';

/** A message that was sent, or may have been. */
export interface PartOnPlatform {
  readonly replaces: number;
  /** Null: it was about to be sent, and nobody knows. */
  readonly platform_message_id: string | null;
}

/** Something that is open: to be said, or being shown while its turn runs. */
export interface OpenReply {
  readonly key: string;
  readonly kind: ReplyKind;
  readonly session_id: string;
  readonly user_id: string;
  readonly to: ReplyTo;
  /** Null while its turn runs. */
  readonly content: string | null;
  /** When it was taken on, epoch milliseconds. */
  readonly at: number;
  /** In the order of its parts; at most the last is in doubt. */
  readonly parts: readonly PartOnPlatform[];
  /** Some of it may have been seen twice. */
  readonly outcome_unknown: boolean;
}

/** Something that was given up. */
export interface DeadReply extends Omit<OpenReply, 'content' | 'parts'> {
  readonly failed_at: number;
  readonly code: ErrorCode;
  readonly message: string;
}

/** A channel's folded state. Changed in place: there is one line of states, and one that failed is read again. */
export interface ChannelFold {
  /** Oldest first. */
  readonly open: Map<string, OpenReply>;
  /** The newest, oldest first. */
  readonly dead: DeadReply[];
  /** How many there ever were. */
  dead_count: number;
  /** Keys of what it was given, with when: a second one is known. */
  readonly keys: Map<string, number>;
}

/** Dead letters that are kept to be looked at. */
export const DEAD_MOST = 100;
/** Keys that are remembered at least, at most, and for how long (milliseconds) in between. */
const KEYS = { least: 1_024, most: 16_384, age: 24 * 60 * 60 * 1_000 } as const;

export function emptyChannel(): ChannelFold {
  return { open: new Map(), dead: [], dead_count: 0, keys: new Map() };
}

/** How many records may lie behind a checkpoint: a larger state is written more seldom. */
export function channelCheckpointEvery({ keys, open }: ChannelFold): number {
  return Math.max(64, keys.size / 4, open.size);
}

/** The state after one more record: the same object. @param at when it was written, epoch milliseconds */
export function evolveChannel(state: ChannelFold, record: ChannelRecord, at: number): ChannelFold {
  switch (record.type) {
    case 'reply_queued': {
      const { type: _, ...queued } = record;
      const shown = state.open.get(record.key);
      // Behind what waits already, whenever its first words were shown.
      state.open.delete(record.key);
      state.open.set(record.key, {
        ...queued,
        at,
        parts: shown?.parts ?? [],
        outcome_unknown: shown?.outcome_unknown ?? false,
      });
      remember(state, record.key, at);
      return state;
    }
    case 'reply_sending': {
      const reply = state.open.get(record.key) ?? growing(record, at);
      if (reply === null) return state;
      const part = { replaces: record.replaces, platform_message_id: null };
      const parts = [...reply.parts.slice(0, record.part), part];
      const outcome_unknown = reply.outcome_unknown || record.outcome_unknown === true;
      const content = record.content ?? reply.content;
      state.open.set(record.key, { ...reply, content, parts, outcome_unknown });
      return state;
    }
    case 'reply_refused': {
      const reply = state.open.get(record.key);
      if (reply !== undefined) state.open.set(record.key, { ...reply, parts: reply.parts.slice(0, record.part) });
      return state;
    }
    case 'reply_sent': {
      const reply = state.open.get(record.key);
      const { part, replaces, platform_message_id } = record;
      if (reply === undefined) return state;
      const parts = [...reply.parts.slice(0, part), { replaces, platform_message_id }];
      state.open.set(record.key, { ...reply, parts });
      return state;
    }
    case 'reply_over':
      state.open.delete(record.key);
      return state;
    case 'reply_failed': {
      const reply = state.open.get(record.key);
      state.open.delete(record.key);
      if (reply === undefined) return state;
      const { content: _, parts: __, ...rest } = reply;
      const { code, message, outcome_unknown } = record;
      state.dead.push({ ...rest, code, message, outcome_unknown, failed_at: at });
      state.dead_count += 1;
      if (state.dead.length > DEAD_MOST) state.dead.shift();
      return state;
    }
    case 'replies_erased': {
      const theirs = ofErased(record);
      for (const [key, reply] of state.open) if (theirs(reply)) state.open.delete(key);
      const kept = state.dead.filter((reply) => !theirs(reply));
      state.dead.splice(0, state.dead.length, ...kept);
      return state;
    }
    case 'checkpoint':
      return record.state === null ? state : unpackChannel(record.state as PackedChannel);
    default:
      return record satisfies never;
  }
}

/**
 * What somebody who asks to be let in is known by while they are no user: what is said to them is said to this one, and
 * the keys of what is said of it to others begin with it.
 */
export function pairingKey(pairing_id: string): string {
  return `pairing:${pairing_id}`;
}

/** Whose replies a record erases: those to them, and those of them. */
export function ofErased(erased: {
  readonly session_id: string;
  readonly user_id: string;
}): (reply: Pick<OpenReply, 'key' | 'session_id' | 'user_id'>) => boolean {
  return ({ key, session_id, user_id }) =>
    (erased.session_id !== '' && erased.session_id === session_id) ||
    (erased.user_id !== '' && (erased.user_id === user_id || isOf(key, erased.user_id)));
}

/** A channel may be named as one is that asks, and so may a user: only its whole key is one's. */
function isOf(key: string, whose: string): boolean {
  return /^pairing:[0-9a-f-]{36}$/.test(whose) && key.startsWith(`${whose}:`);
}

function growing({ key, growing: of }: ReplySending, at: number): OpenReply | null {
  return of === undefined ? null : { ...of, key, kind: 'reply', content: null, at, parts: [], outcome_unknown: false };
}

function remember({ keys }: ChannelFold, key: string, at: number): void {
  keys.set(key, at);
  for (const [old, since] of keys) {
    if (keys.size <= KEYS.least || (keys.size <= KEYS.most && since > at - KEYS.age)) break;
    keys.delete(old);
  }
}

/** A checkpoint's form of a state: plain JSON. */
export interface PackedChannel {
  readonly open: readonly OpenReply[];
  readonly dead: readonly DeadReply[];
  readonly dead_count: number;
  readonly keys: readonly (readonly [string, number])[];
  readonly owed: OwedSeqs;
}

export function packChannel(state: ChannelFold, owed: OwedSeqs): PackedChannel {
  const { open, dead, dead_count, keys } = state;
  return { open: [...open.values()], dead: [...dead], dead_count, keys: [...keys], owed };
}

function unpackChannel({ open, dead, dead_count, keys }: PackedChannel): ChannelFold {
  return { open: new Map(open.map((reply) => [reply.key, reply])), dead: [...dead], dead_count, keys: new Map(keys) };
}

/** What of a channel's stream is owed in the journal: what it has taken on and neither said nor given up. */
export const CHANNEL_OWING: Owing<ChannelRecord> = {
  opens: (record) => (record.type === 'reply_queued' ? record.key : null),
  closes: (record) => (record.type === 'reply_over' || record.type === 'reply_failed' ? record.key : null),
  packed: (record) =>
    record.type === 'checkpoint' && record.state !== null ? (record.state as PackedChannel).owed : [],
};
