// SPDX-License-Identifier: Apache-2.0
// A first-in first-out queue in a ring that grows, and shrinks again when it has been emptied.

const SMALL = 16;
const KEEP = 1024;

export class Queue<T> {
  private ring: (T | undefined)[] = new Array(SMALL);
  private head = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  push(item: T): void {
    if (this.count === this.ring.length) this.grow();
    this.ring[(this.head + this.count) & (this.ring.length - 1)] = item;
    this.count++;
  }

  /** The oldest item, which stays. */
  peek(): T | undefined {
    return this.count === 0 ? undefined : this.ring[this.head];
  }

  /** Removes and returns the oldest item. */
  shift(): T | undefined {
    if (this.count === 0) return undefined;
    const item = this.ring[this.head];
    this.ring[this.head] = undefined;
    this.head = (this.head + 1) & (this.ring.length - 1);
    this.count--;
    // A burst must not keep its memory for ever.
    if (this.count === 0 && this.ring.length > KEEP) this.clear();
    return item;
  }

  clear(): void {
    this.ring = new Array(SMALL);
    this.head = 0;
    this.count = 0;
  }

  private grow(): void {
    const grown: (T | undefined)[] = new Array(this.ring.length * 2);
    for (let at = 0; at < this.count; at++) grown[at] = this.ring[(this.head + at) & (this.ring.length - 1)];
    this.ring = grown;
    this.head = 0;
  }
}
