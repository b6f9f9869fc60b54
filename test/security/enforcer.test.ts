// SPDX-License-Identifier: Apache-2.0
// Capabilities and the enforcer against a naive model: what it denies is never let in, and the work grows with the text alone.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, parseCapability, parsePattern } from '../../src/security/capability.ts';
import { compileRules, decide, decideAll } from '../../src/security/enforcer.ts';
import { naiveAllowed, naiveCovers, naiveName, naivePattern } from './naive-model.ts';

const RUNS = 10_000;

const word = fc.constantFrom('a', 'b', 'tool', 'exec', 'memory', 'filesystem', 'read');
/** What nobody should be let in by: nothing at all, what is no word, and letters that only look like ones. */
const odd = fc.constantFrom(
  '',
  '.',
  '..',
  ' ',
  'a b',
  'm*',
  '**',
  'а',
  'ᴀ',
  'ｔool',
  '․',
  '∗',
  'tool\u200b',
  '\0',
  '%2e',
);
const step = fc.constantFrom(
  'a',
  'b',
  'data',
  '.',
  '..',
  '',
  'x.txt',
  'notes.md',
  'é',
  'e\u0301',
  '．．',
  '∕',
  '／',
  '\\',
  '*',
  '\u202e',
);
const path = fc.array(step, { maxLength: 6 }).map((steps) => `/${steps.join('/')}`);
const globStep = fc.oneof(step, fc.constantFrom('*', '**', '*.txt', 'n*s.*', 'a*', '?', '[a]'));
const glob = fc.array(globStep, { maxLength: 5 }).map((steps) => `/${steps.join('/')}`);
const segments = (one: fc.Arbitrary<string>) => fc.array(one, { minLength: 1, maxLength: 5 });
const joined = (words: fc.Arbitrary<string[]>, end: fc.Arbitrary<string>) =>
  fc
    .tuple(words, fc.option(end, { nil: null }))
    .map(([all, last]) => [...all, ...(last === null ? [] : [last])].join('.'));
const often = (usual: fc.Arbitrary<string>, more: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: more });
const name = joined(segments(often(word, odd)), path);
const pattern = joined(segments(often(fc.oneof(word, fc.constant('*')), odd)), glob);
/** Short alphabets: what nearly fits again and again is where a match goes wrong. */
const near = fc.oneof(
  name,
  joined(segments(fc.constantFrom('a', 'b')), path),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);
const nearPattern = fc.oneof(
  pattern,
  joined(segments(fc.constantFrom('a', 'b', '*')), glob),
  fc.constantFrom('*', '*.*', ''),
);

describe('a pattern', () => {
  it('covers what the model says it covers, and nothing else', () => {
    let covered = 0;
    fc.assert(
      fc.property(nearPattern, near, (text, asked) => {
        const [compiled, capability] = [parsePattern(text), parseCapability(asked)];
        expect([compiled !== null, capability !== null]).toEqual([naivePattern(text), naiveName(asked)]);
        const is = compiled !== null && capability !== null && covers(compiled, capability);
        expect(is).toBe(naiveCovers(text, asked));
        covered += is ? 1 : 0;
      }),
      { numRuns: RUNS },
    );
    expect(covered).toBeGreaterThan(RUNS / 100);
  });

  it.each([
    ['tool.*', 'tool.calculator', true],
    ['tool.*', 'tool.mcp.github.search', true],
    ['tool.*', 'tool', false],
    ['*', 'memory.remember', true],
    ['*', 'exec', false],
    ['*.read', 'filesystem.local.read', true],
    ['a.*.a.b', 'a.a.b', false],
    ['a.*.a.b', 'a.a.a.b', true],
    ['a.*.a.b', 'a.x.a.a.b', true],
    ['*.*', 'a.b', true],
    ['*.*.*', 'a.b', false],
    ['memory', 'memory.remember', false],
    ['filesystem.read./data/*', 'filesystem.read./data/notes.txt', true],
    ['filesystem.read./data/*', 'filesystem.read./data/deep/notes.txt', false],
    ['filesystem.read./data/**', 'filesystem.read./data/deep/notes.txt', true],
    ['filesystem.read./data/**', 'filesystem.read./data', false],
    ['filesystem.read./data/*', 'filesystem.read./data/../etc/passwd', false],
    ['filesystem.read./data/**', 'filesystem.read./data/../../data/x', false],
    ['filesystem.read./data/*', 'filesystem.read./data//./x/../notes.txt', true],
    ['filesystem.read./data/../etc/*', 'filesystem.read./etc/hosts', true],
    ['filesystem.read./data/*', 'filesystem.read./data/．．/etc', false],
    ['filesystem.read./data/*', 'filesystem.read./data∕x', false],
    ['filesystem.read./data/*', 'filesystem.read./data/a\\..\\b', false],
    ['filesystem.*', 'filesystem.read./data/x', true],
    ['filesystem.read', 'filesystem.read./data/x', false],
    ['filesystem.read./*.txt', 'filesystem.read./résumé.txt', true],
    ['tool.clock', 'tool.сlock', false],
    ['tool.*', 'tool.', false],
    ['tool.*', 'tool..clock', false],
    ['*', '', false],
    ['*', '*', false],
    ['*', 'a.*', false],
  ])('%s covers %s: %s', (text, asked, expected) => {
    const [compiled, capability] = [parsePattern(text), parseCapability(asked)];
    expect(compiled !== null && capability !== null && covers(compiled, capability)).toBe(expected);
    expect(naiveCovers(text, asked)).toBe(expected);
  });
});

/** Steps a match takes, the parsing of the name included. */
function stepsOf(text: string, asked: string): number {
  const compiled = parsePattern(text);
  const meter = { steps: 0 };
  const capability = parseCapability(asked, meter);
  if (compiled !== null && capability !== null) covers(compiled, capability, meter);
  return meter.steps;
}

describe('the work of a match', () => {
  const many = (count: number, part: string): string => Array.from({ length: count }, () => part).join('.');
  const shapes: readonly (readonly [string, (n: number) => string, (n: number) => string])[] = [
    ['nearly fits at every place', (n) => `*.${many(n / 2, 'a')}.b.*`, (n) => many(n, 'a')],
    ['has a star for every other segment', (n) => many(n / 2, '*.a'), (n) => many(n, 'a')],
    ['is nothing but stars', (n) => many(n, '*'), (n) => many(n, 'a')],
    ['nearly repeats itself', (n) => `*.${many(n / 4, 'a.b')}.a.a.*`, (n) => many(n / 2, 'a.b')],
    ['is longer than the name', (n) => many(n, 'a'), (n) => many(n / 2, 'a')],
  ];
  it.each(shapes)('grows with 10,000 segments as with 1,000 when the pattern %s', (_, text, asked) => {
    const [less, more] = [1_000, 10_000].map((n) => stepsOf(text(n), asked(n)));
    expect(less).toBeGreaterThan(500);
    expect((more ?? 0) / (less ?? 1)).toBeLessThan(10.5);
    expect(more).toBeLessThan(3 * 2 * (text(10_000).length + asked(10_000).length));
  });

  it.each([
    ['nearly fits within a segment', (n: number) => `*${'a'.repeat(n / 2)}b*`, (n: number) => 'a'.repeat(n)],
    ['has many stars within a segment', (n: number) => '*a'.repeat(n / 2), (n: number) => `${'a'.repeat(n)}b`],
    [
      'has many segments',
      (n: number) => many(n / 2, '*').replaceAll('.', '/'),
      (n: number) => many(n / 2, 'a').replaceAll('.', '/'),
    ],
  ])('grows with the length of a path when it %s', (_, text, asked) => {
    const [less, more] = [400, 4_000].map((n) => stepsOf(`f.read./${text(n)}`, `f.read./${asked(n)}`));
    expect((more ?? 0) / (less ?? 1)).toBeLessThan(10.5);
  });

  it('is none for what is too long', () => {
    expect(stepsOf('*', many(65_537, 'a'))).toBe(0);
    expect(parsePattern('a'.repeat(65_537))).toBeNull();
    expect(parseCapability(`f.read./${'a/'.repeat(2_048)}`)).toBeNull();
  });
});

const list = fc.oneof(
  { weight: 3, arbitrary: fc.array(nearPattern, { maxLength: 3 }) },
  { weight: 4, arbitrary: fc.constantFrom(['*'], ['tool.*', 'memory.*'], ['a.*', '*.b'], ['*', 'exec.*']) },
);
const taken = fc.oneof(
  { weight: 4, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(nearPattern, { maxLength: 2 }) },
);

describe('the enforcer', () => {
  it('decides as the algebra of sets does', () => {
    let allowed = 0;
    const lists = fc.record({
      ...{ declared: list, plugin_denied: taken, allow: list, denied: taken, permissions: list, revoked: taken },
    });
    fc.assert(
      fc.property(near, lists, (asked, of) => {
        const decision = decide(asked, {
          plugin: compileRules('the plugin', of.declared, of.plugin_denied),
          workspace: compileRules('the workspace', of.allow, of.denied),
          user: compileRules('the role', of.permissions, of.revoked),
        });
        expect(decision.allowed).toBe(naiveAllowed(asked, of));
        expect(decision.reason).toMatch(/^[A-Z"].*\.$/su);
        expect(decision.rule).not.toBe('');
        expect(Object.isFrozen(decision)).toBe(true);
        allowed += decision.allowed ? 1 : 0;
      }),
      { numRuns: RUNS },
    );
    expect(allowed).toBeGreaterThan(RUNS / 100);
  });

  const all = compileRules('everybody', ['*'], []);
  const parties = { plugin: all, workspace: all, user: all };

  it('says which of the three stands in the way, and by which rule', () => {
    const none = compileRules('the workspace homelab', [], []);
    const less = compileRules('the role admin', ['*'], ['exec.*']);
    const said = [
      decide('tool.clock', { ...parties, workspace: none }),
      decide('exec.sandboxed', { ...parties, user: less }),
      decide('tool.clock', { ...parties, plugin: none }),
      decide('tool.clock', { ...parties, user: none }),
      decide('tool clock', parties),
      decide('tool.clock', parties),
    ];
    expect(said.map(({ rule }) => rule)).toEqual([
      ...['workspace.allow', 'user.denied exec.*', 'plugin.declared', 'user.permissions', 'malformed'],
      'plugin.declared *, workspace.allow *, user.permissions *',
    ]);
    expect(said[0]?.reason).toBe('The workspace homelab does not allow tool.clock.');
    expect(said[1]?.reason).toBe('The role admin denies exec.*, and so exec.sandboxed.');
  });

  it('takes everything back where nobody can read what is to be taken back', () => {
    const broken = compileRules('the workspace', ['*'], ['ех*c.*']);
    expect(decide('tool.clock', { ...parties, workspace: broken })).toMatchObject({ rule: 'workspace.denied' });
  });

  it('allows several together only when each is, and nothing is not enough', () => {
    const workspace = compileRules('the workspace', ['tool.*'], []);
    expect(decideAll(['tool.x', 'tool.y'], { ...parties, workspace }).allowed).toBe(true);
    expect(decideAll(['tool.x', 'net.fetch'], { ...parties, workspace })).toMatchObject({ rule: 'workspace.allow' });
    expect(decideAll([], parties).allowed).toBe(false);
  });
});
