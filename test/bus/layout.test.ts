// SPDX-License-Identifier: Apache-2.0
// Placement: pure, stable over versions, and even.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { address, KINDS } from '../../src/bus/address.ts';
import { JOURNAL, MAIN, NOWHERE, placement, READ, threadNames, VIEWS } from '../../src/bus/layout.ts';
import { usualRuns } from '../drawn.ts';

const layout = { lanes: 3, io: 2 };
const names = threadNames(layout);
const place = placement(layout);
const nameOf = (at: number) => names[at] ?? 'nowhere';

test('threads are named in index order', () => {
  expect(names).toEqual(['main', 'journal', 'views', 'read', 'io-1', 'io-2', 'lane-1', 'lane-2', 'lane-3']);
  expect([MAIN, JOURNAL, VIEWS, READ].map(nameOf)).toEqual(['main', 'journal', 'views', 'read']);
});

test('every kind lives where the architecture says', () => {
  expect(place(address('gateway', 'sigil'))).toBe(MAIN);
  for (const id of ['http', 'cli', 'web']) expect(place(address('channel', id))).toBe(MAIN);
  expect(place(address('store', 'journal'))).toBe(JOURNAL);
  expect(place(address('store', 'views'))).toBe(VIEWS);
  expect(place(address('store', 'read'))).toBe(READ);
  expect(place(address('store', 'embedder'))).toBe(MAIN);
  expect(nameOf(place(address('store', 'vendors')))).toBe('io-1');
  expect(place(address('vector-index', 'w1'))).toBe(READ);
  expect(nameOf(place(address('session', 'some')))).toMatch(/^lane-/);
  for (const kind of ['workspace', 'budget', 'provider'] as const) expect(place(address(kind, 'some'))).toBe(MAIN);
  for (const kind of ['channel', 'plugin', 'node'] as const)
    expect(nameOf(place(address(kind, 'some')))).toMatch(/^io-/);
  names.forEach((name, at) => void expect(place(address('thread', name))).toBe(at));
  expect(place(address('thread', 'lane-4'))).toBe(NOWHERE);
  expect(place(address('store', 'attic'))).toBe(NOWHERE);
});

test('the hash does not change: an address stays where its log is read', () => {
  const lanes = (count: number) => placement({ lanes: count, io: 1 });
  const sessions = Array.from({ length: 12 }, (_, at) => address('session', `s-${at}`));
  expect(sessions.map((of) => lanes(16)(of) - 5)).toMatchInlineSnapshot(`
    [
      14,
      8,
      8,
      4,
      14,
      9,
      14,
      2,
      15,
      13,
      3,
      14,
    ]
  `);
});

test('any address has one place, the same for everybody', () => {
  const counts = fc.record({ lanes: fc.integer({ min: 1, max: 64 }), io: fc.integer({ min: 1, max: 16 }) });
  fc.assert(
    fc.property(counts, fc.constantFrom(...KINDS), fc.string({ minLength: 1 }), (given, kind, id) => {
      const at = placement(given)(address(kind, id));
      expect(at).toBe(placement({ ...given })(address(kind, id)));
      expect(at).toBeGreaterThanOrEqual(NOWHERE);
      expect(at).toBeLessThan(threadNames(given).length);
    }),
  );
});

test('sessions spread evenly whatever their ids look like', () => {
  const shapes: ((seed: number, at: number) => string)[] = [
    (seed, at) => `${seed}-${at}`,
    (seed, at) =>
      `0198c0de-${(seed & 0xffff).toString(16).padStart(4, '0')}-7000-8000-${at.toString(16).padStart(12, '0')}`,
    (seed, at) => String.fromCharCode(97 + (seed % 26)).repeat(1 + (at % 7)) + at * 64,
  ];
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(...shapes), fc.integer({ min: 2, max: 16 }), (seed, shape, lanes) => {
      const spread = placement({ lanes, io: 1 });
      const counts = new Array<number>(lanes).fill(0);
      const total = 400 * lanes;
      for (let at = 0; at < total; at++) {
        const lane = spread(address('session', shape(seed, at))) - 5;
        counts[lane] = (counts[lane] ?? 0) + 1;
      }
      // 400 ± 6 standard deviations of a uniform draw.
      for (const count of counts) expect(Math.abs(count - 400)).toBeLessThan(120);
    }),
    { numRuns: usualRuns(60) },
  );
});
