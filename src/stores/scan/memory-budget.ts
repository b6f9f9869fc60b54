// SPDX-License-Identifier: Apache-2.0
// How much memory all loaded indexes may take together: the least recently used make room.

interface Holder {
  bytes: number;
  readonly unload: () => void;
}

export class MemoryBudget {
  readonly most: number;
  /** In order of use. */
  readonly #holders = new Map<string, Holder>();
  #taken = 0;

  /** @param most bytes */
  constructor(most: number) {
    this.most = most;
  }

  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes so many bytes for `key`, in place of what it has, and makes it the most recently used. Others are unloaded until
   * there is room. False: it alone is more than may be taken; then it has nothing.
   */
  take(key: string, bytes: number, unload: () => void): boolean {
    this.release(key);
    if (bytes > this.most) return false;
    for (const [other, holder] of this.#holders) {
      if (this.#taken + bytes <= this.most) break;
      this.release(other);
      holder.unload();
    }
    this.#holders.set(key, { bytes, unload });
    this.#taken += bytes;
    return true;
  }

  /** Gives back what `key` has; it is not told. */
  release(key: string): void {
    const holder = this.#holders.get(key);
    if (holder === undefined) return;
    this.#taken -= holder.bytes;
    this.#holders.delete(key);
  }
}
