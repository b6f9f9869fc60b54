// SPDX-License-Identifier: Apache-2.0
// Every rule finds what it says it finds and nothing it says it does not, and costs no more than it may.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PatternError, parsePattern } from '../../../src/security/scanner/pattern.ts';
import { BOUNDS_MOST, boundsOf, refusalOf } from '../../../src/security/scanner/pattern-bounds.ts';
import { compilePattern, NO_UNIT, PatternRun } from '../../../src/security/scanner/pattern-run.ts';
import { RULES, scanEngine } from '../../../src/security/scanner/rules.ts';
import { usualRuns } from '../../drawn.ts';

const byId = RULES.map((rule) => [rule.id, rule] as const);

describe('a rule', () => {
  it.each(byId)('%s: matches its examples, and not the others', (id, { match, nomatch, stages }) => {
    expect(match.length).toBeGreaterThan(0);
    expect(nomatch.length).toBeGreaterThan(0);
    for (const stage of stages) {
      const found = (text: string): boolean =>
        scanEngine()
          .scan(text, stage)
          .some(({ rule }) => rule === id);
      for (const text of match) expect(found(text), text).toBe(true);
      for (const text of nomatch) expect(found(text), text).toBe(false);
      // Also in the middle of much else, where only the surroundings of its keywords are looked at.
      const noise = 'the weather is fine and the tea is hot. '.repeat(200);
      expect(found(`${noise}\n${match[0]}\n${noise}`)).toBe(true);
    }
  });

  it.each(byId)('%s: has a pattern whose cost is bounded', (_id, { pattern }) => {
    expect(refusalOf(pattern)).toBeNull();
  });

  it('has an id of its own, which says what it is', () => {
    const ids = RULES.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, description } of RULES) {
      expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(description).toMatch(/^[A-Z].{8,}[^.]$/);
    }
    expect(RULES.filter(({ kind }) => kind === 'secret').length).toBeGreaterThanOrEqual(15);
  });
});

describe('a pattern', () => {
  it.each([
    'a*',
    'a+',
    '(?:a{1,9})+',
    'a{3,}',
    '(a)',
    '(?:a',
    'a)',
    '\\1',
    '[b-a]',
    'a{2}{3}',
    '(?=ab)',
    'a**',
    '[a',
    '\\p{L}',
    '^a',
    'a\\b',
  ])('%s is not of the dialect', (pattern) => {
    expect(() => parsePattern(pattern)).toThrow(PatternError);
  });

  it.each([
    ['(?:a{1,20}){1,20}b', 'repeats what repeats'],
    ['(?:a|a|b){1,30}c', 'may be gone through in many ways'],
    ['a{0,30}a{0,30}a{0,30}b', 'cannot tell where one repetition ends'],
    ['x.{0,200}y.{0,200}z.{0,200}!', 'has gaps in gaps'],
    [`x${'.'.repeat(10)}{1,4000}y`, 'is certain too late'],
    ['a?', 'matches nothing'],
  ])('%s is refused, for it %s', (pattern) => {
    expect(refusalOf(pattern)).not.toBeNull();
  });

  it('is bounded by what a backtracking engine really does', () => {
    // Steps of a plain backtracking matcher over the same tree, counted, on texts made to fail late.
    for (const pattern of ['ab{0,9}(?:cd|ce){1,3}x', 'a.{0,20}bcd!', '(?:ab|a)(?:bc|c)d', 'a(?:[b-d]{1,5} ){0,4}end']) {
      const { work } = boundsOf(pattern);
      for (const text of ['abbbbcdcecdcd', `a${'bcd'.repeat(9)}`, 'abcabcd', 'abcd bcd bcd dcb bbb en'])
        expect(backtracks(pattern, text)).toBeLessThanOrEqual(work * 2);
    }
    expect(BOUNDS_MOST.certain).toBeLessThanOrEqual(2_048);
  });

  it('that is followed unit by unit matches what an expression matches', () => {
    const secrets = RULES.filter(({ kind }) => kind === 'secret');
    fc.assert(
      fc.property(
        fc.constantFrom(...secrets),
        fc.nat(),
        fc.nat(),
        fc.constantFrom('', ' ', '-', 'x', '"', '.'),
        (rule, which, cut, more) => {
          const sample = rule.match[which % rule.match.length] ?? '';
          const text = sample.slice(0, cut % (sample.length + 1)) + more;
          const program = compilePattern(rule.pattern);
          const whole = new RegExp(`^(?:${rule.pattern})$`);
          const run = new PatternRun(program, NO_UNIT);
          let seen = '';
          for (const unit of text) {
            const matched = run.step(unit.charCodeAt(0));
            seen += unit;
            expect(matched, `${rule.id}: ${seen}`).toBe(whole.test(seen));
          }
        },
      ),
      { numRuns: usualRuns(150) },
    );
  });
});

/** Steps a backtracking engine takes from the first place of a text on until it gives up. */
function backtracks(pattern: string, text: string): number {
  let steps = 0;
  type Node = ReturnType<typeof parsePattern>;
  const go = (nodes: readonly Node[], at: number): boolean => {
    const [node, ...rest] = nodes;
    if (node === undefined) return true;
    steps += 1;
    switch (node.kind) {
      case 'set':
        return (
          node.set.some(([from, to]) => text.charCodeAt(at) >= from && text.charCodeAt(at) <= to) && go(rest, at + 1)
        );
      case 'sequence':
        return go([...node.items, ...rest], at);
      case 'choice':
        return node.of.some((one) => go([one, ...rest], at));
      case 'repeat': {
        const { of, least, most } = node;
        const again: Node[] = most > 1 ? [{ ...node, least: Math.max(0, least - 1), most: most - 1 }] : [];
        return (most > 0 && go([of, ...again, ...rest], at)) || (least === 0 && go(rest, at));
      }
      default:
        return go(rest, at);
    }
  };
  go([parsePattern(pattern)], 0);
  return steps;
}
