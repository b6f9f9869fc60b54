// SPDX-License-Identifier: Apache-2.0
// The real world: the machine's clocks, timers and randomness behind the interface everything inside is given.

import { v7 } from 'uuid';
import type { World } from '../world.ts';

export const realWorld: World = {
  now: () => Date.now(),
  iso: (epoch) => new Date(epoch).toISOString(),
  monotonic: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  soon: (run) => {
    setImmediate(run);
  },
  random: () => Math.random(),
  uuid: () => v7(),
};
