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
