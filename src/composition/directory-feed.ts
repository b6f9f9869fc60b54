// SPDX-License-Identifier: Apache-2.0
// The table of people as main makes it, of the configuration and the directory, and what each change of it tells the threads.

import type { Config } from '../config/schema.ts';
import { permits } from '../security/permission.ts';
import { OWNER_ID } from '../stores/configured-directory.ts';
import type { Directory } from '../stores/directory.ts';
import type { Role, StoredUser } from '../stores/directory-records.ts';
import {
  changedTable,
  type DirectoryTable,
  type PackedTable,
  packTable,
  type TableChange,
  unpackTable,
} from '../stores/directory-table.ts';
import { Shards } from '../stores/shards.ts';

/** What of the configuration is in the table. */
export type ConfiguredPeople = Pick<Config, 'users' | 'workspaces' | 'auth'>;

type Roles = ReadonlyMap<string, Role>;
type Members = ReadonlyMap<string, readonly string[]>;

/** Changes in one message, at most; with more of them the whole table is smaller. */
const PART_MOST = 1_000;

export class DirectoryFeed {
  #table: DirectoryTable;
  #written: Roles;
  #implied: Roles;
  #stored: Shards<StoredUser> = Shards.empty();
  readonly #listeners: ((change: TableChange) => void)[] = [];

  constructor(config: ConfiguredPeople) {
    this.#written = writtenRoles(config);
    this.#implied = impliedRoles(config);
    const members = [...membersIn(config)];
    this.#table = unpackTable({ version: 0, whole: false, roles: [...this.#everybody()], members });
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
    this.#stored = state.users;
    if (!whole) return this.#replace();
    if (state.users === before) return;
    this.#change(
      [...state.users.since(before)].map(([id]) => id),
      [],
    );
  }

  /** Another configuration. */
  configured(config: ConfiguredPeople): void {
    const before = [this.#written, this.#implied];
    this.#written = writtenRoles(config);
    this.#implied = impliedRoles(config);
    const ids = [...before, this.#written, this.#implied].flatMap((roles) => [...roles.keys()]);
    const after = membersIn(config);
    const moved: (readonly [string, readonly string[] | null])[] = [...after].filter(
      ([id, members]) => !sameMembers(this.#table.membersOf(id), members),
    );
    for (const id of this.#table.members.keys()) if (!after.has(id)) moved.push([id, null]);
    this.#change(ids, moved);
  }

  /** The file's word first, as everywhere; then what was made here; then what follows from a token in the file. */
  #roleOf(id: string): Role | undefined {
    return this.#written.get(id) ?? this.#stored.get(id)?.role ?? this.#implied.get(id);
  }

  *#everybody(): Generator<readonly [string, Role]> {
    const ids = new Set([...this.#written.keys(), ...this.#implied.keys()]);
    for (const user of this.#stored.values()) ids.add(user.id);
    for (const id of ids) {
      const role = this.#roleOf(id);
      if (role !== undefined) yield [id, role];
    }
  }

  #change(ids: readonly string[], members: readonly (readonly [string, readonly string[] | null])[]): void {
    const roles: (readonly [string, Role | null])[] = [];
    for (const id of new Set(ids)) {
      const role = this.#roleOf(id);
      if (role !== this.#table.roleOf(id)) roles.push([id, role ?? null]);
    }
    if (roles.length === 0 && members.length === 0) return;
    const { version } = this.#table;
    const part = { kind: 'part' as const, version: version + 1, roles, members };
    this.#table = changedTable(this.#table, part);
    this.#tell(roles.length + members.length > PART_MOST ? { kind: 'whole', table: this.packed() } : part);
  }

  /** From here on it is whole. */
  #replace(): void {
    const { version, members } = this.#table;
    const kept = [...members].map(([id, ids]) => [id, [...ids]] as const);
    const packed = { version: version + 1, whole: true, roles: [...this.#everybody()], members: kept };
    this.#table = unpackTable(packed);
    this.#tell({ kind: 'whole', table: packed });
  }

  #tell(change: TableChange): void {
    for (const run of this.#listeners) run(change);
  }
}

function writtenRoles({ users }: ConfiguredPeople): Roles {
  return new Map(users.map(({ id, role }) => [id, role]));
}

/** Those whom only a token in the file names: what it may says what they are. The owner stands nowhere and is always there. */
function impliedRoles({ auth }: ConfiguredPeople): Roles {
  const roles = new Map<string, Role>();
  for (const { user_id, permissions } of auth.tokens) {
    if (permits(permissions ?? [], 'admin:*')) roles.set(user_id, 'admin');
    else if (!roles.has(user_id)) roles.set(user_id, 'member');
  }
  return roles.set(OWNER_ID, 'owner');
}

function membersIn({ workspaces }: ConfiguredPeople): Members {
  return new Map(Object.entries(workspaces).map(([id, { members }]) => [id, members]));
}

function sameMembers(before: ReadonlySet<string> | undefined, after: readonly string[]): boolean {
  return before !== undefined && before.size === new Set(after).size && after.every((id) => before.has(id));
}
