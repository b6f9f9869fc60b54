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
