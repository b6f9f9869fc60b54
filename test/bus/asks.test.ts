// SPDX-License-Identifier: Apache-2.0
// Deadlines: never early, late by at most the wheel's step, and each ask leaves exactly once.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { address } from '../../src/bus/address.ts';
import { Asks, WHEEL_MS } from '../../src/bus/asks.ts';
import { VirtualWorlds } from './virtual-world.ts';

const TO = address('session', 'a');
const FROM = address('thread', 'main');
const counts = { sent: 0, delivered: 0, asks_in_flight: 0, timeouts: 0, dead_letters: 0 };

test('every ask expires in its time unless it was taken before', () => {
  const asked = fc.array(
    fc.record({
      at: fc.integer({ min: 0, max: 3000 }),
      within: fc.integer({ min: 0, max: 3000 }),
      takenAfter: fc.option(fc.integer({ min: 0, max: 4000 }), { nil: undefined }),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(asked, (given) => {
      const worlds = new VirtualWorlds();
      const world = worlds.world('one');
      const expired = new Map<number, number>();
      const taken = new Set<number>();
      const asks = new Asks(world, ({ id }) => {
        expect(expired.has(id)).toBe(false);
        expired.set(id, world.monotonic());
        expect(asks.take(id)?.id).toBe(id);
      });
      const open = new Map<number, number>();
      given.forEach(({ at, within, takenAfter }, id) => {
        world.after(at, () => {
          open.set(id, world.monotonic());
          asks.open({ id, to: TO, from: FROM, type: 'test.ask', thread: 1, within, counts, answered: () => undefined });
          if (takenAfter !== undefined) world.after(takenAfter, () => void (asks.take(id) && taken.add(id)));
        });
      });
      while (worlds.step());
      expect(asks.size).toBe(0);
      given.forEach(({ within }, id) => {
        expect(taken.has(id)).toBe(!expired.has(id));
        const waited = (expired.get(id) ?? Number.NaN) - (open.get(id) ?? 0);
        if (!expired.has(id)) return;
        expect(waited).toBeGreaterThanOrEqual(within);
        expect(waited).toBeLessThan(within + WHEEL_MS + 1);
      });
    }),
  );
});
