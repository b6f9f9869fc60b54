// SPDX-License-Identifier: Apache-2.0
// What is being sent while an adapter ends: it has a moment to settle.

import type { World } from '../world.ts';

/** How long that is, in milliseconds. */
export const SETTLE = 2_000;

export class InFlight {
  readonly #open = new Set<Promise<unknown>>();

  get size(): number {
    return this.#open.size;
  }

  /** @returns the same promise */
  add<T>(sending: Promise<T>): Promise<T> {
    this.#open.add(sending);
    const settled = () => this.#open.delete(sending);
    sending.then(settled, settled);
    return sending;
  }

  /**
   * Resolves when all that is open has settled, or the moment is over.
   *
   * @param beside what else has this moment
   */
  async settled(world: Pick<World, 'after'>, beside: Iterable<Promise<unknown> | undefined> = []): Promise<void> {
    const open = [...this.#open, ...beside];
    if (open.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = world.after(SETTLE, resolve);
    await Promise.race([Promise.allSettled(open), promise]);
    cancel();
  }

  /** Resolves when all that is open has settled: after it was aborted, that is soon. */
  async over(): Promise<void> {
    await Promise.allSettled(this.#open);
  }
}
