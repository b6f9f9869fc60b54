// SPDX-License-Identifier: Apache-2.0
// What is being sent while an adapter ends: it has a moment to settle.

import type { World } from '../world.ts';

/** How long that is, in milliseconds. */
const SETTLE = 2_000;

export class InFlight {
  readonly #open = new Set<Promise<unknown>>();

  /** @returns the same promise */
  add<T>(sending: Promise<T>): Promise<T> {
    this.#open.add(sending);
    const settled = () => this.#open.delete(sending);
    sending.then(settled, settled);
    return sending;
  }

  /** Resolves when all that is open has settled, or the moment is over. */
  async settled(world: Pick<World, 'after'>): Promise<void> {
    if (this.#open.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = world.after(SETTLE, resolve);
    await Promise.race([Promise.allSettled(this.#open), promise]);
    cancel();
  }

  /** Resolves when all that is open has settled: after it was aborted, that is soon. */
  async over(): Promise<void> {
    await Promise.allSettled(this.#open);
  }
}
