// SPDX-License-Identifier: Apache-2.0
// A bounded set of open files: the least recently used is closed when another is opened.

/** Holds at most `most` open things by key. */
export class OpenFiles<T extends { close(): void }> {
  readonly #most: number;
  /** In order of use: a map keeps the order in which keys were set. */
  readonly #open = new Map<string, T>();

  constructor(most: number) {
    this.#most = Math.max(1, most);
  }

  get size(): number {
    return this.#open.size;
  }

  has(key: string): boolean {
    return this.#open.has(key);
  }

  /** What is open under `key`, opened now when it is not; undefined (and not kept) when `open` gives nothing. */
  use<U extends T | undefined>(key: string, open: () => U): T | U {
    const held = this.#open.get(key);
    if (held !== undefined) {
      this.#open.delete(key);
      this.#open.set(key, held);
      return held;
    }
    const opened = open();
    if (opened === undefined) return opened;
    this.#open.set(key, opened);
    for (const [oldest, file] of this.#open) {
      if (this.#open.size <= this.#most) break;
      this.#open.delete(oldest);
      file.close();
    }
    return opened;
  }

  /** Closes one, so that the next use opens it anew. */
  drop(key: string): void {
    this.#open.get(key)?.close();
    this.#open.delete(key);
  }

  close(): void {
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
  }
}
