// SPDX-License-Identifier: Apache-2.0
// Work waiting under keys, taken in turns: one key's pile does not delay another's single piece.

/** Round robin between keys, first come first served within one. Bounded for each key and as a whole. */
export class FairQueue<T> {
  readonly #mostEach: number;
  readonly #most: number;
  /** The key whose turn is next comes first. */
  readonly #waiting = new Map<string, T[]>();
  #size = 0;

  constructor(mostEach: number, most: number) {
    this.#mostEach = mostEach;
    this.#most = most;
  }

  get size(): number {
    return this.#size;
  }

  /** False: full, and not taken. */
  push(key: string, work: T): boolean {
    const pile = this.#waiting.get(key);
    if (this.#size >= this.#most || (pile?.length ?? 0) >= this.#mostEach) return false;
    this.again(key, work);
    return true;
  }

  /** The rest of work that was begun: behind what waits, and taken whatever the bounds say, for it was counted before. */
  again(key: string, work: T): void {
    const pile = this.#waiting.get(key);
    if (pile === undefined) this.#waiting.set(key, [work]);
    else pile.push(work);
    this.#size += 1;
  }

  next(): T | undefined {
    for (const [key, pile] of this.#waiting) {
      this.#waiting.delete(key);
      const work = pile.shift();
      if (pile.length > 0) this.#waiting.set(key, pile);
      if (work === undefined) continue;
      this.#size -= 1;
      return work;
    }
    return undefined;
  }
}
