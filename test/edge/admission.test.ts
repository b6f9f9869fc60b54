// SPDX-License-Identifier: Apache-2.0
// What is let in and whose turn it is: everything while it is soon done, of a flood only what can be done, and nobody's
// flood before anybody else's few.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Admission } from '../../src/edge/admission.ts';
import type { World } from '../../src/world.ts';
import { usualRuns } from '../drawn.ts';
import { ManualClock } from '../stores/manual-clock.ts';

const LANE = 'lane-1';
const FOREVER = Number.POSITIVE_INFINITY;

/** A thread that takes what it is given in the order it came, in front of it the admission. */
function stand(options: { readonly told?: (refused: number) => void } = {}) {
  const clock = new ManualClock();
  const world: World = {
    now: clock.monotonic,
    iso: String,
    monotonic: clock.monotonic,
    origin: 0,
    after: clock.after,
    soon: clock.soon,
    random: () => 0.5,
    uuid: () => '',
  };
  const admission = new Admission(world, options.told);
  const inside: { readonly share: string; readonly since: number; readonly leave: () => void }[] = [];
  const waits = new Map<string, number[]>();
  const let_in = new Map<string, number>();
  const offer = (share: string, many = 1): number => {
    let taken = 0;
    for (let at = 0; at < many; at += 1) {
      const since = clock.monotonic();
      if (admission.refusal(share, [LANE]) !== null) continue;
      const refused = admission.pass(LANE, share, FOREVER, (leave) => inside.push({ share, since, leave }));
      if (refused === null) taken += 1;
    }
    let_in.set(share, (let_in.get(share) ?? 0) + taken);
    return taken;
  };
  const done = (many: number): void => {
    for (let left = many; left > 0; left -= 1) {
      const first = inside.shift();
      if (first === undefined) return;
      waits.set(first.share, [...(waits.get(first.share) ?? []), clock.monotonic() - first.since]);
      first.leave();
    }
  };
  return { admission, clock, offer, done, inside, waits, letIn: (share: string) => let_in.get(share) ?? 0 };
}

describe('admission', () => {
  it('lets a burst in after silence, and few work for ever', () => {
    const it = stand();
    expect(it.offer('ada', 64)).toBe(64);
    it.done(60);
    it.clock.advance(60_000);
    expect(it.offer('ada', 10)).toBe(10);
  });

  it('keeps what waits within the time it may wait, however much is offered', () => {
    const it = stand();
    let most = 0;
    // One millisecond each: a thousand a second are done, ten thousand are offered.
    for (let ms = 0; ms < 5_000; ms += 1) {
      it.offer('flood', 10);
      it.done(1);
      it.clock.advance(1);
      if (ms > 1_000) most = Math.max(most, ...(it.waits.get('flood') ?? []).slice(-1));
    }
    expect(it.letIn('flood')).toBeGreaterThan(4_900);
    expect(most).toBeLessThanOrEqual(200);
    it.offer('flood', 20);
    const refused = it.admission.refusal('flood', [LANE]);
    expect(refused).toMatchObject({ code: 'overloaded', retryable: true });
    expect(refused?.details?.['retry_after_ms']).toBeGreaterThanOrEqual(1_000);
    // What is behind is behind alone.
    expect(it.admission.refusal('flood', [LANE, 'lane-2'])).toBeNull();
  });

  it('lets in again as soon as it is worked off', () => {
    const it = stand();
    for (let ms = 0; ms < 2_000; ms += 1) {
      it.offer('flood', 10);
      it.done(1);
      it.clock.advance(1);
    }
    it.done(1_000);
    expect(it.offer('flood', 64)).toBe(64);
  });

  it('takes no more of a share into a queue that stands still, and few of another', () => {
    const it = stand();
    expect(it.offer('ada', 20)).toBe(20);
    it.clock.advance(501);
    expect(it.offer('ada', 5)).toBe(0);
    expect(it.offer('ben', 9)).toBe(4);
    it.done(100);
    expect(it.offer('ada', 5)).toBe(5);
  });

  it('never runs what nobody waits for any more', () => {
    const it = stand();
    it.offer('ada', 60);
    let ran = 0;
    const refused = it.admission.pass(LANE, 'ada', it.clock.monotonic() + 10, (leave) => {
      ran += 1;
      leave();
    });
    expect(refused).toBeNull();
    it.clock.advance(11);
    it.done(100);
    expect(ran).toBe(0);
    // Its place is free again.
    expect(it.offer('ada', 64)).toBe(64);
  });

  it('keeps work back while records are behind, for those who have enough', () => {
    const it = stand();
    it.offer('ben');
    it.done(1);
    const leaves = Array.from({ length: 20 }, () => it.admission.reading('flood'));
    it.offer('flood', 20);
    const given = it.inside.length;
    it.offer('ben');
    expect(it.inside.at(-1)?.share).toBe('ben');
    expect(it.inside).toHaveLength(given + 1);
    it.done(100);
    expect(it.inside).toHaveLength(0);
    for (const leave of leaves) leave();
    expect(it.inside.length).toBeGreaterThan(0);
  });

  it('tells of a flood once, and of the rest when it has ended', () => {
    const told: number[] = [];
    const it = stand({ told: (refused) => told.push(refused) });
    for (let ms = 0; ms < 1_000; ms += 1) {
      it.offer('flood', 10);
      it.done(1);
      it.clock.advance(1);
    }
    expect(told).toEqual([1]);
    it.admission.close();
    expect(told).toHaveLength(2);
    expect(it.letIn('flood') + (told[1] ?? 0) + 1).toBe(10_000);
  });

  it('whatever floods, those who ask one thing after the other are never refused and served before it', () => {
    fc.assert(
      fc.property(
        fc.record({
          floods: fc.integer({ min: 1, max: 4 }),
          each: fc.integer({ min: 2, max: 40 }),
          others: fc.integer({ min: 1, max: 12 }),
          pause: fc.integer({ min: 0, max: 50 }),
          // Milliseconds of the thread for each.
          cost: fc.integer({ min: 1, max: 5 }),
        }),
        ({ floods, each, others, pause, cost }) => {
          const it = stand();
          const names = Array.from({ length: others }, (_, at) => `other-${at}`);
          const due = new Map(names.map((name) => [name, 500]));
          for (let ms = 0; ms < 2_000; ms += 1) {
            for (let at = 0; at < floods; at += 1) it.offer(`flood-${at}`, each);
            for (const name of names) {
              if (ms < (due.get(name) ?? 0)) continue;
              const waiting = it.letIn(name) > (it.waits.get(name)?.length ?? 0);
              if (waiting) continue;
              expect(it.offer(name)).toBe(1);
              due.set(name, ms + pause);
            }
            if (ms % cost === 0) it.done(1);
            it.clock.advance(1);
          }
          for (const name of names) {
            // Everybody else before, and what the thread has been given: never the backlog of a flood.
            expect(Math.max(...(it.waits.get(name) ?? []))).toBeLessThanOrEqual((others + floods + 16) * cost);
          }
          // The thread is never left without work, and the floods share what others leave.
          const served = Array.from({ length: floods }, (_, at) => it.waits.get(`flood-${at}`)?.length ?? 0);
          const all = [...it.waits.values()].reduce((sum, { length }) => sum + length, 0);
          expect(all).toBeGreaterThan((2_000 / cost) * 0.98 - 2);
          expect(Math.max(...served) - Math.min(...served)).toBeLessThanOrEqual(Math.max(16, all * 0.1));
        },
      ),
      { numRuns: usualRuns(60) },
    );
  });
});
