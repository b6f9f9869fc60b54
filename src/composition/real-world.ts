// SPDX-License-Identifier: Apache-2.0
// The real world: the machine's clocks, timers and randomness behind the interface everything inside is given.

import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';
import type { World } from '../world.ts';

/** Random bytes drawn at once: a call for sixteen costs as much as one for four thousand. */
const POOL = new Uint8Array(4_096);
let drawn = POOL.length;

function sixteen(): Uint8Array {
  if (drawn === POOL.length) {
    randomFillSync(POOL);
    drawn = 0;
  }
  drawn += 16;
  return POOL.slice(drawn - 16, drawn);
}

export const realWorld: World = {
  now: () => Date.now(),
  iso: (epoch) => new Date(epoch).toISOString(),
  monotonic: () => performance.now(),
  origin: performance.timeOrigin,
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  soon: (run) => {
    setImmediate(run);
  },
  random: () => Math.random(),
  uuid: () => v7({ rng: sixteen }),
};
