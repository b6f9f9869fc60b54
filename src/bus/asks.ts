// SPDX-License-Identifier: Apache-2.0
// The asks that wait for their answers, and a coarse wheel of deadlines. Every ask leaves here exactly once.

import type { World } from '../world.ts';
import type { Address } from './address.ts';
import type { Answer } from './envelope.ts';
import type { KindCounts } from './ledger.ts';

export interface Pending {
  readonly id: number;
  readonly to: Address;
  readonly from: Address;
  readonly type: string;
  /** The thread that answers. */
  readonly thread: number;
  readonly within: number;
  /** What is counted for messages to `to`. */
  readonly counts: KindCounts;
  readonly answered: (answer: Answer<unknown>) => void;
}

/** Deadlines are met late by up to this many milliseconds, never early. */
export const WHEEL_MS = 50;

/** Ids follow each other, so as many open asks as this find a bucket of their own. */
const BUCKETS = 2_048;

interface Node extends Pending {
  slot: Slot;
  /** The next of its bucket. */
  next: Node | undefined;
  before: Node | undefined;
  after: Node | undefined;
}

/** The asks whose deadline lies in the same 50 ms, as a chain: leaving it costs the same however long it is. */
interface Slot {
  first: Node | undefined;
}

export class Asks {
  private readonly world: World;
  private readonly expired: (ask: Pending) => void;
  /**
   * By id, which counts up. No Map: it leaves its old table behind whenever it grows or is cleaned, with everything in it
   * and a pointer to the new one, so once the collector takes one for old nothing asked since then dies young.
   */
  private readonly buckets: (Node | undefined)[] = new Array(BUCKETS).fill(undefined);
  private count = 0;
  private readonly slots = new Map<number, Slot>();
  private stopTimer: (() => void) | undefined;
  private timerAt = Number.POSITIVE_INFINITY;

  /** `expired` is called for an ask whose deadline has passed; it stays pending until it is taken. */
  constructor(world: World, expired: (ask: Pending) => void) {
    this.world = world;
    this.expired = expired;
  }

  get size(): number {
    return this.count;
  }

  open(ask: Pending): void {
    const at = Math.ceil((this.world.monotonic() + ask.within) / WHEEL_MS);
    let slot = this.slots.get(at);
    if (slot === undefined) {
      slot = { first: undefined };
      this.slots.set(at, slot);
      if (at < this.timerAt) this.schedule(at);
    }
    const { id, to, from, type, thread, within, counts, answered } = ask;
    const node: Node = {
      id,
      to,
      from,
      type,
      thread,
      within,
      counts,
      answered,
      slot,
      before: undefined,
      after: slot.first,
      next: this.buckets[id % BUCKETS],
    };
    if (slot.first !== undefined) slot.first.before = node;
    slot.first = node;
    this.buckets[id % BUCKETS] = node;
    this.count += 1;
  }

  /** Removes the ask with this id, to answer it. */
  take(id: number): Pending | undefined {
    const node = this.unhook(id);
    if (node === undefined) return undefined;
    this.count -= 1;
    if (node.before === undefined) node.slot.first = node.after;
    else node.before.after = node.after;
    if (node.after !== undefined) node.after.before = node.before;
    // A dead node that the collector takes for old would keep its neighbours, they theirs, and with each all it answers.
    node.before = undefined;
    node.after = undefined;
    return node;
  }

  /** Oldest first. */
  all(): readonly Pending[] {
    const all: Pending[] = [];
    for (const first of this.buckets) for (let node = first; node !== undefined; node = node.next) all.push(node);
    return all.sort((a, b) => a.id - b.id);
  }

  close(): void {
    this.stopTimer?.();
    this.timerAt = Number.POSITIVE_INFINITY;
    this.slots.clear();
  }

  private unhook(id: number): Node | undefined {
    const at = id % BUCKETS;
    let before: Node | undefined;
    for (let node = this.buckets[at]; node !== undefined; before = node, node = node.next) {
      if (node.id !== id) continue;
      if (before === undefined) this.buckets[at] = node.next;
      else before.next = node.next;
      node.next = undefined;
      return node;
    }
    return undefined;
  }

  private schedule(at: number): void {
    this.stopTimer?.();
    this.timerAt = at;
    this.stopTimer = this.world.after(Math.max(0, at * WHEEL_MS - this.world.monotonic()), () => this.turn());
  }

  private turn(): void {
    this.stopTimer = undefined;
    this.timerAt = Number.POSITIVE_INFINITY;
    const now = this.world.monotonic() / WHEEL_MS;
    let next = Number.POSITIVE_INFINITY;
    for (const [at, slot] of this.slots) {
      if (at > now) {
        if (at < next) next = at;
        continue;
      }
      this.slots.delete(at);
      for (let node = slot.first; node !== undefined; ) {
        // It may be taken, and leaves the chain then.
        const { after } = node;
        this.expired(node);
        node = after;
      }
    }
    if (next !== Number.POSITIVE_INFINITY) this.schedule(next);
  }
}
