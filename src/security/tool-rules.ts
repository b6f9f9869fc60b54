// SPDX-License-Identifier: Apache-2.0
// A workspace's rules for tools: what it allows, what it takes away. Dot-separated names; `*` stands for one or more segments.

/**
 * Whether a tool may be used under a workspace's rules. Rules name a tool as `tool.calculator` or plainly `calculator`.
 *
 * @param allow unset: every tool that is registered
 */
export function permitsTool(tool: string, allow: readonly string[] | undefined, deny: readonly string[]): boolean {
  const matches = (pattern: string): boolean =>
    covers(pattern.startsWith('tool.') ? pattern : `tool.${pattern}`, `tool.${tool}`);
  if (deny.some(matches)) return false;
  return allow === undefined || allow.some(matches);
}

function covers(pattern: string, name: string): boolean {
  const wanted = pattern.split('.');
  const given = name.split('.');
  for (const [at, segment] of wanted.entries()) {
    if (segment === '*' && at === wanted.length - 1) return given.length > at;
    if (given[at] === undefined || (segment !== '*' && segment !== given[at])) return false;
  }
  return wanted.length === given.length;
}
