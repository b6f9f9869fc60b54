// SPDX-License-Identifier: Apache-2.0
// A bounded set of open files: the least recently used is closed when another is opened, of whatever kind it is.

interface Closable {
  close(): void;
}

/** The open files of one kind, by key. */
export interface OpenFiles<T extends Closable> {
  has(key: string): boolean;
  /** What is open under `key`, opened now when it is not; undefined (and not kept) when `open` gives nothing. */
  use<U extends T | undefined>(key: string, open: () => U): T | U;
  /** Closes one, so that the next use opens it anew. */
  drop(key: string): void;
  close(): void;
}

/** Holds at most `most` open files, of all kinds together. */
export class FilePool {
  readonly #most: number;
  /** In order of use: a map keeps the order in which keys were set. */
  readonly #open = new Map<string, Closable>();

  constructor(most: number) {
    this.#most = Math.max(1, most);
  }

  get size(): number {
    return this.#open.size;
  }

  /** The part of it that holds files of one kind. A name has one kind, and no slash in it. */
  kind<T extends Closable>(name: string): OpenFiles<T> {
    const open = this.#open;
    const of = (key: string): string => `${name}/${key}`;
    return {
      has: (key) => open.has(of(key)),
      use: (key, make) => {
        // Under a kind's name there is nothing but what that kind has opened.
        const held = open.get(of(key)) as T | undefined;
        if (held !== undefined) {
          open.delete(of(key));
          open.set(of(key), held);
          return held;
        }
        const made = make();
        if (made !== undefined) this.#keep(of(key), made);
        return made;
      },
      drop: (key) => {
        open.get(of(key))?.close();
        open.delete(of(key));
      },
      close: () => {
        for (const [key, file] of open) {
          if (!key.startsWith(of(''))) continue;
          file.close();
          open.delete(key);
        }
      },
    };
  }

  #keep(key: string, file: Closable): void {
    this.#open.set(key, file);
    for (const [oldest, other] of this.#open) {
      if (this.#open.size <= this.#most) break;
      this.#open.delete(oldest);
      other.close();
    }
  }
}
