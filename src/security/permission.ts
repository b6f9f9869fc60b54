// SPDX-License-Identifier: Apache-2.0
// Permissions as tokens carry them: `:`-separated segments, `*` for one segment or, at the end, for all that follow.

/**
 * Whether one of the granted permissions covers the needed one: `admin:*` covers `admin:debug` and `admin:*` itself,
 * never `admin`; `*` covers everything. Empty or malformed names are covered by nothing.
 */
export function permits(granted: readonly string[], needed: string): boolean {
  const wanted = segments(needed);
  return wanted !== undefined && granted.some((pattern) => covers(segments(pattern), wanted));
}

function segments(permission: string): readonly string[] | undefined {
  const parts = permission.split(':');
  return parts.includes('') ? undefined : parts;
}

function covers(pattern: readonly string[] | undefined, wanted: readonly string[]): boolean {
  if (pattern === undefined || pattern.length > wanted.length) return false;
  const open = pattern.at(-1) === '*';
  if (!open && pattern.length !== wanted.length) return false;
  return pattern.every((segment, at) => segment === '*' || segment === wanted[at]);
}

/** What a token without a list of its own may do: as its user. */
export function permissionsOfRole(role: string): readonly string[] {
  return role === 'owner' || role === 'admin' ? ADMIN : NONE;
}

const ADMIN: readonly string[] = Object.freeze(['admin:*']);
const NONE: readonly string[] = Object.freeze([]);

/**
 * Whether somebody with `held` may hand on `wanted`: nobody gives away more than they have. `admin:*` has everything; a
 * token that is narrowed to workspaces gives only tokens narrowed to those.
 */
export function mayGrant(held: readonly string[], wanted: readonly string[]): boolean {
  if (permits(held, 'admin:*')) return true;
  const narrowed = (of: readonly string[]): readonly string[] => of.filter((one) => one.startsWith('workspace:'));
  const own = narrowed(held);
  const asked = narrowed(wanted);
  const free = own.length === 0 || permits(held, 'admin:workspaces');
  if (!free && (asked.length === 0 || !asked.every((one) => permits(own, one)))) return false;
  return wanted.every((one) => asked.includes(one) || permits(held, one));
}
