// SPDX-License-Identifier: Apache-2.0
// What actors did last: a short ring for each, and a stream of all of a thread's only while somebody listens.

import { type Address, address } from './address.ts';
import { type Topic, topic } from './envelope.ts';

/** One transition of an actor. */
export interface TraceEntry {
  readonly at: number;
  readonly event: string;
  readonly from_state: string;
  readonly to_state: string;
  readonly took_us: number;
}

/** A transition as it is streamed. */
export interface TraceEvent extends TraceEntry {
  readonly thread: string;
  readonly address: Address;
}

const LAST = 64;

/** The last 64 transitions of one actor. It costs nothing before the first. */
export class TraceRing {
  private entries: TraceEntry[] | undefined;
  private next = 0;

  add(entry: TraceEntry): void {
    if (this.entries === undefined) this.entries = [entry];
    else this.entries[this.next] = entry;
    this.next = (this.next + 1) % LAST;
  }

  /** Oldest first. */
  recent(): readonly TraceEntry[] {
    const entries = this.entries ?? [];
    return entries.length < LAST ? [...entries] : [...entries.slice(this.next), ...entries.slice(0, this.next)];
  }
}

/** Everything that happens on a thread. */
export function traceTopic(thread: string): Topic<TraceEvent> {
  return topic<TraceEvent>(address('thread', thread), 'trace');
}

/** The publishing side of a bus. */
interface Publisher {
  heard(topic: Topic<unknown>): boolean;
  publish<E>(topic: Topic<E>, event: E): void;
}

/** Records the transitions of one thread's actors. */
export class Tracer {
  private readonly bus: Publisher;
  private readonly thread: string;
  private readonly topic: Topic<TraceEvent>;

  constructor(bus: Publisher, thread: string) {
    this.bus = bus;
    this.thread = thread;
    this.topic = traceTopic(thread);
  }

  record(ring: TraceRing, of: Address, entry: TraceEntry): void {
    ring.add(entry);
    if (this.bus.heard(this.topic as Topic<unknown>)) {
      this.bus.publish(this.topic, { ...entry, thread: this.thread, address: of });
    }
  }
}
