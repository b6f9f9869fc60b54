// SPDX-License-Identifier: Apache-2.0
// What findings come to under a mode: nothing, a warning, a text with something cut out of it, or a no.

import type { ScanEngine } from './engine.ts';
import type { Finding, Mode, RuleKind, Stage } from './rule.ts';

/** What is to be done with a text. `rules`: the ids of those that found something, each once, in the order of the text. */
export type Verdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'flag'; readonly rules: readonly string[] }
  | { readonly kind: 'redact'; readonly rules: readonly string[]; readonly text: string }
  | { readonly kind: 'block'; readonly rules: readonly string[] };

export const PASS: Verdict = { kind: 'pass' };

/** What stands in place of what a rule found. */
export const redactionMark = (rule: string): string => `[redacted:${rule}]`;

/** Different rules of medium severity that together are taken for an attack. */
const MEDIUM_TOGETHER = 2;

/**
 * What a stage looks for. A secret in a message is its sender's own business: it is cut out where messages are redacted, and
 * is no attack where they are blocked or flagged.
 */
export function kindsOf(stage: Stage, mode: Mode): readonly RuleKind[] {
  if (stage === 'output') return ['secret'];
  return stage === 'input' && mode !== 'redact' ? ['injection'] : ['injection', 'secret'];
}

/** What counts: not what is only talked about, nor one slight sign alone. */
export function counting(findings: readonly Finding[]): readonly Finding[] {
  const meant = findings.filter(({ quoted }) => quoted !== true);
  const medium = meant.filter(({ severity }) => severity === 'medium');
  const strong = meant.length > medium.length || new Set(medium.map(({ rule }) => rule)).size >= MEDIUM_TOGETHER;
  return strong ? meant : [];
}

const idsOf = (findings: readonly Finding[]): readonly string[] => [...new Set(findings.map(({ rule }) => rule))];

/** A text with what was found cut out; what overlaps is one cut, named after what begins first. */
export function redact(text: string, findings: readonly Finding[]): string {
  let shown = '';
  let kept = 0;
  for (const { rule, start, end } of findings) {
    if (start >= kept) {
      shown += text.slice(kept, start) + redactionMark(rule);
      kept = end;
    } else kept = Math.max(kept, end);
  }
  return shown + text.slice(kept);
}

/** Scans a text and says what is to be done with it. */
export function judge(engine: ScanEngine, text: string, stage: Stage, mode: Mode): Verdict {
  if (mode === 'off') return PASS;
  const findings = engine.scan(text, stage, kindsOf(stage, mode));
  if (findings.length === 0) return PASS;
  const counted = counting(findings);
  if (counted.length === 0) return { kind: 'flag', rules: idsOf(findings) };
  const rules = idsOf(counted);
  if (mode === 'redact') return { kind: 'redact', rules, text: redact(text, counted) };
  return { kind: mode, rules };
}
