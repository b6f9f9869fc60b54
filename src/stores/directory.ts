// SPDX-License-Identifier: Apache-2.0
// The directory, folded: users with who they are on each platform, pairings and tokens, as the gateway's stream says.

import { type Tries, triesAfter, withoutTries } from './code-tries.ts';
import type {
  DirectoryRecord,
  PackedDirectory,
  StoredCode,
  StoredErasure,
  StoredIdentity,
  StoredPairing,
  StoredPause,
  StoredToken,
  StoredUser,
  StoredWorkspace,
} from './directory-records.ts';
import { Shards } from './shards.ts';

/** The stream it is in, and whose it is. */
export const DIRECTORY_STREAM = 'gateway/root';

export interface Directory {
  readonly users: Shards<StoredUser>;
  /** {@link identityKey} to the id of the user. */
  readonly identities: Shards<string>;
  readonly pairings: Shards<StoredPairing>;
  /** {@link identityKey} of whom they are about to all of theirs, in the order they were made. */
  readonly senders: Shards<readonly StoredPairing[]>;
  /** Pairings nobody has decided, and those of channels that take anybody: so many and no more. */
  readonly pending: number;
  readonly guests: number;
  /** By id; also those whose time is over, until another is made. */
  readonly codes: Shards<StoredCode>;
  readonly tries: Tries;
  /** By id, those that are gone among them. */
  readonly workspaces: Shards<StoredWorkspace>;
  readonly tokens: Shards<StoredToken>;
  /** By user. */
  readonly erasures: Shards<StoredErasure>;
  /** Null while turns are begun. */
  readonly paused: StoredPause | null;
}

export const EMPTY_DIRECTORY: Directory = {
  users: Shards.empty(),
  identities: Shards.empty(),
  pairings: Shards.empty(),
  senders: Shards.empty(),
  pending: 0,
  guests: 0,
  codes: Shards.empty(),
  tries: new Map(),
  workspaces: Shards.empty(),
  tokens: Shards.empty(),
  erasures: Shards.empty(),
  paused: null,
};

export function identityKey({ channel, platform_id }: Pick<StoredIdentity, 'channel' | 'platform_id'>): string {
  return JSON.stringify([channel, platform_id]);
}

/** Who a pairing is about. */
export function senderKey({ channel_type, platform_id }: Pick<StoredPairing, 'channel_type' | 'platform_id'>): string {
  return identityKey({ channel: channel_type, platform_id });
}

/** The pairing of somebody on one channel in one workspace. */
export function pairingOf(
  state: Directory,
  about: Pick<StoredPairing, 'channel' | 'channel_type' | 'platform_id' | 'workspace_id'>,
): StoredPairing | undefined {
  return state.senders
    .get(senderKey(about))
    ?.find(({ channel, workspace_id }) => channel === about.channel && workspace_id === about.workspace_id);
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
        identities: [...user.identities.filter((one) => identityKey(one) !== identityKey(identity)), identity],
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
    case 'pairing_created':
      return replacedPairing(state, undefined, record.pairing);
    case 'pairing_changed': {
      const { type: _, id, ...changes } = record;
      const pairing = state.pairings.get(id);
      return pairing === undefined ? state : replacedPairing(state, pairing, { ...pairing, ...changes });
    }
    case 'pairing_deleted':
      return withoutPairing(state, record.id);
    case 'code_created': {
      let codes = state.codes.with(record.code.id, record.code);
      for (const { id, expires_at } of state.codes.values()) if (expires_at <= at) codes = codes.without(id);
      return { ...state, codes };
    }
    case 'code_removed':
      return { ...state, codes: state.codes.without(record.id), tries: withoutTries(state.tries, record.sender) };
    case 'code_tried':
      return { ...state, tries: triesAfter(state.tries, record.sender, at) };
    case 'workspace_created':
      return { ...state, workspaces: state.workspaces.with(record.workspace.id, record.workspace) };
    case 'workspace_changed': {
      const { type: _, id, ...changes } = record;
      return withWorkspace(state, id, (workspace) => ({ ...workspace, ...changes, updated_at: at }));
    }
    case 'workspace_deleted':
      return withWorkspace(state, record.id, (workspace) => {
        return { ...workspace, members: [], bindings: [], updated_at: at, deleted: true };
      });
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
      const { id, user_id, workspaces, pairings = [] } = record;
      const erasure = { id, user_id, workspaces, pairings, began_at: at, done_at: null };
      return { ...withoutUser(state, user_id), erasures: state.erasures.with(user_id, erasure) };
    }
    case 'erasure_done': {
      const erasure = state.erasures.get(record.user_id);
      if (erasure === undefined) return state;
      const erasures = state.erasures.with(record.user_id, { ...erasure, workspaces: [], pairings: [], done_at: at });
      return { ...state, erasures: withoutOldest(erasures) };
    }
    case 'agent_paused': {
      const { by, reason } = record;
      return { ...state, paused: { by, reason, since: at } };
    }
    case 'agent_resumed':
      return { ...state, paused: null };
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

function withWorkspace(
  state: Directory,
  id: string,
  change: (workspace: StoredWorkspace) => StoredWorkspace,
): Directory {
  const workspace = state.workspaces.get(id);
  return workspace === undefined ? state : { ...state, workspaces: state.workspaces.with(id, change(workspace)) };
}

function withoutPairing(state: Directory, id: string): Directory {
  return replacedPairing(state, state.pairings.get(id), undefined);
}

/** One pairing in the place of another, wherever it is counted and found. */
function replacedPairing(
  state: Directory,
  before: StoredPairing | undefined,
  after: StoredPairing | undefined,
): Directory {
  const one = after ?? before;
  if (one === undefined) return state;
  const key = senderKey(one);
  const all = state.senders.get(key) ?? [];
  const own =
    after === undefined
      ? all.filter(({ id }) => id !== one.id)
      : before === undefined
        ? [...all, after]
        : all.map((other) => (other.id === one.id ? after : other));
  return {
    ...state,
    senders: own.length === 0 ? state.senders.without(key) : state.senders.with(key, own),
    pairings: after === undefined ? state.pairings.without(one.id) : state.pairings.with(one.id, after),
    pending: state.pending + count(after?.status === 'pending') - count(before?.status === 'pending'),
    guests: state.guests + count(after?.origin === 'open') - count(before?.origin === 'open'),
  };
}

function count(holds: boolean): number {
  return holds ? 1 : 0;
}

function withoutUser(state: Directory, id: string): Directory {
  const { paused } = state;
  let next: Directory = {
    ...state,
    users: state.users.without(id),
    paused: paused?.by === id ? { ...paused, by: '', reason: '' } : paused,
  };
  for (const identity of state.users.get(id)?.identities ?? []) {
    const key = identityKey(identity);
    next = { ...next, identities: next.identities.without(key), tries: withoutTries(next.tries, key) };
  }
  for (const pairing of state.pairings.values())
    if (pairing.user_id === id) {
      next = withoutPairing(next, pairing.id);
      next = { ...next, tries: withoutTries(next.tries, senderKey(pairing)) };
    }
  for (const code of state.codes.values())
    if (code.user_id === id) next = { ...next, codes: next.codes.without(code.id) };
  for (const workspace of state.workspaces.values())
    if (workspace.members.includes(id)) {
      const members = workspace.members.filter((member) => member !== id);
      next = { ...next, workspaces: next.workspaces.with(workspace.id, { ...workspace, members }) };
    }
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
export function directorySize({ users, pairings, tokens, erasures, codes, tries, workspaces }: Directory): number {
  return users.size + pairings.size + tokens.size + erasures.size + codes.size + tries.size + workspaces.size;
}

export function packDirectory(directory: Directory): PackedDirectory {
  const { users, senders, tokens, erasures, codes, tries, workspaces, paused } = directory;
  return {
    users: [...users.values()],
    // Somebody's in the order they were made.
    pairings: [...senders.values()].flat(),
    tokens: [...tokens.values()],
    ...(erasures.size === 0 ? {} : { erasures: [...erasures.values()] }),
    ...(codes.size === 0 ? {} : { codes: [...codes.values()] }),
    ...(tries.size === 0 ? {} : { tries: [...tries] }),
    ...(workspaces.size === 0 ? {} : { workspaces: [...workspaces.values()] }),
    ...(paused === null ? {} : { paused }),
  };
}

export function unpackDirectory(packed: PackedDirectory): Directory {
  const { users, pairings, tokens, erasures = [], codes = [], tries = [], workspaces = [], paused = null } = packed;
  const identities = users.flatMap((user) =>
    user.identities.map((identity) => [identityKey(identity), user.id] as const),
  );
  const senders = new Map<string, StoredPairing[]>();
  for (const pairing of pairings) {
    const key = senderKey(pairing);
    const own = senders.get(key);
    if (own === undefined) senders.set(key, [pairing]);
    else own.push(pairing);
  }
  return {
    users: Shards.of(users.map((user) => [user.id, user])),
    identities: Shards.of(identities),
    pairings: Shards.of(pairings.map((pairing) => [pairing.id, pairing])),
    senders: Shards.of(senders),
    pending: pairings.filter(({ status }) => status === 'pending').length,
    guests: pairings.filter(({ origin }) => origin === 'open').length,
    codes: Shards.of(codes.map((code) => [code.id, code])),
    tries: new Map(tries),
    workspaces: Shards.of(workspaces.map((workspace) => [workspace.id, workspace])),
    tokens: Shards.of(tokens.map((token) => [token.id, token])),
    erasures: Shards.of(erasures.map((erasure) => [erasure.user_id, erasure])),
    paused,
  };
}
