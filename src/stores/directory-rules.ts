// SPDX-License-Identifier: Apache-2.0
// What every change of the directory goes by: what stands in the configuration, how much there may be, and how it is refused.

import { type Failure, failure } from '../errors.ts';
import type { AuditNote } from './audit.ts';
import { type Directory, evolveDirectory, identityKey } from './directory.ts';
import type { DirectoryRecord, StoredIdentity } from './directory-records.ts';
import type { Decision } from './stream-owner.ts';

/** What stands in the configuration, which nothing here may change. */
export interface Fixed {
  readonly users: ReadonlySet<string>;
  /** Those of them who are owners, and the one who stands nowhere. */
  readonly owners: ReadonlySet<string>;
  /** {@link identityKey} to the id of the user. */
  readonly identities: ReadonlyMap<string, string>;
  /** Ids a token or a pairing may be of although no user has them: `owner`, and those tokens of the configuration name. */
  readonly known: ReadonlySet<string>;
  /** Ids that tokens of the configuration name. */
  readonly named: ReadonlySet<string>;
  readonly tokens: ReadonlySet<string>;
  readonly workspaces: ReadonlySet<string>;
}

/** What a decision is made on. */
export interface Changing {
  readonly state: Directory;
  readonly fixed: Fixed;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly uuid: () => string;
  readonly note: (action: string, details: Readonly<Record<string, unknown>>) => AuditNote;
}

export type Decided = Decision<DirectoryRecord, unknown>;

/**
 * The most there may be of each: past it whoever adds one is told to remove others first. `guests` and `pending` are of the
 * pairings, and are those that strangers make.
 */
export const DIRECTORY_MOST = {
  users: 100_000,
  identities: 100,
  pairings: 100_000,
  guests: 20_000,
  pending: 1_000,
  codes: 1_000,
  tokens: 10_000,
  workspaces: 10_000,
} as const;

export const refuse = (error: Failure): Decided => ({ ok: false, error });
export const missing = (what: string, id: string): Decided =>
  refuse(failure('not_found', `There is no ${what} ${id}.`));
export const conflict = (message: string): Decided => refuse(failure('conflict', message));
export const readOnly = (what: string): Decided =>
  conflict(`${what} is written in the configuration file and can only be changed there.`);
export const full = (most: number, what: string): Decided =>
  conflict(`There are ${most} ${what} already, as many as there may be; remove others first.`);

/** Records with their notes; the answer is what `of` finds in the state they lead to. */
export function written(
  { state, now }: Pick<Changing, 'state' | 'now'>,
  records: readonly DirectoryRecord[],
  audit: readonly AuditNote[],
  of: (after: Directory) => unknown,
): Decided {
  let after = state;
  for (const record of records) after = evolveDirectory(after, record, now);
  return { ok: true, records, audit, body: of(after) };
}

/** Whether all that is held about somebody is being erased: nothing new may be kept of them meanwhile. */
export function isErasing(state: Directory, user_id: string): boolean {
  return state.erasures.get(user_id)?.done_at === null;
}

export function goes(user_id: string): Decided {
  return conflict(`Everything about ${user_id} is being erased; wait until that is done.`);
}

export function isKnown(state: Directory, fixed: Fixed, user_id: string): boolean {
  return fixed.users.has(user_id) || fixed.known.has(user_id) || state.users.has(user_id);
}

type IdentityName = Pick<StoredIdentity, 'channel' | 'platform_id'>;

/** Whose an identity is. */
export function takenBy(state: Directory, fixed: Fixed, identity: IdentityName): string | undefined {
  const key = identityKey(identity);
  return fixed.identities.get(key) ?? state.identities.get(key);
}

export function belongs({ channel, platform_id }: IdentityName, user_id: string): string {
  return `${platform_id} on ${channel} is the user ${user_id}; unlink it there first.`;
}

/** Whether a workspace can be named: it is there, here or in the configuration. */
export function isWorkspace({ state, fixed }: Pick<Changing, 'state' | 'fixed'>, id: string): boolean {
  if (fixed.workspaces.has(id)) return true;
  const workspace = state.workspaces.get(id);
  return workspace !== undefined && workspace.deleted !== true;
}

export function namedByToken(user_id: string): string {
  return `${user_id} is named in \`auth.tokens\` of the configuration and would be known as a member without an entry here; remove that token first.`;
}
