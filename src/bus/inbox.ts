// SPDX-License-Identifier: Apache-2.0
// Where a thread's incoming messages wait until they are taken: one source for each other thread, one for itself.

import type { Counter } from './counter.ts';
import type { Envelope } from './envelope.ts';
import { Outgoing } from './outgoing.ts';
import { Queue } from './queue.ts';
import { type Batch, packedLength, unpack } from './wire.ts';

/** Something messages are taken from, in order. */
export interface Source {
  /** The sending thread. */
  readonly thread: number;
  /** Whether {@link Source.take} has something to do. */
  readonly waiting: boolean;
  /** Moves up to `most` envelopes into `into`; they count as taken. May move none. */
  take(into: Envelope[], most: number): void;
}

const CLOSED: unique symbol = Symbol('closed');

/** What another thread has sent. Its ends of lives stay in order with its messages. */
export class Inbox implements Source {
  readonly thread: number;
  /** Messages taken, over all lives. */
  received = 0;
  private readonly me: number;
  private readonly counter: Counter;
  private readonly ended: () => void;
  private readonly batches = new Queue<Batch | typeof CLOSED>();
  private at = 0;
  private life = 0;
  private total = 0;

  /** `ended` is called once everything a life has sent has been taken. */
  constructor(thread: number, me: number, counter: Counter, ended: () => void) {
    this.thread = thread;
    this.me = me;
    this.counter = counter;
    this.ended = ended;
  }

  get waiting(): boolean {
    return this.batches.size > 0;
  }

  /** From now on a new life sends. */
  begin(life: number): void {
    this.life = life;
    this.total = 0;
  }

  add(batch: Batch): void {
    if (batch.length > 0) this.batches.push(batch);
  }

  /** Nothing more will come from this life. */
  close(): void {
    this.batches.push(CLOSED);
  }

  take(into: Envelope[], most: number): void {
    const batch = this.batches.peek();
    if (batch === undefined) return;
    if (batch === CLOSED) {
      this.batches.shift();
      this.ended();
      return;
    }
    let at = this.at;
    let taken = 0;
    for (; taken < most && at < batch.length; taken++) {
      into.push(unpack(batch, at));
      at += packedLength(batch, at);
    }
    this.at = at;
    if (at >= batch.length) {
      this.batches.shift();
      this.at = 0;
    }
    this.received += taken;
    this.total += taken;
    // Before any of them is handled: what is handled and not counted would be sent again to our next life.
    this.counter.take(this.thread, this.life, this.me, this.total);
  }
}

/** What a thread sends to itself. */
export class Loopback extends Outgoing implements Source {
  readonly thread: number;
  private readonly ready = new Queue<Envelope>();

  constructor(thread: number, window: number, wake: () => void) {
    super(window, wake);
    this.thread = thread;
  }

  get waiting(): boolean {
    return this.ready.size > 0;
  }

  trim(): void {
    // `take` keeps the load exact.
  }

  /** The tick is over: what it has sent can be taken. `check` may refuse an envelope and say what comes in its place. */
  flush(check?: (envelope: Envelope) => readonly Envelope[]): void {
    for (const envelope of this.takeOut()) {
      if (check === undefined) this.ready.push(envelope);
      else {
        this.count(envelope, -1);
        for (const instead of check(envelope)) {
          this.count(instead, 1);
          this.ready.push(instead);
        }
      }
    }
  }

  take(into: Envelope[], most: number): void {
    for (let taken = 0; taken < most; taken++) {
      const envelope = this.ready.shift();
      if (envelope === undefined) return;
      this.count(envelope, -1);
      into.push(envelope);
    }
  }
}
