// SPDX-License-Identifier: Apache-2.0
// Effects counted outside of the data directory against the calls the journal has: none twice whose result is journaled.

import { existsSync, readFileSync } from 'node:fs';
import type { ApprovalKept, CallKept } from './audit.ts';
import { COUNTED } from './counting-tools.ts';

export interface EffectAudit {
  /** Effects that happened. */
  readonly effects: number;
  /** Calls that were interrupted and not made again: the model was told that their outcome is unknown. */
  readonly outcome_unknown: number;
  /** Of those, the ones whose effect had happened. */
  readonly unknown_happened: number;
  /** Calls of an idempotent tool that were interrupted and made again. */
  readonly repeated: number;
  readonly problems: readonly string[];
}

/** @param file what the counting tools wrote: turn, call and tool on each line */
export function auditEffects(
  file: string,
  calls: ReadonlyMap<string, CallKept>,
  approvals: ReadonlyMap<string, ApprovalKept>,
): EffectAudit {
  const times = new Map<string, number>();
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  let effects = 0;
  for (const line of lines) {
    if (line === '') continue;
    effects += 1;
    const key = line.slice(0, line.lastIndexOf(' '));
    times.set(key, (times.get(key) ?? 0) + 1);
  }
  const problems: string[] = [];
  for (const [id, { call, decision }] of approvals)
    if (decision !== 'approve' && times.has(call))
      problems.push(`${call} took effect, and approval ${id} is ${decision}`);
  let outcome_unknown = 0;
  let unknown_happened = 0;
  let repeated = 0;
  for (const [key, { name, resumed, result }] of calls) {
    const counted = COUNTED[name];
    if (counted === undefined) continue;
    const happened = times.get(key) ?? 0;
    times.delete(key);
    // Once for the call, and once more for each resumption before its result: never after it.
    const most = counted.idempotent ? 1 + resumed : 1;
    if (happened > most) problems.push(`${name} ${key} took effect ${happened} times; ${most} at most (${result})`);
    if (result === 'done' && happened === 0) problems.push(`${name} ${key} returned and never took effect`);
    if (result === 'outcome_unknown') {
      outcome_unknown += 1;
      if (happened > 0) unknown_happened += 1;
      if (counted.idempotent) problems.push(`${name} ${key} is idempotent and was not made again`);
    } else if (happened > 1) repeated += 1;
  }
  for (const key of times.keys()) problems.push(`${key} took effect and its call is not journaled`);
  return { effects, outcome_unknown, unknown_happened, repeated, problems };
}
