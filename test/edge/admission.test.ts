// SPDX-License-Identifier: Apache-2.0
// What is let in: everything while it is soon done, nothing while what was let in waits too long, everything again after.

import { describe, expect, it } from 'vitest';
import { Admission } from '../../src/edge/admission.ts';
import type { World } from '../../src/world.ts';
import { ManualClock } from '../stores/manual-clock.ts';

function stand() {
  const clock = new ManualClock();
  const world: World = {
    now: clock.monotonic,
    iso: String,
    monotonic: clock.monotonic,
    after: clock.after,
    soon: clock.soon,
    random: () => 0.5,
    uuid: () => '',
  };
  const admission = new Admission(world);
  const inside: (() => void)[] = [];
  return {
    admission,
    clock,
    /** Offers so many; how many were let in. */
    offer: (many: number): number => {
      let taken = 0;
      for (let at = 0; at < many; at += 1) {
        if (admission.refusal('lane-1') !== null) continue;
        inside.push(admission.enter('lane-1'));
        taken += 1;
      }
      return taken;
    },
    /** So many are done, the oldest first. */
    done: (many: number): void => {
      for (const leave of inside.splice(0, many)) leave();
    },
    waiting: () => inside.length,
  };
}

describe('admission', () => {
  it('lets a burst in after silence, and few work for ever', () => {
    const it = stand();
    expect(it.offer(64)).toBe(64);
    it.done(60);
    it.clock.advance(60_000);
    expect(it.offer(10)).toBe(10);
  });

  it('keeps what waits within the time it may wait, however much is offered', () => {
    const it = stand();
    let let_in = 0;
    let most = 0;
    // One millisecond each: a thousand a second are done, ten thousand are offered.
    for (let ms = 0; ms < 5_000; ms += 1) {
      let_in += it.offer(10);
      it.done(1);
      it.clock.advance(1);
      if (ms > 1_000) most = Math.max(most, it.waiting());
    }
    expect(let_in).toBeGreaterThan(4_900);
    expect(most).toBeLessThanOrEqual(200);
    it.offer(20);
    const refused = it.admission.refusal('lane-1');
    expect(refused).toMatchObject({ code: 'overloaded', retryable: true });
    expect(refused?.details?.['retry_after_ms']).toBeGreaterThanOrEqual(1_000);
    // What is behind is behind alone.
    expect(it.admission.refusal('lane-2')).toBeNull();
    expect(it.admission.refusalOfAll(['lane-1', 'lane-2'])).toBeNull();
    expect(it.admission.refusalOfAll(['lane-1'])).not.toBeNull();
  });

  it('lets in again as soon as it is worked off', () => {
    const it = stand();
    for (let ms = 0; ms < 2_000; ms += 1) {
      it.offer(10);
      it.done(1);
      it.clock.advance(1);
    }
    it.done(it.waiting());
    expect(it.offer(64)).toBe(64);
  });

  it('takes no more into a queue that stands still', () => {
    const it = stand();
    expect(it.offer(20)).toBe(20);
    it.clock.advance(501);
    expect(it.offer(5)).toBe(0);
    it.done(20);
    expect(it.offer(5)).toBe(5);
  });
});
