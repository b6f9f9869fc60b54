// SPDX-License-Identifier: Apache-2.0
// Rules as a stream needs them: what they begin with as one tree of units, and the programs that follow a text from there on.

import { compilePattern, type PatternProgram } from './pattern-run.ts';
import type { Rule } from './rule.ts';

/** A rule that is followed unit by unit. */
export interface StreamRule {
  readonly id: string;
  readonly program: PatternProgram;
  readonly entropy: number;
  /** Its place among the rules: of several that begin at one place the first gives its name. */
  readonly rank: number;
}

/** A place in the tree of beginnings. */
export interface Beginning<T> {
  readonly next: Map<number, Beginning<T>>;
  readonly ends: T[];
}

export function noBeginning<T>(): Beginning<T> {
  return { next: new Map(), ends: [] };
}

export function addBeginning<T>(root: Beginning<T>, text: string, end: T): void {
  let at = root;
  for (let unit = 0; unit < text.length; unit += 1) {
    const code = text.charCodeAt(unit);
    let to = at.next.get(code);
    if (to === undefined) {
      to = noBeginning();
      at.next.set(code, to);
    }
    at = to;
  }
  at.ends.push(end);
}

/** The tree over the secrets of replies. @throws Error for a rule that begins with anything, which would hold back everything */
export function streamRules(rules: readonly Rule[]): Beginning<StreamRule> {
  const root = noBeginning<StreamRule>();
  rules.forEach((rule, rank) => {
    if (rule.kind !== 'secret' || !rule.stages.includes('output')) return;
    const program = compilePattern(rule.pattern);
    const stream = { id: rule.id, program, entropy: rule.entropy ?? 0, rank };
    for (const prefix of program.prefixes) {
      if (prefix === '') throw new Error(`the rule ${rule.id} begins with anything`);
      addBeginning(root, prefix, stream);
    }
  });
  return root;
}
