// SPDX-License-Identifier: Apache-2.0
// Time and secrets for adapters that speak to real servers: the real ones, and secrets that stand for themselves.

import type { ConnectionOptions } from '../../src/channels/connection-options.ts';

export const realWorld: ConnectionOptions = {
  world: {
    now: () => Date.now(),
    after(ms, run) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  },
  resolve: async (written) => written,
};

/** The same, with a count of what is still to come: an adapter that has ended has nothing left. */
export function countedWorld(): { readonly options: ConnectionOptions; readonly timers: () => number } {
  const open = new Set<() => void>();
  const after: ConnectionOptions['world']['after'] = (ms, run) => {
    const end = realWorld.world.after(ms, () => {
      open.delete(cancel);
      run();
    });
    const cancel = () => {
      open.delete(cancel);
      end();
    };
    open.add(cancel);
    return cancel;
  };
  return { options: { ...realWorld, world: { ...realWorld.world, after } }, timers: () => open.size };
}
