// SPDX-License-Identifier: Apache-2.0
// Finds many known texts in another one at the cost of reading it once: a rolling hash over its first characters.

/** Characters every needle has at least; what begins with the same ones is told apart by comparing. */
export const WINDOW = 6;
const BASE = 16_777_619;
/** BASE to the power of WINDOW - 1, modulo 2^32: the weight of the character that leaves the window. */
const LEAVING = Array.from({ length: WINDOW - 1 }).reduce<number>((power) => Math.imul(power, BASE), 1);
const FILTER_BITS = 0xffff;
/** So few are looked for one by one: the engine's own search is that much faster. */
const FEW = 24;

function hashOf(text: string): number {
  let hash = 0;
  for (let at = 0; at < WINDOW; at++) hash = (Math.imul(hash, BASE) + text.charCodeAt(at)) | 0;
  return hash;
}

/** Needles that begin alike, as keys of one vendor do: by length, the longest first. */
interface Alike {
  lengths: readonly number[];
  readonly needles: Set<string>;
}

/** A set of needles (Rabin and Karp, 1987). */
export class Needles {
  readonly #byHash = new Map<number, Alike>();
  /** Says of most windows that none begins so, without looking further. */
  readonly #filter = new Uint8Array(FILTER_BITS + 1);
  readonly #known = new Set<string>();

  get size(): number {
    return this.#known.size;
  }

  /** All of them, in the order in which they came. */
  texts(): Iterable<string> {
    return this.#known;
  }

  has(needle: string): boolean {
    return this.#known.has(needle);
  }

  /** @param needle of at least {@link WINDOW} characters */
  add(needle: string): void {
    if (needle.length < WINDOW || this.#known.has(needle)) return;
    this.#known.add(needle);
    const hash = hashOf(needle);
    const alike = this.#byHash.get(hash) ?? { lengths: [], needles: new Set() };
    this.#byHash.set(hash, alike);
    alike.needles.add(needle);
    // Where one is the beginning of another, the whole of the longer one is what was meant.
    if (!alike.lengths.includes(needle.length))
      alike.lengths = [...alike.lengths, needle.length].sort((one, other) => other - one);
    this.#filter[hash & FILTER_BITS] = 1;
  }

  /** The text with every needle in it replaced; the same text when it has none. */
  replace(text: string, by: string): string {
    if (text.length < WINDOW || !this.#mayHold(text)) return text;
    let out = '';
    let kept = 0;
    let hash = hashOf(text);
    for (let at = 0; at + WINDOW <= text.length; at++) {
      const found = this.#filter[hash & FILTER_BITS] === 1 ? this.#at(text, at, hash) : undefined;
      if (found !== undefined) {
        const end = this.#end(text, at, at + found.length);
        out += text.slice(kept, at) + by;
        kept = end;
        if (end + WINDOW > text.length) break;
        at = end - 1;
        hash = hashOf(text.slice(end, end + WINDOW));
        continue;
      }
      const left = Math.imul(text.charCodeAt(at), LEAVING);
      hash = (Math.imul(hash - left, BASE) + text.charCodeAt(at + WINDOW)) | 0;
    }
    return kept === 0 ? text : out + text.slice(kept);
  }

  #mayHold(text: string): boolean {
    if (this.#known.size > FEW) return true;
    for (const needle of this.#known) if (text.includes(needle)) return true;
    return false;
  }

  #at(text: string, at: number, hash: number): string | undefined {
    const alike = this.#byHash.get(hash);
    for (const length of alike?.lengths ?? []) {
      const part = text.slice(at, at + length);
      if (alike?.needles.has(part)) return part;
    }
    return undefined;
  }

  /** Where what begins at `from` ends, with every needle that begins inside it and reaches further. */
  #end(text: string, from: number, to: number): number {
    let end = to;
    for (let at = from + 1; at < end && at + WINDOW <= text.length; at++) {
      const hash = hashOf(text.slice(at, at + WINDOW));
      if (this.#filter[hash & FILTER_BITS] !== 1) continue;
      const found = this.#at(text, at, hash);
      if (found !== undefined) end = Math.max(end, at + found.length);
    }
    return end;
  }
}
