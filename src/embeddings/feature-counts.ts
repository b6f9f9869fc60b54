// SPDX-License-Identifier: Apache-2.0
// Features of one text, hashed: how often each occurs and what one occurrence weighs.

/** FNV-1a's offset and prime; a feature's namespace is mixed in first, so a word and an n-gram of the same letters differ. */
const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/** Hash of a part of a text, by UTF-16 units. @param space keeps kinds of features apart */
export function hashFeature(space: number, text: string, from: number, to: number): number {
  let mixed = Math.imul(OFFSET ^ space, PRIME);
  for (let at = from; at < to; at += 1) mixed = Math.imul(mixed ^ text.charCodeAt(at), PRIME);
  return scatter(mixed);
}

/** Two hashes as one, in this order. */
export function joinHashes(space: number, first: number, second: number): number {
  return scatter(Math.imul(Math.imul(space ^ first, PRIME) ^ second, PRIME));
}

/** murmur3's finaliser: every bit of the result depends on every bit of the hash. */
function scatter(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Counts by hash, in the order in which features were first met: sums of fractions come out the same each time. */
export class FeatureCounts {
  /** Where a feature's count and weight lie. */
  readonly #places = new Map<number, number>();
  readonly #counts: number[] = [];
  readonly #weights: number[] = [];

  /** Counts one occurrence; what it weighs is what its first one did. */
  add(feature: number, weight: number): void {
    const place = this.#places.get(feature);
    if (place === undefined) {
      this.#places.set(feature, this.#counts.length);
      this.#counts.push(1);
      this.#weights.push(weight);
    } else this.#counts[place] = (this.#counts[place] ?? 0) + 1;
  }

  /**
   * Adds every feature to the vector: its hash gives the place and the sign, so that features which meet in one place
   * cancel out as often as they add up (signed feature hashing, Weinberger et al. 2009). What occurs often counts with the
   * root of its number, which every machine computes to the last bit; a logarithm is not exact everywhere.
   */
  into(vector: Float64Array): void {
    const { length } = vector;
    for (const [feature, at] of this.#places) {
      const place = feature % length;
      const weight = (this.#weights[at] ?? 0) * Math.sqrt(this.#counts[at] ?? 0);
      // The place is a remainder; the sign must depend on other bits than it does.
      const sign = Math.imul(feature, 0x9e3779b1) < 0 ? -1 : 1;
      vector[place] = (vector[place] ?? 0) + sign * weight;
    }
  }
}
