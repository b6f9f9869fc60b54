// SPDX-License-Identifier: Apache-2.0
// What a turn has done with tools so far, and by which rule it was let: what its audit entry will say.

/** What the enforcer said of a call, as the record of its result keeps it. */
export interface ToolPermission {
  readonly allowed: boolean;
  /** What decided; `interrupted` for a call that may have run, of which nobody can tell any more. */
  readonly rule: string;
  /** Of a no, in one sentence. */
  readonly reason?: string;
}

/** A call that was begun and whose result nobody heard. */
export const INTERRUPTED: ToolPermission = Object.freeze({ allowed: true, rule: 'interrupted' });

/** Calls of one tool that were decided by one rule. */
export interface ToolUse {
  readonly tool: string;
  readonly rule: string;
  readonly allowed: boolean;
  readonly calls: number;
}

/** With one call more. */
export function withUse(
  used: readonly ToolUse[] | undefined,
  tool: string,
  { allowed, rule }: ToolPermission,
): readonly ToolUse[] {
  const uses = used ?? [];
  const at = uses.findIndex((use) => use.tool === tool && use.rule === rule && use.allowed === allowed);
  const use = uses[at];
  return use === undefined
    ? [...uses, { tool, rule, allowed, calls: 1 }]
    : uses.with(at, { ...use, calls: use.calls + 1 });
}
