// SPDX-License-Identifier: Apache-2.0
// A pause that a signal ends.

import type { World } from '../world.ts';

/** Resolves after `ms`, or as soon as the signal aborts. */
export function pauseWith({ after }: Pick<World, 'after'>): (ms: number, signal: AbortSignal) => Promise<void> {
  return (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        stop();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const stop = after(ms, done);
      signal.addEventListener('abort', done);
    });
}
