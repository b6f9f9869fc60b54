// SPDX-License-Identifier: Apache-2.0
// A budget's arithmetic against a plain model: what is reserved and used never passes a limit, and a new hour begins with nothing.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  DAY,
  HOUR,
  type Ledger,
  nearing,
  openLedger,
  reserve,
  roll,
  settle,
} from '../../../src/actors/budget/ledger.ts';
import { usualRuns } from '../../drawn.ts';

const NOTHING = { tokens: 0, cost_usd: 0 };
const iso = (at: number): string => String(at);

it('never lets reservations pass a limit, and names the limit, its use and its end when it refuses', () => {
  const call = fc.record({ most: fc.integer({ min: 1, max: 60 }), used: fc.nat(60), wait: fc.nat(HOUR / 2) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.array(call, { maxLength: 50 }), (max, calls) => {
      const limits = { hour: { tokens: max, cost_usd: 0 }, day: NOTHING };
      let now = DAY * 20_000;
      let ledger: Ledger = openLedger(now, { hour: NOTHING, day: NOTHING });
      const hours = new Map<number, number>();
      for (const { most, used, wait } of calls) {
        now += wait;
        const hour = now - (now % HOUR);
        const before = hours.get(hour) ?? 0;
        const next = reserve(roll(ledger, now), limits, { tokens: most, cost_usd: 0 }, 'global', iso);
        if ('code' in next) {
          expect(before + most).toBeGreaterThan(max);
          expect(next.details).toMatchObject({
            limit: 'per_hour_tokens',
            used: before,
            max,
            resets_at: iso(hour + HOUR),
          });
          continue;
        }
        expect(before + most).toBeLessThanOrEqual(max);
        const real = Math.min(used, most);
        ledger = settle(next, { tokens: most, cost_usd: 0 }, { tokens: real, cost_usd: 0 });
        hours.set(hour, before + real);
        expect(ledger.hour.tokens).toBe(before + real);
        expect(ledger.reserved.tokens).toBe(0);
      }
    }),
    { numRuns: usualRuns(1_000) },
  );
});

it('holds many open reservations together within the limit', () => {
  const limits = { hour: NOTHING, day: { tokens: 100, cost_usd: 0 } };
  let ledger: Ledger = openLedger(DAY, { hour: NOTHING, day: { tokens: 40, cost_usd: 0 } });
  let granted = 0;
  for (let call = 0; call < 10; call += 1) {
    const next = reserve(ledger, limits, { tokens: 25, cost_usd: 0 }, 'global', iso);
    if ('code' in next) continue;
    ledger = next;
    granted += 1;
  }
  expect(granted).toBe(2);
});

it('tells once that a limit comes near, again after it was reset, and nothing of what is only reserved', () => {
  const limits = { hour: { tokens: 100, cost_usd: 0 }, day: { tokens: 0, cost_usd: 1 } };
  const now = DAY * 20_000;
  const use = (ledger: Ledger, tokens: number, cost_usd: number): Ledger =>
    settle(ledger, NOTHING, { tokens, cost_usd });
  const empty = openLedger(now, { hour: NOTHING, day: NOTHING });
  const held = reserve(empty, limits, { tokens: 95, cost_usd: 0 }, 'global', iso) as Ledger;
  expect(nearing(empty, held, limits)).toEqual([]);
  const most = use(empty, 79, 0);
  expect(nearing(empty, most, limits)).toEqual([]);
  const near = use(most, 1, 0.9);
  expect(nearing(most, near, limits)).toEqual([
    { limit: 'per_hour_tokens', used: 80, max: 100, resets: now + HOUR },
    { limit: 'per_day_usd', used: 0.9, max: 1, resets: now + DAY },
  ]);
  expect(nearing(near, use(near, 15, 0), limits)).toEqual([]);
  const next = roll(near, now + HOUR);
  expect(nearing(next, use(next, 90, 0), limits).map(({ resets }) => resets)).toEqual([now + 2 * HOUR]);
});
