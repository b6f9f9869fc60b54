// SPDX-License-Identifier: Apache-2.0
// So many lines at once and then one after each interval: servers end the connection of who is faster.

import type { World } from '../../world.ts';

export class Pacer {
  readonly #world: Pick<World, 'now' | 'after'>;
  readonly #burst: number;
  readonly #interval: number;
  #tokens: number;
  #counted: number;

  /** @param interval milliseconds; 0: as fast as it goes */
  constructor(world: Pick<World, 'now' | 'after'>, { burst, interval }: { burst: number; interval: number }) {
    this.#world = world;
    this.#burst = burst;
    this.#interval = interval;
    this.#tokens = burst;
    this.#counted = world.now();
  }

  /** Resolves when the next line may go; rejects when the signal aborts. One waits at a time. */
  async turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#interval === 0) return;
    const now = this.#world.now();
    // A clock that was set back gives nothing and takes nothing.
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, now - this.#counted) / this.#interval);
    this.#counted = now;
    this.#tokens -= 1;
    if (this.#tokens >= 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const cancel = this.#world.after(-this.#tokens * this.#interval, resolve);
    const aborted = () => reject(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });
    try {
      await promise;
    } finally {
      cancel();
      signal.removeEventListener('abort', aborted);
    }
  }
}
