// SPDX-License-Identifier: Apache-2.0
// Pages of lists that change between them: what stays is told exactly once.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { pageOf } from '../../src/edge/listed.ts';

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 30 });

it('tells everything once, in its order', () => {
  fc.assert(
    fc.property(names, fc.integer({ min: 1, max: 7 }), (all, limit) => {
      const told: string[] = [];
      let cursor: string | undefined;
      do {
        const page = pageOf(all, (name) => name, { limit, cursor });
        expect(page.items.length).toBeLessThanOrEqual(limit);
        told.push(...page.items);
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
      expect(told).toEqual(all);
    }),
  );
});

it('goes on behind what it told last, also when something before that went', () => {
  const first = pageOf(['a', 'b', 'c', 'd', 'e'], (name) => name, { limit: 2 });
  expect(first.items).toEqual(['a', 'b']);
  const cursor = first.next_cursor ?? '';
  expect(pageOf(['b', 'c', 'd', 'e'], (name) => name, { limit: 2, cursor }).items).toEqual(['c', 'd']);
  expect(pageOf(['a', 'x', 'c', 'd'], (name) => name, { limit: 2, cursor }).items).toEqual(['c', 'd']);
});

it.each(['nonsense', 'e30', Buffer.from('{"id":"a"}').toString('base64url')])('refuses the cursor %s', (cursor) => {
  expect(() => pageOf(['a'], (name) => name, { limit: 1, cursor })).toThrow(/cursor/);
});
