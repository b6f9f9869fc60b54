// SPDX-License-Identifier: Apache-2.0
// Watches: who wants to know when an actor here ends, and which actors are watched from here.

import type { Address } from './address.ts';
import type { Carrier } from './topics.ts';
import { ENDED, UNWATCH, WATCH } from './wire.ts';

type Down = (reason: 'ended' | 'thread_lost') => void;

export class Watches {
  private readonly carrier: Carrier;
  private readonly alive: (of: Address) => boolean;
  /** Actors here, by the threads that watch them. */
  private readonly watchers = new Map<Address, Set<number>>();
  /** Actors watched from here. */
  private readonly watched = new Map<Address, Set<Down>>();

  /** `alive` says whether an actor of this thread lives; a watch on one that does not ends at once. */
  constructor(carrier: Carrier, alive: (of: Address) => boolean) {
    this.carrier = carrier;
    this.alive = alive;
  }

  watch(of: Address, down: Down): () => void {
    // Its own function for each watch: the same callback may watch twice.
    const once: Down = (reason) => down(reason);
    const thread = this.carrier.place(of);
    const known = this.watched.get(of);
    if (known !== undefined) known.add(once);
    else {
      this.watched.set(of, new Set([once]));
      if (thread === this.carrier.thread) this.watchedBy(of, thread);
      else if (this.carrier.connected(thread)) this.carrier.control(thread, WATCH, of);
    }
    return () => {
      const downs = this.watched.get(of);
      if (!downs?.delete(once) || downs.size > 0) return;
      this.watched.delete(of);
      if (thread === this.carrier.thread) this.unwatchedBy(of, thread);
      else if (this.carrier.connected(thread)) this.carrier.control(thread, UNWATCH, of);
    };
  }

  watchedBy(of: Address, thread: number): void {
    if (!this.alive(of)) {
      this.carrier.control(thread, ENDED, of);
      return;
    }
    const threads = this.watchers.get(of);
    if (threads === undefined) this.watchers.set(of, new Set([thread]));
    else threads.add(thread);
  }

  unwatchedBy(of: Address, thread: number): void {
    const threads = this.watchers.get(of);
    if (threads?.delete(thread) && threads.size === 0) this.watchers.delete(of);
  }

  /** An actor of this thread has ended. */
  ended(of: Address): void {
    const threads = this.watchers.get(of);
    if (threads === undefined) return;
    this.watchers.delete(of);
    for (const thread of threads) this.carrier.control(thread, ENDED, of);
  }

  /** An actor watched from here has ended. */
  tell(of: Address, reason: 'ended' | 'thread_lost'): void {
    const downs = this.watched.get(of);
    if (downs === undefined) return;
    this.watched.delete(of);
    for (const down of downs) this.carrier.guarded(of, () => down(reason));
  }

  /** A life of another thread is over: it watches nothing any more, and its actors are gone. */
  down(thread: number): void {
    for (const of of [...this.watchers.keys()]) this.unwatchedBy(of, thread);
    for (const of of [...this.watched.keys()]) if (this.carrier.place(of) === thread) this.tell(of, 'thread_lost');
  }

  /** What the next life of a thread has to be told. */
  watchedOn(thread: number): readonly Address[] {
    return [...this.watched.keys()].filter((of) => this.carrier.place(of) === thread);
  }
}
