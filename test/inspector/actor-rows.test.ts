// SPDX-License-Identifier: Apache-2.0
// The page's list of a thread's actors: in the end the same as the thread's, whoever came and went while pages were fetched.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ActorRows } from '../../inspector/actor-rows.ts';
import type { Actor, Actors } from '../../inspector/wire.ts';
import { usualRuns } from '../drawn.ts';

const PAGE = 3;

function actor(address: string, processed = 0): Actor {
  const [kind = '', id = ''] = address.split('/');
  return {
    ...{ address, kind, id, parent: null, thread: 'lane-1', state: 'idle', since: '', uptime_s: 0 },
    ...{ mailbox: { depth: 0, capacity: 1, oldest_ms: 0 }, processed, failed: 0, restarts: 0, last_event: null },
    asleep: false,
  };
}

/** A page as a gateway answers it: what is there now, from after the cursor on. */
function pageOf(there: ReadonlySet<string>, cursor: string | null): Pick<Actors, 'items' | 'next_cursor'> {
  const left = [...there].sort().filter((address) => address > (cursor ?? ''));
  const items = left.slice(0, PAGE).map((address) => actor(address));
  return { items, next_cursor: left.length > PAGE ? (items.at(-1)?.address ?? null) : null };
}

it('comes to what is there, in order, after any pages in any order while actors come and go', () => {
  const name = fc.integer({ min: 100, max: 130 }).map((nth) => `session/${nth}`);
  const change = fc.oneof(
    fc.record({ do: fc.constant('come' as const), name }),
    fc.record({ do: fc.constant('go' as const), name }),
    fc.record({ do: fc.constant('next' as const) }),
    fc.record({ do: fc.constant('again' as const), nth: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(name, { maxLength: 20 }), fc.array(change, { maxLength: 60 }), (first, changes) => {
      const there = new Set(first);
      const rows = new ActorRows('lane-1');
      const fetchNext = (): void => {
        const page = rows.next();
        if (page !== undefined) rows.take(page, pageOf(there, page.cursor));
      };
      const refetch = (page: { readonly cursor: string | null; readonly after: string }): void =>
        rows.take(page, pageOf(there, page.cursor));
      for (const one of changes) {
        if (one.do === 'come') there.add(one.name);
        else if (one.do === 'go') there.delete(one.name);
        else if (one.do === 'next') fetchNext();
        else for (const page of rows.pagesOf(one.nth, one.nth + 2)) refetch(page);
        expect([...rows.addresses]).toEqual([...new Set(rows.addresses)].sort());
        for (const address of rows.addresses) expect(rows.get(address)?.address).toBe(address);
      }
      // Nobody comes and goes any more: fetched again from the beginning, all of it is right.
      for (let round = 0; round < 40; round += 1) {
        for (const page of rows.pagesOf(0, rows.addresses.length)) refetch(page);
        fetchNext();
      }
      expect(rows.whole).toBe(true);
      expect([...rows.addresses]).toEqual([...there].sort());
    }),
    { numRuns: usualRuns(80) },
  );
});

it('moves an actor along by what the stream tells, and says when it does not know it', () => {
  const rows = new ActorRows('lane-1');
  rows.take({ cursor: null, after: '' }, { items: [actor('session/1', 4)], next_cursor: null });
  const step = {
    at: '2026-11-21T00:00:00.000Z',
    event: 'received',
    from_state: 'idle',
    to_state: 'turn.calling_model',
  };
  expect(rows.moved({ ...step, address: 'session/1' })).toBe(true);
  expect(rows.get('session/1')).toMatchObject({
    state: 'turn.calling_model',
    processed: 5,
    last_event: { type: 'received' },
  });
  expect(rows.moved({ ...step, address: 'session/2' })).toBe(false);
});
