// SPDX-License-Identifier: Apache-2.0
// The directory as every thread holds it: who there is, who they are on each platform, where they are let in. Replaced whole.

import type { PairingOrigin, PairingStatus, Role, SessionMode } from './directory-records.ts';
import { Shards } from './shards.ts';

/** A pairing, as far as messages go by it. */
export interface PairedHere {
  readonly id: string;
  /** The channel's instance. */
  readonly channel: string;
  /** Empty: their own. */
  readonly workspace_id: string;
  /** Empty: nobody's yet. */
  readonly user_id: string;
  readonly status: PairingStatus;
  readonly origin: PairingOrigin;
}

/** What a thread knows of the people; never changed, only replaced by the one a change leads to. */
export interface DirectoryTable {
  /** Counts the changes from 0. */
  readonly version: number;
  /** Whether those of the journal are in it too: before that somebody who is missing may be there. */
  readonly whole: boolean;
  /** No new turns are begun. */
  readonly paused: boolean;
  readonly parts: TableParts;
  roleOf(user_id: string): Role | undefined;
  /** Of a workspace of the configuration, or one that was made here. */
  membersOf(workspace_id: string): ReadonlySet<string> | undefined;
  /** Whether a pairing lets somebody into a workspace. */
  isPaired(user_id: string, workspace_id: string): boolean;
  /** Who somebody is on a platform, wherever they write from there; undefined: that is not known, or only by pairings. */
  identityOf(channel_type: string, platform_id: string): string | undefined;
  /** Their pairings on all channels of that platform, in the order they were made. */
  pairingsOf(channel_type: string, platform_id: string): readonly PairedHere[] | undefined;
  /** The workspace a conversation of a channel belongs to. */
  bindingOf(channel: string, channel_id: string): string | undefined;
  /** Undefined: as the configuration says. */
  sessionModeOf(user_id: string): SessionMode | undefined;
}

/** What a table is made of, each by its key. */
export interface TableParts {
  readonly roles: Shards<Role>;
  readonly modes: Shards<SessionMode>;
  /** {@link pairOf} a type of channel and an id on it. */
  readonly identities: Shards<string>;
  /** The same. */
  readonly pairings: Shards<readonly PairedHere[]>;
  /** {@link pairOf} a channel and a conversation. */
  readonly bindings: Shards<string>;
  readonly members: Shards<ReadonlySet<string>>;
}

/** A list of changes by key; null takes away. */
export type Moves<V> = readonly (readonly [string, V | null])[];

/** What is different in a table. */
export interface TableMoves {
  readonly roles: Moves<Role>;
  readonly modes: Moves<SessionMode>;
  readonly identities: Moves<string>;
  readonly pairings: Moves<readonly PairedHere[]>;
  readonly bindings: Moves<string>;
  readonly members: Moves<readonly string[]>;
}

export const NO_MOVES: TableMoves = {
  roles: [],
  modes: [],
  identities: [],
  pairings: [],
  bindings: [],
  members: [],
};

/** A table as it is posted: all it holds, as what is different from an empty one. */
export interface PackedTable extends TableMoves {
  readonly version: number;
  readonly whole: boolean;
  readonly paused?: boolean;
}

/** What leads from one table to the next: all of it in one piece, or what has changed. */
export type TableChange =
  | { readonly kind: 'whole'; readonly table: PackedTable }
  | { readonly kind: 'part'; readonly version: number; readonly paused: boolean; readonly moves: TableMoves };

/** The key of two names; neither holds a NUL. */
export function pairOf(one: string, other: string): string {
  return `${one}\0${other}`;
}

/** How many pairings let somebody into a workspace, by both. */
type Lets = Shards<number>;

const NONE: readonly PairedHere[] = [];

function table({ version, whole, paused }: Heading, parts: TableParts, lets: Lets): Held {
  return Object.freeze({
    version,
    whole,
    paused,
    parts,
    lets,
    roleOf: (user_id: string) => parts.roles.get(user_id),
    membersOf: (workspace_id: string) => parts.members.get(workspace_id),
    isPaired: (user_id: string, workspace_id: string) => lets.has(pairOf(user_id, workspace_id)),
    identityOf: (channel_type: string, platform_id: string) => parts.identities.get(pairOf(channel_type, platform_id)),
    pairingsOf: (channel_type: string, platform_id: string) => parts.pairings.get(pairOf(channel_type, platform_id)),
    bindingOf: (channel: string, channel_id: string) =>
      parts.bindings.size === 0 ? undefined : parts.bindings.get(pairOf(channel, channel_id)),
    sessionModeOf: (user_id: string) => (parts.modes.size === 0 ? undefined : parts.modes.get(user_id)),
  });
}

type Heading = Pick<DirectoryTable, 'version' | 'whole' | 'paused'>;

/** A table with what follows from its parts. */
interface Held extends DirectoryTable {
  readonly lets: Lets;
}

const EMPTY_PARTS: TableParts = {
  roles: Shards.empty(),
  modes: Shards.empty(),
  identities: Shards.empty(),
  pairings: Shards.empty(),
  bindings: Shards.empty(),
  members: Shards.empty(),
};

/** Nobody, and that is not yet the truth. */
export const EMPTY_TABLE: DirectoryTable = table(
  { version: 0, whole: false, paused: false },
  EMPTY_PARTS,
  Shards.empty(),
);

export function unpackTable({ version, whole, paused = false, ...moves }: PackedTable): DirectoryTable {
  const parts: TableParts = {
    roles: Shards.of(present(moves.roles)),
    modes: Shards.of(present(moves.modes)),
    identities: Shards.of(present(moves.identities)),
    pairings: Shards.of(present(moves.pairings)),
    bindings: Shards.of(present(moves.bindings)),
    members: Shards.of(present(moves.members).map(([id, ids]) => [id, new Set(ids)] as const)),
  };
  const lets = new Map<string, number>();
  for (const all of parts.pairings.values()) for (const key of letIn(all)) lets.set(key, (lets.get(key) ?? 0) + 1);
  return table({ version, whole, paused }, parts, Shards.of(lets));
}

function present<V>(moves: Moves<V>): (readonly [string, V])[] {
  return moves.flatMap(([key, value]) => (value === null ? [] : [[key, value] as const]));
}

export function packTable({ version, whole, paused, parts }: DirectoryTable): PackedTable {
  const { roles, modes, identities, pairings, bindings, members } = parts;
  return {
    version,
    whole,
    paused,
    roles: [...roles.entries()],
    modes: [...modes.entries()],
    identities: [...identities.entries()],
    pairings: [...pairings.entries()],
    bindings: [...bindings.entries()],
    members: [...members.entries()].map(([id, ids]) => [id, [...ids]]),
  };
}

/**
 * The table a change leads to.
 *
 * @throws Error when a change is missing in between: what is known then is not what was decided
 */
export function changedTable(before: DirectoryTable, change: TableChange): DirectoryTable {
  if (change.kind === 'whole') return unpackTable(change.table);
  const { version, paused, moves } = change;
  if (version !== before.version + 1)
    throw new Error(`the directory's table is at ${before.version} and was given change ${version}`);
  const { parts } = before;
  let { lets } = before as Held;
  for (const [key, all] of moves.pairings) {
    for (const one of letIn(parts.pairings.get(key) ?? NONE)) lets = added(lets, one, -1);
    for (const one of letIn(all ?? NONE)) lets = added(lets, one, 1);
  }
  const after: TableParts = {
    roles: moved(parts.roles, moves.roles),
    modes: moved(parts.modes, moves.modes),
    identities: moved(parts.identities, moves.identities),
    pairings: moved(parts.pairings, moves.pairings),
    bindings: moved(parts.bindings, moves.bindings),
    members: moved(
      parts.members,
      moves.members.map(([id, ids]) => [id, ids === null ? null : new Set(ids)] as const),
    ),
  };
  return table({ version, whole: before.whole, paused }, after, lets);
}

function moved<V>(before: Shards<V>, moves: Moves<V>): Shards<V> {
  let after = before;
  for (const [key, value] of moves) after = value === null ? after.without(key) : after.with(key, value);
  return after;
}

/** Who is let in where by somebody's pairings. */
function* letIn(all: readonly PairedHere[]): Generator<string> {
  for (const { status, user_id, workspace_id } of all)
    if (status === 'active' && user_id !== '' && workspace_id !== '') yield pairOf(user_id, workspace_id);
}

function added(lets: Lets, key: string, by: number): Lets {
  const count = (lets.get(key) ?? 0) + by;
  return count <= 0 ? lets.without(key) : lets.with(key, count);
}
