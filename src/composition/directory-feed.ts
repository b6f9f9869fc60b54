// SPDX-License-Identifier: Apache-2.0
// The table of people as main makes it, of the configuration and the directory, and what each change of it tells the threads.

import type { Config } from '../config/schema.ts';
import { permits } from '../security/permission.ts';
import { OWNER_ID } from '../stores/configured-directory.ts';
import { type Directory, EMPTY_DIRECTORY, identityKey, senderKey } from '../stores/directory.ts';
import type { Role, SessionMode, StoredPairing, StoredUser } from '../stores/directory-records.ts';
import {
  changedTable,
  type DirectoryTable,
  type Moves,
  type PackedTable,
  type PairedHere,
  packTable,
  pairOf,
  type TableChange,
  type TableMoves,
  type TableParts,
  unpackTable,
} from '../stores/directory-table.ts';
import type { Shards } from '../stores/shards.ts';

/** What of the configuration is in the table. */
export type ConfiguredPeople = Pick<Config, 'users' | 'workspaces' | 'auth'>;

/** What the configuration says, by the keys of the table. */
interface Written {
  readonly roles: ReadonlyMap<string, Role>;
  /** Of those whom only a token in the file names. */
  readonly implied: ReadonlyMap<string, Role>;
  readonly modes: ReadonlyMap<string, SessionMode>;
  readonly identities: ReadonlyMap<string, string>;
  readonly bindings: ReadonlyMap<string, string>;
  readonly members: ReadonlyMap<string, readonly string[]>;
}

/** What may have changed, by the keys of the table. */
type Touched = { readonly [P in keyof TableMoves]: Set<string> };

/** Changes in one message, at most; with more of them the whole table is smaller. */
const PART_MOST = 1_000;

export class DirectoryFeed {
  #table: DirectoryTable;
  #written: Written;
  #stored: Directory = EMPTY_DIRECTORY;
  readonly #listeners: ((change: TableChange) => void)[] = [];

  constructor(config: ConfiguredPeople) {
    this.#written = writtenIn(config);
    this.#table = unpackTable({ version: 0, whole: false, ...this.#everything() });
  }

  /** As of the newest change. */
  get table(): DirectoryTable {
    return this.#table;
  }

  packed(): PackedTable {
    return packTable(this.#table);
  }

  /** Is told of every change, in order. */
  onChange(run: (change: TableChange) => void): void {
    this.#listeners.push(run);
  }

  /** The directory as it is now; null: it cannot be read, and only those of the configuration are known. */
  stored(state: Directory | null): void {
    const before = this.#stored;
    const { whole } = this.#table;
    if (state === null) {
      if (!whole) this.#replace();
      return;
    }
    this.#stored = state;
    if (!whole) return this.#replace();
    const touched = nothingTouched();
    touchUsers(touched, state.users, before.users);
    for (const [, own] of state.senders.since(before.senders)) touchSender(touched, own);
    for (const [, own] of before.senders.since(state.senders)) touchSender(touched, own);
    for (const [id, workspace] of state.workspaces.since(before.workspaces)) {
      touched.members.add(id);
      for (const { bindings } of [workspace, before.workspaces.get(id)].filter((one) => one !== undefined))
        for (const { channel, channel_id } of bindings) touched.bindings.add(pairOf(channel, channel_id));
    }
    this.#change(touched);
  }

  /** Another configuration. */
  configured(config: ConfiguredPeople): void {
    const before = this.#written;
    this.#written = writtenIn(config);
    const touched = nothingTouched();
    for (const { roles, implied, modes, identities, bindings, members } of [before, this.#written]) {
      for (const id of [...roles.keys(), ...implied.keys()]) touched.roles.add(id);
      // Whoever comes into the file hides what was said of them here.
      for (const id of [...roles.keys(), ...modes.keys()]) touched.modes.add(id);
      for (const key of identities.keys()) touched.identities.add(key);
      for (const key of bindings.keys()) touched.bindings.add(key);
      for (const id of members.keys()) touched.members.add(id);
    }
    this.#change(touched);
  }

  // What stands in the table under a key: the file's word first, as everywhere; then what was made here.

  #roleOf(id: string): Role | undefined {
    return this.#written.roles.get(id) ?? this.#stored.users.get(id)?.role ?? this.#written.implied.get(id);
  }

  #modeOf(id: string): SessionMode | undefined {
    if (this.#written.roles.has(id)) return this.#written.modes.get(id);
    return this.#stored.users.get(id)?.session_mode ?? undefined;
  }

  #membersOf(id: string): readonly string[] | undefined {
    const own = this.#written.members.get(id);
    if (own !== undefined) return own;
    const made = this.#stored.workspaces.get(id);
    return made === undefined || made.deleted === true ? undefined : made.members;
  }

  /** All that the sources say, as what is different from an empty table. */
  #everything(): TableMoves {
    const { users, senders, workspaces } = this.#stored;
    const touched = nothingTouched();
    const { roles, implied, modes, identities, bindings, members } = this.#written;
    for (const id of [...roles.keys(), ...implied.keys()]) touched.roles.add(id);
    for (const id of modes.keys()) touched.modes.add(id);
    for (const key of identities.keys()) touched.identities.add(key);
    for (const key of bindings.keys()) touched.bindings.add(key);
    for (const id of members.keys()) touched.members.add(id);
    for (const user of users.values()) touchUser(touched, user);
    for (const own of senders.values()) touchSender(touched, own);
    for (const workspace of workspaces.values()) {
      touched.members.add(workspace.id);
      for (const { channel, channel_id } of workspace.bindings) touched.bindings.add(pairOf(channel, channel_id));
    }
    return this.#moves(touched, null);
  }

  /** What the touched keys stand for now, where that is other than before. */
  #moves(touched: Touched, before: TableParts | null): TableMoves {
    const stored = vouchedIn(this.#stored, touched.identities);
    const bound = boundIn(this.#stored, touched.bindings);
    const { identities, bindings } = this.#written;
    return {
      roles: movesOf(touched.roles, before?.roles, (id) => this.#roleOf(id)),
      modes: movesOf(touched.modes, before?.modes, (id) => this.#modeOf(id)),
      identities: movesOf(touched.identities, before?.identities, (key) => identities.get(key) ?? stored.get(key)),
      pairings: movesOf(touched.pairings, before?.pairings, (key) => pairingsAt(this.#stored, key)),
      bindings: movesOf(touched.bindings, before?.bindings, (key) => bindings.get(key) ?? bound.get(key)),
      members: [...touched.members].flatMap((id): Moves<readonly string[]> => {
        const after = this.#membersOf(id);
        return sameMembers(before?.members.get(id), after) ? [] : [[id, after ?? null]];
      }),
    };
  }

  #change(touched: Touched): void {
    const moves = this.#moves(touched, this.#table.parts);
    const size = Object.values(moves).reduce((sum, { length }) => sum + length, 0);
    const paused = this.#stored.paused !== null;
    if (size === 0 && paused === this.#table.paused) return;
    this.#goOn({ kind: 'part', version: this.#table.version + 1, paused, moves }, size > PART_MOST);
  }

  #goOn(part: TableChange, many = false): void {
    this.#table = changedTable(this.#table, part);
    this.#tell(many ? { kind: 'whole', table: this.packed() } : part);
  }

  /** Goes on by a version in which nobody changes: whoever hears of it has heard what its thread was told before. */
  step(): void {
    const paused = this.#stored.paused !== null;
    this.#goOn({ kind: 'part', version: this.#table.version + 1, paused, moves: this.#moves(nothingTouched(), null) });
  }

  /** From here on it is whole. */
  #replace(): void {
    const paused = this.#stored.paused !== null;
    const packed = { version: this.#table.version + 1, whole: true, paused, ...this.#everything() };
    this.#table = unpackTable(packed);
    this.#tell({ kind: 'whole', table: packed });
  }

  #tell(change: TableChange): void {
    for (const run of this.#listeners) run(change);
  }
}

function nothingTouched(): Touched {
  return {
    roles: new Set(),
    modes: new Set(),
    identities: new Set(),
    pairings: new Set(),
    bindings: new Set(),
    members: new Set(),
  };
}

function touchUsers(touched: Touched, after: Shards<StoredUser>, before: Shards<StoredUser>): void {
  for (const [id, user] of after.since(before))
    for (const one of [user, before.get(id)]) if (one !== undefined) touchUser(touched, one);
}

function touchUser(touched: Touched, { id, identities }: StoredUser): void {
  touched.roles.add(id);
  touched.modes.add(id);
  for (const { channel, platform_id } of identities) touched.identities.add(pairOf(channel, platform_id));
}

function touchSender(touched: Touched, own: readonly StoredPairing[] | undefined): void {
  const [first] = own ?? [];
  if (first !== undefined) touched.pairings.add(pairOf(first.channel_type, first.platform_id));
}

function movesOf<V>(
  keys: ReadonlySet<string>,
  before: Shards<V> | undefined,
  now: (key: string) => V | undefined,
): (readonly [string, V | null])[] {
  const moves: (readonly [string, V | null])[] = [];
  for (const key of keys) {
    const after = now(key);
    if (after !== before?.get(key)) moves.push([key, after ?? null]);
  }
  return moves;
}

/** Whose the identities with these keys are, of those somebody said: what came with a pairing holds where that does. */
function vouchedIn({ users, identities }: Directory, keys: ReadonlySet<string>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const key of keys) {
    const [channel = '', platform_id = ''] = key.split('\0');
    const user_id = identities.get(identityKey({ channel, platform_id }));
    const known = users
      .get(user_id ?? '')
      ?.identities.find((one) => one.channel === channel && one.platform_id === platform_id);
    if (user_id !== undefined && known !== undefined && known.by_pairing !== true) found.set(key, user_id);
  }
  return found;
}

function pairingsAt({ senders }: Directory, key: string): readonly PairedHere[] | undefined {
  const [channel_type = '', platform_id = ''] = key.split('\0');
  return senders
    .get(senderKey({ channel_type, platform_id }))
    ?.map(({ id, channel, workspace_id, user_id, status, origin }) => {
      return { id, channel, workspace_id, user_id, status, origin };
    });
}

function boundIn({ workspaces }: Directory, keys: ReadonlySet<string>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  if (keys.size === 0) return found;
  for (const { id, bindings } of workspaces.values())
    for (const { channel, channel_id } of bindings) {
      const key = pairOf(channel, channel_id);
      if (keys.has(key)) found.set(key, id);
    }
  return found;
}

function writtenIn({ users, auth, workspaces }: ConfiguredPeople): Written {
  const bindings = new Map<string, string>();
  for (const [id, workspace] of Object.entries(workspaces))
    for (const { channel, channel_id } of workspace.bindings) {
      const key = pairOf(channel, channel_id);
      // What is bound twice is bound where it stands first.
      if (!bindings.has(key)) bindings.set(key, id);
    }
  return {
    roles: new Map(users.map(({ id, role }) => [id, role])),
    implied: impliedRoles(auth),
    modes: new Map(users.flatMap(({ id, session_mode }) => (session_mode === undefined ? [] : [[id, session_mode]]))),
    identities: new Map(
      users.flatMap(({ id, identities }) =>
        identities.map(({ channel, platform_id }) => [pairOf(channel, platform_id), id] as const),
      ),
    ),
    bindings,
    members: new Map(Object.entries(workspaces).map(([id, { members }]) => [id, members])),
  };
}

/** Those whom only a token in the file names: what it may says what they are. The owner stands nowhere and is always there. */
function impliedRoles({ tokens }: ConfiguredPeople['auth']): ReadonlyMap<string, Role> {
  const roles = new Map<string, Role>();
  for (const { user_id, permissions } of tokens) {
    if (permits(permissions ?? [], 'admin:*')) roles.set(user_id, 'admin');
    else if (!roles.has(user_id)) roles.set(user_id, 'member');
  }
  return roles.set(OWNER_ID, 'owner');
}

function sameMembers(before: ReadonlySet<string> | undefined, after: readonly string[] | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return before.size === new Set(after).size && after.every((id) => before.has(id));
}
