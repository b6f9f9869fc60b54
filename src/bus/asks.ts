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

interface Node extends Pending {
  slot: Slot;
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
  private readonly pending = new Map<number, Node>();
  private readonly slots = new Map<number, Slot>();
  private stopTimer: (() => void) | undefined;
  private timerAt = Number.POSITIVE_INFINITY;

  /** `expired` is called for an ask whose deadline has passed; it stays pending until it is taken. */
  constructor(world: World, expired: (ask: Pending) => void) {
    this.world = world;
    this.expired = expired;
  }

  get size(): number {
    return this.pending.size;
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
    const node: Node = { id, to, from, type, thread, within, counts, answered, slot, before: undefined, after: slot.first };
    if (slot.first !== undefined) slot.first.before = node;
    slot.first = node;
    this.pending.set(id, node);
  }

  /** Removes the ask with this id, to answer it. */
  take(id: number): Pending | undefined {
    const node = this.pending.get(id);
    if (node === undefined) return undefined;
    this.pending.delete(id);
    if (node.before === undefined) node.slot.first = node.after;
    else node.before.after = node.after;
    if (node.after !== undefined) node.after.before = node.before;
    // A dead node that the collector takes for old would keep its neighbours, they theirs, and with each all it answers.
    node.before = undefined;
    node.after = undefined;
    return node;
  }

  all(): IterableIterator<Pending> {
    return this.pending.values();
  }

  close(): void {
    this.stopTimer?.();
    this.timerAt = Number.POSITIVE_INFINITY;
    this.slots.clear();
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
