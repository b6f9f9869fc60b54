// SPDX-License-Identifier: Apache-2.0
// What patterns of injections are put together from, and the short form their rules are written in.

import type { Rule, Severity } from '../rule.ts';

/** Between two words: spaces, and the marks people and mark-up put around words. */
export const GAP = '[\\s*_~`"\'()<>|#/,:;\\\\-]{1,8}';
/** Up to so many words of the Latin alphabet, each with what follows it. */
export const words = (most: number): string => `(?:[a-z0-9]{1,16}${GAP}){0,${most}}`;
/** A few units within a sentence. */
export const within = (most: number): string => `[^.!?。！？\\n]{0,${most}}`;
/** No letter before, none after: where a word begins, where it ends. */
export const BEGIN = '(?<![a-z0-9])';
export const END = '(?![a-z0-9])';

/** A rule for messages and tool results. */
export function injection(
  id: string,
  description: string,
  severity: Severity,
  pattern: string,
  keywords: readonly string[],
  examples: { readonly match: readonly string[]; readonly nomatch: readonly string[] },
): Rule {
  return { id, kind: 'injection', description, severity, stages: ['input', 'tool'], pattern, keywords, ...examples };
}
