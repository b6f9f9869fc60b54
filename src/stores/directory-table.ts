// SPDX-License-Identifier: Apache-2.0
// The directory as every thread holds it: who there is, what they are, where they are members. One value, replaced whole.

import type { Role } from './directory-records.ts';
import { Shards } from './shards.ts';

/** What a thread knows of the people; never changed, only replaced by the one a change leads to. */
export interface DirectoryTable {
  /** Counts the changes from 0. */
  readonly version: number;
  /** Whether those of the journal are in it too: before that somebody who is missing may be there. */
  readonly whole: boolean;
  readonly roles: Shards<Role>;
  /** Of the workspaces in the configuration, by id. */
  readonly members: ReadonlyMap<string, ReadonlySet<string>>;
  roleOf(user_id: string): Role | undefined;
  membersOf(workspace_id: string): ReadonlySet<string> | undefined;
}

/** A table as it is posted. */
export interface PackedTable {
  readonly version: number;
  readonly whole: boolean;
  readonly roles: readonly (readonly [string, Role])[];
  readonly members: readonly (readonly [string, readonly string[]])[];
}

/** What leads from one table to the next: all of it in one piece, or what has changed. Null takes away. */
export type TableChange =
  | { readonly kind: 'whole'; readonly table: PackedTable }
  | {
      readonly kind: 'part';
      readonly version: number;
      readonly roles: readonly (readonly [string, Role | null])[];
      readonly members: readonly (readonly [string, readonly string[] | null])[];
    };

function table(
  version: number,
  whole: boolean,
  roles: Shards<Role>,
  members: ReadonlyMap<string, ReadonlySet<string>>,
): DirectoryTable {
  return Object.freeze({
    version,
    whole,
    roles,
    members,
    roleOf: (user_id: string) => roles.get(user_id),
    membersOf: (workspace_id: string) => members.get(workspace_id),
  });
}

/** Nobody, and that is not yet the truth. */
export const EMPTY_TABLE: DirectoryTable = table(0, false, Shards.empty(), new Map());

export function unpackTable({ version, whole, roles, members }: PackedTable): DirectoryTable {
  return table(version, whole, Shards.of(roles), new Map(members.map(([id, ids]) => [id, new Set(ids)])));
}

export function packTable({ version, whole, roles, members }: DirectoryTable): PackedTable {
  return { version, whole, roles: [...roles.entries()], members: [...members].map(([id, ids]) => [id, [...ids]]) };
}

/**
 * The table a change leads to.
 *
 * @throws Error when a change is missing in between: what is known then is not what was decided
 */
export function changedTable(before: DirectoryTable, change: TableChange): DirectoryTable {
  if (change.kind === 'whole') return unpackTable(change.table);
  const { version, roles: changed, members: moved } = change;
  if (version !== before.version + 1)
    throw new Error(`the directory's table is at ${before.version} and was given change ${version}`);
  let { roles } = before;
  for (const [id, role] of changed) roles = role === null ? roles.without(id) : roles.with(id, role);
  if (moved.length === 0) return table(version, before.whole, roles, before.members);
  const members = new Map(before.members);
  for (const [id, ids] of moved) {
    if (ids === null) members.delete(id);
    else members.set(id, new Set(ids));
  }
  return table(version, before.whole, roles, members);
}
