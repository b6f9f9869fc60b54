// SPDX-License-Identifier: Apache-2.0
// What people may by their role.

import { compileRules, type Rules } from './enforcer.ts';

/** What somebody is to the gateway. */
export type Role = 'owner' | 'admin' | 'member' | 'guest';

/** What a role lets through, and what it takes back of that. */
export interface RolePatterns {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** Every role there is, the one that may most first. */
export const ROLES: readonly Role[] = Object.freeze(['owner', 'admin', 'member', 'guest']);

/** The defaults, which nothing changes in this version. */
export const ROLE_PATTERNS: Readonly<Record<Role, RolePatterns>> = Object.freeze({
  owner: { allow: ['*'], deny: [] },
  admin: { allow: ['*'], deny: ['exec.*'] },
  member: { allow: ['messages.*', 'sessions.*', 'tool.*', 'memory.*'], deny: [] },
  guest: { allow: ['messages.*', 'tool.memory_search'], deny: [] },
});

/** The same, compiled. */
export const ROLE_RULES = Object.freeze(
  Object.fromEntries(
    ROLES.map((role) => [role, compileRules(`the role ${role}`, ROLE_PATTERNS[role].allow, ROLE_PATTERNS[role].deny)]),
  ),
) as Readonly<Record<Role, Rules>>;
