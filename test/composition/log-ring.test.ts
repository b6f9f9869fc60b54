// SPDX-License-Identifier: Apache-2.0
// The newest lines of the log: which are kept, in what order, and that what is let go of is let go of.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CHARACTERS_KEPT, LINES_KEPT, LogRing } from '../../src/composition/log-ring.ts';

const ring = (): LogRing => new LogRing(() => 'this-life');

it('keeps the newest within both bounds, and the newest whatever its length', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 350_000 }), { minLength: 1, maxLength: 40 }), (sizes) => {
      const kept = ring();
      for (const size of sizes) kept.add('x'.repeat(size));
      const found = [...kept.newestFirst()];
      // What is kept is the longest run of newest lines within the bound.
      let sum = 0;
      const fits = sizes.toReversed().findIndex((size) => {
        sum += size;
        return sum > CHARACTERS_KEPT;
      });
      expect(found.map(({ n }) => n)).toEqual(
        Array.from({ length: fits === -1 ? sizes.length : fits }, (_, at) => sizes.length - at),
      );
    }),
    { numRuns: 20 },
  );
  const one = ring();
  one.add('y'.repeat(2 * CHARACTERS_KEPT));
  expect([...one.newestFirst()].map(({ n }) => n)).toEqual([1]);
});

it('counts on over lines it has let go of, and tells of each until it is told to stop', () => {
  const kept = ring();
  const heard: number[] = [];
  const stop = kept.follow(({ n }) => heard.push(n));
  for (let n = 1; n <= 2 * LINES_KEPT + 7; n += 1) {
    if (n === 4) stop();
    kept.add(`line ${n}`);
  }
  const found = [...kept.newestFirst()];
  expect([found.length, found[0]?.text, found.at(-1)?.n]).toEqual([
    LINES_KEPT,
    `line ${2 * LINES_KEPT + 7}`,
    LINES_KEPT + 8,
  ]);
  expect([...kept.newestFirst(LINES_KEPT + 10)].map(({ n }) => n)).toEqual([LINES_KEPT + 9, LINES_KEPT + 8]);
  expect([heard, kept.last, kept.name]).toEqual([[1, 2, 3], 2 * LINES_KEPT + 7, 'this-life']);
});
