// SPDX-License-Identifier: Apache-2.0
// Ports between the threads of a simulated process: in order within one, never at once, with the delays of the plan.

import type { Port } from '../../src/bus/ports.ts';
import { type Batch, packedLength, unpack } from '../../src/bus/wire.ts';
import type { Clock, Life } from './clock.ts';

/** How long the next batch on a link takes, in milliseconds. */
export type Delay = () => number;

const CLOSE: unique symbol = Symbol('close');
type Item = Batch | typeof CLOSE;

/** What lies in a port, and from when on it can be read. */
interface Lying {
  readonly item: Item;
  readonly at: number;
}

/** Told of every batch a life posts, and of those that no life ever read. */
export interface PostRules {
  posted(from: Life, batch: Batch): void;
  unread(from: Life, batch: Batch): void;
}

/** One end. It belongs to a life from when that life is given it, and closes with it. */
export class SimPort implements Port {
  other: SimPort | undefined;
  private readonly clock: Clock;
  private readonly delay: Delay;
  private readonly rules: PostRules;
  private owner: Life | undefined;
  private readonly incoming: Lying[] = [];
  private readonly onMessage: ((batch: Batch) => void)[] = [];
  private readonly onClose: (() => void)[] = [];
  private open = true;
  private lastAt = 0;

  constructor(clock: Clock, delay: Delay, rules: PostRules) {
    this.clock = clock;
    this.delay = delay;
    this.rules = rules;
  }

  /** Gives it to a life. */
  own(life: Life): void {
    this.owner = life;
    if (life.dead) this.end();
    else life.atEnd(() => this.end());
  }

  postMessage(batch: Batch): void {
    // Clones even when nobody will read it: what cannot be cloned throws, as on a real port.
    const clone = structuredClone(batch);
    if (this.owner !== undefined && batch.length > 0) this.rules.posted(this.owner, batch);
    if (this.open && this.owner?.dead !== true) this.other?.arrive(clone, this.clock.timeOf(this.owner ?? null));
  }

  on(event: 'message', listener: (batch: Batch) => void): void;
  on(event: 'close', listener: () => void): void;
  on(event: 'message' | 'close', listener: ((batch: Batch) => void) & (() => void)): void {
    if (event === 'close') {
      this.onClose.push(listener);
      return;
    }
    this.onMessage.push(listener);
    // What came before there was a listener was kept, and has made its way meanwhile: it is read as soon as there is one.
    if (this.onMessage.length === 1) for (const { at } of this.incoming) this.later(at);
  }

  close(): void {
    if (!this.open) return;
    const { owner } = this;
    this.end();
    if (owner !== undefined) this.clock.schedule(owner, 0, 'port closed', () => this.closed());
  }

  /** This end reads nothing any more; the other one first reads what is on its way. */
  private end(): void {
    if (!this.open) return;
    this.open = false;
    for (const { item } of this.incoming.splice(0)) this.unread(item);
    this.other?.arrive(CLOSE, this.clock.timeOf(this.owner ?? null));
  }

  private arrive(item: Item, sent: number): void {
    if (!this.open) return this.unread(item);
    this.lastAt = Math.max(this.lastAt, sent + this.delay());
    this.incoming.push({ item, at: this.lastAt });
    this.later(this.lastAt);
  }

  private unread(item: Item): void {
    const from = this.other?.owner;
    if (item !== CLOSE && item.length > 0 && from !== undefined) this.rules.unread(from, item);
  }

  private later(at: number): void {
    const { owner, clock } = this;
    if (owner === undefined || (this.onMessage.length === 0 && this.incoming[0]?.item !== CLOSE)) return;
    clock.schedule(owner, Math.max(0, at - clock.timeOf(owner)), 'port', () => this.next());
  }

  private next(): void {
    const item = this.incoming[0]?.item;
    if (item === undefined || !this.open || (item !== CLOSE && this.onMessage.length === 0)) return;
    this.incoming.shift();
    if (item === CLOSE) {
      this.open = false;
      this.closed();
      return;
    }
    this.clock.trace.remark(() => describe(item));
    for (const listener of this.onMessage) listener(item);
  }

  private closed(): void {
    for (const listener of this.onClose.splice(0)) listener();
  }
}

/** What a batch holds, in words. */
function describe(batch: Batch): string {
  const words: string[] = [];
  for (let at = 0; at < batch.length; at += packedLength(batch, at)) {
    const { id, to, type, reply_to, error, body } = unpack(batch, at);
    const answers = reply_to === undefined ? '' : ` answers ${reply_to}`;
    words.push(`${id} ${type} to ${to}${answers}: ${JSON.stringify(error ?? body)?.slice(0, 160)}`);
  }
  return words.join('\n    ');
}

/** Two ports that are each other's end. */
export function simChannel(clock: Clock, delay: Delay, rules: PostRules): readonly [SimPort, SimPort] {
  const one = new SimPort(clock, delay, rules);
  const two = new SimPort(clock, delay, rules);
  one.other = two;
  two.other = one;
  // As the real ones: something lies in each before its other end may close.
  one.postMessage([]);
  two.postMessage([]);
  return [one, two];
}
