// SPDX-License-Identifier: Apache-2.0
// The lanes that rest, in the order they came to rest: joining, leaving and finding the oldest cost the same however many there are.

/** What can stand in the order; the order itself sets the two. */
export interface Ordered<T> {
  older: T | null;
  newer: T | null;
}

/** A chain through its members, so that it holds no table of its own. */
export class RestOrder<T extends Ordered<T>> {
  size = 0;
  private first: T | null = null;
  private last: T | null = null;

  /** The one that has rested longest. */
  get oldest(): T | null {
    return this.first;
  }

  /** Comes to stand last; it must not stand in the order yet. */
  add(member: T): void {
    member.older = this.last;
    if (this.last === null) this.first = member;
    else this.last.newer = member;
    this.last = member;
    this.size += 1;
  }

  /** Leaves the order; it must stand in it. */
  remove(member: T): void {
    const { older, newer } = member;
    if (older === null) this.first = newer;
    else older.newer = newer;
    if (newer === null) this.last = older;
    else newer.older = older;
    member.older = null;
    member.newer = null;
    this.size -= 1;
  }
}
