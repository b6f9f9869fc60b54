// SPDX-License-Identifier: Apache-2.0
// Chance from a seed: several streams of numbers, so that taking one from here does not change what comes there.

/** Uniform numbers: mulberry32. */
export class Chance {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to below `most`. */
  int(most: number): number {
    return Math.floor(this.next() * most);
  }

  /** A number between two, both ends as likely as anything in between. */
  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  /** True so often of once. */
  often(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(list: readonly [T, ...T[]]): T {
    return list[this.int(list.length)] ?? list[0];
  }

  /** Another stream, which is the same for the same name. */
  fork(name: string): Chance {
    return new Chance(mix(this.state, name));
  }
}

/** FNV-1a from a beginning. */
export function mix(from: number, text: string): number {
  let mixed = from ^ 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) mixed = Math.imul(mixed ^ text.charCodeAt(at), 0x01000193);
  return mixed >>> 0;
}
