// SPDX-License-Identifier: Apache-2.0
// How many questions are worked on at once: whoever floods us with them waits for their own, and takes no time from messages.

import { type Failure, failure } from '../errors.ts';
import type { World } from '../world.ts';
import type { Exchange } from './exchange.ts';

/** Worked on at once: while nobody talks to the agent, and while somebody does. */
const AT_ONCE = 32;
const BESIDE_CHATS = 4;
/** One that takes longer than this waits for somebody else itself, and keeps nobody from the processor, in milliseconds. */
const SLOW_MS = 250;
/** Those included: as many are open at once, of one share and of all. */
const OPEN_OF_SHARE = 256;
const OPEN = 1_024;
/** Waiting for their turn, of one share and of all; the longest anybody waits, in milliseconds. */
const WAITING_OF_SHARE = 512;
const WAITING = 4_096;
const WAIT_MS = 10_000;

interface Entry {
  readonly exchange: Exchange;
  readonly share: string;
  readonly run: () => void;
  readonly refuse: (why: Failure) => void;
  readonly until: number;
}

/** One that is worked on. */
interface Open {
  readonly share: string;
  /** Ends its time among those that count. */
  readonly slow: () => void;
  counts: boolean;
}

/**
 * Whose turn it is goes round by share: a user, or an address where users have no names. To let a flood wait costs less than to
 * refuse it, since whoever waits does not ask again meanwhile.
 */
export class Reads {
  readonly #world: World;
  readonly #busy: () => boolean;
  readonly #open = new Map<Exchange, Open>();
  readonly #openOf = new Map<string, number>();
  /** The share whose turn is next comes first. */
  readonly #piles = new Map<string, Entry[]>();
  #waiting = 0;
  /** Of those that are open, how many count. */
  #counted = 0;
  #pumping = false;

  /** @param busy whether somebody waits for the agent */
  constructor(world: World, busy: () => boolean) {
    this.#world = world;
    this.#busy = busy;
  }

  /** Has `run` called when it is this question's turn, maybe at once; {@link leave} says that it is over. */
  enter(exchange: Exchange, share: string, run: () => void, refuse: (why: Failure) => void): void {
    if (this.#waiting === 0 && this.#free(share)) return this.#begin({ exchange, share, run });
    const pile = this.#piles.get(share) ?? [];
    if (this.#waiting >= WAITING || pile.length >= WAITING_OF_SHARE) return refuse(this.#tooMany());
    this.#piles.set(share, pile);
    pile.push({ exchange, share, run, refuse, until: this.#world.monotonic() + WAIT_MS });
    this.#waiting += 1;
    this.#pump();
  }

  /** It is over, or goes on as a stream. */
  leave(exchange: Exchange): void {
    const open = this.#open.get(exchange);
    if (open === undefined) return;
    this.#open.delete(exchange);
    open.slow();
    const left = (this.#openOf.get(open.share) ?? 1) - 1;
    if (left === 0) this.#openOf.delete(open.share);
    else this.#openOf.set(open.share, left);
    if (open.counts) this.#counted -= 1;
    this.#pump();
  }

  #free(share: string): boolean {
    const most = this.#busy() ? BESIDE_CHATS : AT_ONCE;
    return this.#counted < most && this.#open.size < OPEN && (this.#openOf.get(share) ?? 0) < OPEN_OF_SHARE;
  }

  #begin({ exchange, share, run }: Pick<Entry, 'exchange' | 'share' | 'run'>): void {
    const open: Open = { share, counts: true, slow: this.#world.after(SLOW_MS, () => this.#slow(open)) };
    this.#open.set(exchange, open);
    this.#openOf.set(share, (this.#openOf.get(share) ?? 0) + 1);
    this.#counted += 1;
    run();
  }

  #slow(open: Open): void {
    open.counts = false;
    this.#counted -= 1;
    this.#pump();
  }

  /** Gives their turn to as many as there is room for. What ends at once comes by here again, so nothing is begun inside itself. */
  #pump(): void {
    if (this.#pumping || this.#waiting === 0) return;
    this.#pumping = true;
    for (let entry = this.#next(); entry !== undefined; entry = this.#next()) {
      if (entry.exchange.response.destroyed) continue;
      if (entry.until < this.#world.monotonic()) entry.refuse(this.#tooMany());
      else this.#begin(entry);
    }
    this.#pumping = false;
  }

  #next(): Entry | undefined {
    for (const [share, pile] of this.#piles) {
      if (!this.#free(share)) continue;
      this.#piles.delete(share);
      const entry = pile.shift();
      if (pile.length > 0) this.#piles.set(share, pile);
      this.#waiting -= 1;
      return entry;
    }
    return undefined;
  }

  #tooMany(): Failure {
    const retry_after_ms = 1_000 + this.#world.random() * 2_000;
    return failure('overloaded', 'Too many questions wait for their answers already.', { retry_after_ms });
  }
}
