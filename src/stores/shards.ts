// SPDX-License-Identifier: Apache-2.0
// A map that is never changed but copied with a change: in parts, so that a copy costs a fraction of what the map holds.

/** How many parts; with a hundred thousand entries one holds about four hundred. */
const PARTS = 256;

type Part<V> = ReadonlyMap<string, V>;

const NONE: readonly (Part<never> | undefined)[] = Array.from({ length: PARTS }, () => undefined);

/** FNV-1a, folded to the number of parts. */
function partOf(key: string): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) sum = Math.imul(sum ^ key.charCodeAt(at), 0x01000193);
  return (sum ^ (sum >>> 16)) & (PARTS - 1);
}

export class Shards<V> {
  readonly size: number;
  readonly #parts: readonly (Part<V> | undefined)[];

  private constructor(parts: readonly (Part<V> | undefined)[], size: number) {
    this.#parts = parts;
    this.size = size;
  }

  static empty<V>(): Shards<V> {
    return new Shards<V>(NONE, 0);
  }

  static of<V>(entries: Iterable<readonly [string, V]>): Shards<V> {
    const parts: (Map<string, V> | undefined)[] = Array.from({ length: PARTS }, () => undefined);
    let size = 0;
    for (const [key, value] of entries) {
      const at = partOf(key);
      const part = parts[at] ?? new Map<string, V>();
      parts[at] = part;
      if (!part.has(key)) size += 1;
      part.set(key, value);
    }
    return new Shards(parts, size);
  }

  get(key: string): V | undefined {
    return this.#parts[partOf(key)]?.get(key);
  }

  has(key: string): boolean {
    return this.#parts[partOf(key)]?.has(key) === true;
  }

  /** This map with one entry more, or another value for it. */
  with(key: string, value: V): Shards<V> {
    const at = partOf(key);
    const part = new Map(this.#parts[at]);
    part.set(key, value);
    return this.#replaced(at, part);
  }

  /** This map without an entry. */
  without(key: string): Shards<V> {
    const at = partOf(key);
    if (this.#parts[at]?.has(key) !== true) return this;
    const part = new Map(this.#parts[at]);
    part.delete(key);
    return this.#replaced(at, part);
  }

  *values(): Generator<V> {
    for (const part of this.#parts) if (part !== undefined) yield* part.values();
  }

  *entries(): Generator<readonly [string, V]> {
    for (const part of this.#parts) if (part !== undefined) yield* part;
  }

  /** What is other than before; undefined for what is gone. Parts that are the same are not looked at. */
  *since(before: Shards<V>): Generator<readonly [string, V | undefined]> {
    for (const [at, part] of this.#parts.entries()) {
      const old = before.#parts[at];
      if (part === old) continue;
      for (const [key, value] of part ?? []) if (old?.get(key) !== value) yield [key, value];
      for (const key of old?.keys() ?? []) if (part?.has(key) !== true) yield [key, undefined];
    }
  }

  #replaced(at: number, part: Part<V>): Shards<V> {
    const parts = this.#parts.slice();
    const size = this.size + part.size - (parts[at]?.size ?? 0);
    parts[at] = part;
    return new Shards(parts, size);
  }
}
