// SPDX-License-Identifier: Apache-2.0
// The restart policy: bounded, growing waits, then quarantine.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type History, INTENSITY, NO_HISTORY, onExit } from '../../src/bus/supervision.ts';

const exits = fc.array(
  fc.record({
    wait: fc.integer({ min: 0, max: 40_000 }),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  }),
  {
    maxLength: 60,
  },
);

test('never more than five restarts in any minute, and no quarantine before', () => {
  fc.assert(
    fc.property(exits, (given) => {
      let history: History = NO_HISTORY;
      let now = 0;
      let restarts: number[] = [];
      /** When the last rest was over, until it has been stood. */
      let rested = Number.NEGATIVE_INFINITY;
      for (const { wait, random } of given) {
        now += wait;
        const { decision, history: next } = onExit('permanent', history, now, random, 'error');
        history = next;
        const recent = restarts.filter((at) => now - at < INTENSITY.within_ms).length;
        const on_trial = now - rested < INTENSITY.within_ms;
        expect(decision.do).toBe(on_trial || recent >= INTENSITY.restarts ? 'quarantine' : 'restart');
        if (decision.do === 'quarantine') {
          expect(decision.rest_ms).toBeGreaterThanOrEqual(INTENSITY.rest_ms / 2);
          expect(decision.rest_ms).toBeLessThanOrEqual(INTENSITY.longest_rest_ms);
          now += decision.rest_ms;
          rested = now;
          restarts = [];
        } else if (decision.do === 'restart') {
          restarts.push(now);
          expect(decision.after_ms).toBeGreaterThanOrEqual(0);
          expect(decision.after_ms).toBeLessThanOrEqual(INTENSITY.longest_backoff_ms);
          expect(history.restarts.length).toBeLessThanOrEqual(INTENSITY.restarts);
        }
      }
    }),
  );
});

test('the first restart is at once, then the wait doubles, jittered down to a half', () => {
  const waits = (random: number) => {
    let history: History = NO_HISTORY;
    return [0, 1, 2, 3, 4, 5].map((now) => {
      const { decision, history: next } = onExit('permanent', history, now, random, 'error');
      history = next;
      return decision.do === 'restart' ? decision.after_ms : decision.do;
    });
  };
  expect(waits(0.999_999)).toEqual([0, 100, 200, 400, 800, 'quarantine']);
  expect(waits(0)).toEqual([0, 50, 100, 200, 400, 'quarantine']);
});

test('after a quiet hour the restart is at once again', () => {
  let history: History = NO_HISTORY;
  for (const now of [0, 1, 2]) ({ history } = onExit('permanent', history, now, 0, 'error'));
  expect(onExit('permanent', history, 3_600_000, 0, 'hung').decision).toEqual({ do: 'restart', after_ms: 0 });
});

test('a quarantine is a rest: one that fails right after it rests twice as long, one that then runs begins anew', () => {
  const almost = 0.999_999;
  let history: History = NO_HISTORY;
  let now = 1_000_000;
  for (let end = 0; end < 5; end += 1) ({ history } = onExit('permanent', history, now, almost, 'error'));
  const rests: number[] = [];
  for (let failed = 0; failed < 7; failed += 1) {
    const { decision, history: next } = onExit('permanent', history, now, almost, 'error');
    history = next;
    if (decision.do !== 'quarantine') throw new Error(decision.do);
    rests.push(decision.rest_ms);
    now += decision.rest_ms + 1_000;
  }
  expect(rests).toEqual([60_000, 120_000, 240_000, 480_000, 900_000, 900_000, 900_000]);
  // It ran for longer than it had to rest.
  now += 1_000_000;
  const again = onExit('permanent', history, now, almost, 'error');
  expect(again.decision).toEqual({ do: 'restart', after_ms: 0 });
  expect(again.history.rests).toBe(0);
});

test('what is done is not restarted', () => {
  const decide = (restart: 'permanent' | 'transient' | 'temporary', reason: 'normal' | 'error') =>
    onExit(restart, NO_HISTORY, 0, 0, reason).decision.do;
  expect(decide('permanent', 'normal')).toBe('restart');
  expect(decide('transient', 'normal')).toBe('done');
  expect(decide('transient', 'error')).toBe('restart');
  expect(decide('temporary', 'error')).toBe('done');
});
