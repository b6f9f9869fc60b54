// SPDX-License-Identifier: Apache-2.0
// Those who take turns: whoever comes is last, whoever was served goes behind the others. Each step costs the same however many there are.

interface Seat<K, V> {
  readonly key: K;
  readonly value: V;
  before: Seat<K, V> | null;
  behind: Seat<K, V> | null;
}

/**
 * A line with a place for each key. A map alone would do as well were it not that its first entry is looked for from the
 * beginning, past all that were taken out of it before.
 */
export class Rota<K, V> {
  private readonly seats = new Map<K, Seat<K, V>>();
  private first: Seat<K, V> | null = null;
  private last: Seat<K, V> | null = null;

  get size(): number {
    return this.seats.size;
  }

  /** Whose turn it is. */
  get next(): { readonly key: K; readonly value: V } | null {
    return this.first;
  }

  get(key: K): V | undefined {
    return this.seats.get(key)?.value;
  }

  /** Comes in last; a key that is in already keeps its place and what it came with. */
  enter(key: K, value: V): void {
    if (this.seats.has(key)) return;
    const seat: Seat<K, V> = { key, value, before: null, behind: null };
    this.seats.set(key, seat);
    this.append(seat);
  }

  /** Has had its turn. */
  served(key: K): void {
    const seat = this.seats.get(key);
    if (seat === undefined || seat === this.last) return;
    this.unlink(seat);
    this.append(seat);
  }

  leave(key: K): void {
    const seat = this.seats.get(key);
    if (seat === undefined) return;
    this.seats.delete(key);
    this.unlink(seat);
  }

  /** All, in the order of their turns. */
  *values(): Generator<V> {
    for (let seat = this.first; seat !== null; seat = seat.behind) yield seat.value;
  }

  private append(seat: Seat<K, V>): void {
    seat.before = this.last;
    seat.behind = null;
    if (this.last === null) this.first = seat;
    else this.last.behind = seat;
    this.last = seat;
  }

  private unlink({ before, behind }: Seat<K, V>): void {
    if (before === null) this.first = behind;
    else before.behind = behind;
    if (behind === null) this.last = before;
    else behind.before = before;
  }
}
