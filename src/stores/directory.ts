// SPDX-License-Identifier: Apache-2.0
// The directory, folded: users with who they are on each platform, pairings and tokens, as the gateway's stream says.

import type {
  DirectoryRecord,
  PackedDirectory,
  StoredErasure,
  StoredIdentity,
  StoredPairing,
  StoredToken,
  StoredUser,
} from './directory-records.ts';
import { Shards } from './shards.ts';

/** The stream it is in, and whose it is. */
export const DIRECTORY_STREAM = 'gateway/root';

export interface Directory {
  readonly users: Shards<StoredUser>;
  /** {@link identityKey} to the id of the user. */
  readonly identities: Shards<string>;
  readonly pairings: Shards<StoredPairing>;
  /** {@link conversationKey} to the id of the pairing. */
  readonly conversations: Shards<string>;
  readonly tokens: Shards<StoredToken>;
  /** By user. */
  readonly erasures: Shards<StoredErasure>;
}

export const EMPTY_DIRECTORY: Directory = {
  users: Shards.empty(),
  identities: Shards.empty(),
  pairings: Shards.empty(),
  conversations: Shards.empty(),
  tokens: Shards.empty(),
  erasures: Shards.empty(),
};

export function identityKey({ channel, platform_id }: Pick<StoredIdentity, 'channel' | 'platform_id'>): string {
  return JSON.stringify([channel, platform_id]);
}

export function conversationKey({ channel, channel_id }: Pick<StoredPairing, 'channel' | 'channel_id'>): string {
  return JSON.stringify([channel, channel_id]);
}

/** @param at when the record was written, epoch milliseconds */
export function evolveDirectory(state: Directory, record: DirectoryRecord, at: number): Directory {
  switch (record.type) {
    case 'user_created': {
      const { user } = record;
      let { identities } = state;
      for (const identity of user.identities) identities = identities.with(identityKey(identity), user.id);
      return { ...state, identities, users: state.users.with(user.id, user) };
    }
    case 'user_changed': {
      const { type: _, id, ...changes } = record;
      return withUser(state, id, (user) => ({ ...user, ...changes, updated_at: at }));
    }
    case 'user_deleted':
      return withoutUser(state, record.id);
    case 'identity_linked': {
      const { user_id, identity } = record;
      const identities = state.identities.with(identityKey(identity), user_id);
      return withUser({ ...state, identities }, user_id, (user) => ({
        ...user,
        identities: [...user.identities, identity],
        updated_at: at,
      }));
    }
    case 'identity_unlinked': {
      const gone = identityKey(record);
      return withUser({ ...state, identities: state.identities.without(gone) }, record.user_id, (user) => ({
        ...user,
        identities: user.identities.filter((identity) => identityKey(identity) !== gone),
        updated_at: at,
      }));
    }
    case 'pairing_created': {
      const { pairing } = record;
      const conversations = state.conversations.with(conversationKey(pairing), pairing.id);
      return { ...state, conversations, pairings: state.pairings.with(pairing.id, pairing) };
    }
    case 'pairing_changed': {
      const { id, status, user_id } = record;
      const pairing = state.pairings.get(id);
      if (pairing === undefined) return state;
      const changed = { ...pairing, status, ...(user_id === undefined ? {} : { user_id }) };
      return { ...state, pairings: state.pairings.with(id, changed) };
    }
    case 'pairing_deleted':
      return withoutPairing(state, record.id);
    case 'token_created':
      return { ...state, tokens: state.tokens.with(record.token.id, record.token) };
    case 'token_revoked':
      return { ...state, tokens: state.tokens.without(record.id) };
    case 'tokens_used': {
      let { tokens } = state;
      for (const [id, last_used_at] of Object.entries(record.at)) {
        const token = tokens.get(id);
        if (token !== undefined) tokens = tokens.with(id, { ...token, last_used_at });
      }
      return { ...state, tokens };
    }
    case 'user_erasing': {
      const { id, user_id, workspaces } = record;
      const erasure = { id, user_id, workspaces, began_at: at, done_at: null };
      return { ...withoutUser(state, user_id), erasures: state.erasures.with(user_id, erasure) };
    }
    case 'erasure_done': {
      const erasure = state.erasures.get(record.user_id);
      if (erasure === undefined) return state;
      const erasures = state.erasures.with(record.user_id, { ...erasure, workspaces: [], done_at: at });
      return { ...state, erasures: withoutOldest(erasures) };
    }
    case 'noted':
      return state;
    case 'checkpoint':
      return record.state === null ? state : unpackDirectory(record.state);
    default:
      return record satisfies never;
  }
}

function withUser(state: Directory, id: string, change: (user: StoredUser) => StoredUser): Directory {
  const user = state.users.get(id);
  return user === undefined ? state : { ...state, users: state.users.with(id, change(user)) };
}

function withoutPairing(state: Directory, id: string): Directory {
  const pairing = state.pairings.get(id);
  if (pairing === undefined) return state;
  const conversations = state.conversations.without(conversationKey(pairing));
  return { ...state, conversations, pairings: state.pairings.without(id) };
}

function withoutUser(state: Directory, id: string): Directory {
  let next: Directory = { ...state, users: state.users.without(id) };
  for (const identity of state.users.get(id)?.identities ?? [])
    next = { ...next, identities: next.identities.without(identityKey(identity)) };
  for (const pairing of state.pairings.values()) if (pairing.user_id === id) next = withoutPairing(next, pairing.id);
  for (const token of state.tokens.values())
    if (token.user_id === id) next = { ...next, tokens: next.tokens.without(token.id) };
  return next;
}

/** Erasures that are remembered; the oldest that are done are forgotten past it. */
const ERASURES_KEPT = 1_000;

function withoutOldest(erasures: Shards<StoredErasure>): Shards<StoredErasure> {
  if (erasures.size <= ERASURES_KEPT) return erasures;
  let oldest: StoredErasure | undefined;
  for (const one of erasures.values())
    if (one.done_at !== null && (oldest === undefined || one.began_at < oldest.began_at)) oldest = one;
  return oldest === undefined ? erasures : erasures.without(oldest.user_id);
}

/** Entries there are, of which a checkpoint writes every one. */
export function directorySize({ users, pairings, tokens, erasures }: Directory): number {
  return users.size + pairings.size + tokens.size + erasures.size;
}

export function packDirectory({ users, pairings, tokens, erasures }: Directory): PackedDirectory {
  return {
    users: [...users.values()],
    pairings: [...pairings.values()],
    tokens: [...tokens.values()],
    ...(erasures.size === 0 ? {} : { erasures: [...erasures.values()] }),
  };
}

export function unpackDirectory({ users, pairings, tokens, erasures = [] }: PackedDirectory): Directory {
  const identities = users.flatMap((user) =>
    user.identities.map((identity) => [identityKey(identity), user.id] as const),
  );
  return {
    users: Shards.of(users.map((user) => [user.id, user])),
    identities: Shards.of(identities),
    pairings: Shards.of(pairings.map((pairing) => [pairing.id, pairing])),
    conversations: Shards.of(pairings.map((pairing) => [conversationKey(pairing), pairing.id])),
    tokens: Shards.of(tokens.map((token) => [token.id, token])),
    erasures: Shards.of(erasures.map((erasure) => [erasure.user_id, erasure])),
  };
}
