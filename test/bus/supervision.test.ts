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
      const restarts: number[] = [];
      for (const { wait, random } of given) {
        now += wait;
        const { decision, history: next } = onExit('permanent', history, now, random, 'error');
        history = next;
        const recent = restarts.filter((at) => now - at < INTENSITY.within_ms).length;
        expect(decision.do).toBe(recent >= INTENSITY.restarts ? 'quarantine' : 'restart');
        if (decision.do !== 'restart') continue;
        restarts.push(now);
        expect(decision.after_ms).toBeGreaterThanOrEqual(0);
        expect(decision.after_ms).toBeLessThanOrEqual(INTENSITY.longest_backoff_ms);
        expect(history.length).toBeLessThanOrEqual(INTENSITY.restarts);
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

test('what is done is not restarted', () => {
  const decide = (restart: 'permanent' | 'transient' | 'temporary', reason: 'normal' | 'error') =>
    onExit(restart, NO_HISTORY, 0, 0, reason).decision.do;
  expect(decide('permanent', 'normal')).toBe('restart');
  expect(decide('transient', 'normal')).toBe('done');
  expect(decide('transient', 'error')).toBe('restart');
  expect(decide('temporary', 'error')).toBe('done');
});
