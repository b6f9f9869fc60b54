// SPDX-License-Identifier: Apache-2.0
// One direction to another thread: batches per tick, the window, and what happens to the untaken when that thread ends.

import { COUNT_RANGE, type Counter } from './counter.ts';
import type { Envelope } from './envelope.ts';
import { Outgoing } from './outgoing.ts';
import { Queue } from './queue.ts';
import { type Batch, isForActor, pack } from './wire.ts';

/** Carries batches to one life of one thread. */
export interface Transport {
  /** Posts, in order. Throws when something in the batch cannot be cloned; nothing of it is sent then. */
  post(batch: Batch): void;
  close(): void;
}

export interface LinkOptions {
  readonly from: number;
  /** The sender's life. */
  readonly life: number;
  readonly to: number;
  readonly counter: Counter;
  /** Most messages not yet taken by the receiver. */
  readonly window: number;
  /** Called when something starts to wait for {@link Link.flush}. */
  readonly wake: () => void;
  /** What goes in the place of an envelope that could not be cloned. */
  readonly uncloneable: (envelope: Envelope, error: unknown) => readonly Envelope[];
}

/** What became of the messages to a life that is over. */
export interface Ended {
  /** Asks with a smaller id had been taken: whether they were acted on is not known. */
  readonly inDoubtBefore: number;
  /** Replies nobody waits for any more. */
  readonly dropped: readonly Envelope[];
}

/** More than this at once would hold the receiver's loop while it is deserialised. */
const MOST_IN_BATCH = 1024;

export class Link extends Outgoing {
  /** The other thread's life, 0 before its first. */
  life = 0;
  /** Messages posted, over all lives. */
  posted = 0;
  private transport: Transport | undefined;
  /** Posted, and as far as is known not yet taken. */
  private readonly flying = new Queue<Envelope>();
  /** The receiver's count up to which `flying` is trimmed. */
  private counted = 0;
  private readonly options: LinkOptions;

  constructor(options: LinkOptions) {
    super(options.window, options.wake);
    this.options = options;
  }

  get up(): boolean {
    return this.transport !== undefined;
  }

  /** Envelopes that wait here or have been posted but not taken. */
  get untaken(): number {
    return this.out.length + this.flying.size;
  }

  trim(): void {
    const { from, life, to, counter } = this.options;
    if (this.flying.size === 0) return;
    const total = counter.taken(from, life, to);
    let fresh = (total - this.counted + COUNT_RANGE) % COUNT_RANGE;
    this.counted = total;
    for (; fresh > 0; fresh--) {
      const taken = this.flying.shift();
      if (taken === undefined) return;
      this.count(taken, -1);
    }
  }

  /** Posts what has been collected. */
  flush(): void {
    const transport = this.transport;
    if (transport === undefined || this.out.length === 0) return;
    this.trim();
    const out = this.takeOut();
    if (out.length <= MOST_IN_BATCH) this.post(transport, out);
    else for (let at = 0; at < out.length; at += MOST_IN_BATCH) this.post(transport, out.slice(at, at + MOST_IN_BATCH));
  }

  /** The other thread's life is over: keeps what it never took for the next one. */
  down(): Ended {
    this.trim();
    this.transport = undefined;
    const untaken: Envelope[] = [];
    for (let next = this.flying.shift(); next !== undefined; next = this.flying.shift()) untaken.push(next);
    untaken.push(...this.takeOut());
    const dropped: Envelope[] = [];
    this.load = 0;
    this.eventLoad = 0;
    for (const envelope of untaken) {
      if (isForActor(envelope)) {
        this.load++;
        this.out.push(envelope);
      } else if (envelope.reply_to !== undefined) dropped.push(envelope);
      // The bus's own messages speak of the life that is over.
    }
    return { inDoubtBefore: this.out[0]?.id ?? Number.POSITIVE_INFINITY, dropped };
  }

  /** There is no next life: what was kept for one. */
  abandon(): readonly Envelope[] {
    this.load = 0;
    this.eventLoad = 0;
    return this.takeOut().filter(isForActor);
  }

  /** The next life: `first` goes before everything that waits. */
  attach(life: number, transport: Transport, first: readonly Envelope[]): void {
    this.life = life;
    this.counted = 0;
    this.options.counter.reset(this.options.from, this.options.life, this.options.to);
    this.transport = transport;
    const waiting = this.takeOut();
    this.load += first.length;
    this.out = [...first, ...waiting];
    this.flush();
  }

  close(): void {
    this.transport?.close();
  }

  private post(transport: Transport, envelopes: readonly Envelope[]): void {
    try {
      transport.post(pack(envelopes));
      for (const envelope of envelopes) this.flying.push(envelope);
      this.posted += envelopes.length;
    } catch (error) {
      const [only] = envelopes;
      if (envelopes.length > 1) for (const envelope of envelopes) this.post(transport, [envelope]);
      else if (only !== undefined) this.replace(transport, only, error);
    }
  }

  private replace(transport: Transport, culprit: Envelope, error: unknown): void {
    this.count(culprit, -1);
    for (const instead of this.options.uncloneable(culprit, error)) {
      this.count(instead, 1);
      this.post(transport, [instead]);
    }
  }
}
