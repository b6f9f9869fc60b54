// SPDX-License-Identifier: Apache-2.0
// The world of a real thread, for the tests of the bus.

import type { World } from '../../src/world.ts';

export const realWorld: World = {
  now: () => Date.now(),
  iso: (epoch) => new Date(epoch).toISOString(),
  monotonic: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  soon: (run) => void setImmediate(run),
  random: () => Math.random(),
  uuid: () => crypto.randomUUID(),
};
