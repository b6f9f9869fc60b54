// SPDX-License-Identifier: Apache-2.0
// Who may enter which workspace: the people there are, what they are, and where they are members.

import { compileRules, type Decision, decide, no } from './enforcer.ts';
import { ROLE_RULES, ROLES, type Role } from './roles.ts';

/** The people there are. */
export interface People {
  /** Undefined: nobody here. */
  roleOf(user_id: string): Role | undefined;
  /** Undefined: there is no such workspace, or it is somebody's own. */
  membersOf(workspace_id: string): ReadonlySet<string> | undefined;
  /** Whether somebody is let into a workspace by a channel, without being its member; nobody is when not given. */
  isPaired?(user_id: string, workspace_id: string): boolean;
}

/** The workspace everybody has. */
export function personalWorkspace(user_id: string): string {
  return `${PERSONAL}${user_id}`;
}

const PERSONAL = 'personal:';

/** Whether a workspace is somebody's own. */
export function isPersonal(workspace_id: string): boolean {
  return workspace_id.startsWith(PERSONAL);
}

function isPersonalOf(workspace_id: string, user_id: string): boolean {
  return (
    workspace_id.length === PERSONAL.length + user_id.length &&
    isPersonal(workspace_id) &&
    workspace_id.endsWith(user_id)
  );
}

/** Whether somebody may write at all: what `messages.send` is to their role. */
export function mayWrite(people: People, user_id: string): Decision {
  const role = people.roleOf(user_id);
  return role === undefined ? unknown(user_id) : WRITES[role];
}

/** No workspace and no plugin has a say in it: their lists are about tools. */
const EVERYTHING = compileRules('the gateway', ['*'], []);
const WRITES = Object.freeze(
  Object.fromEntries(
    ROLES.map((role) => [
      role,
      decide('messages.send', { plugin: EVERYTHING, workspace: EVERYTHING, user: ROLE_RULES[role] }),
    ]),
  ),
) as Readonly<Record<Role, Decision>>;

function unknown(user_id: string): Decision {
  return no('user.unknown', `there is no user ${user_id} here.`);
}

/** Why somebody may not enter a workspace: they are nobody here, or no member of it. Null: they may. */
export function barred(people: People, user_id: string, workspace_id: string): Decision | null {
  return barredAs(people.roleOf(user_id), people, user_id, workspace_id);
}

/** The same, their role being known; undefined where they have none. */
export function barredAs(
  role: Role | undefined,
  people: People,
  user_id: string,
  workspace_id: string,
): Decision | null {
  if (role === undefined) return unknown(user_id);
  if (role === 'owner' || role === 'admin' || isPersonalOf(workspace_id, user_id)) return null;
  if (people.membersOf(workspace_id)?.has(user_id) === true) return null;
  if (people.isPaired?.(user_id, workspace_id) === true) return null;
  return no('workspace.members', `the user ${user_id} is not a member of workspace ${workspace_id}.`);
}
