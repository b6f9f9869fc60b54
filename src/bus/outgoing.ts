// SPDX-License-Identifier: Apache-2.0
// What waits to go to one thread: bounded by the window, with a tick's events gathered into one envelope.

import type { Address } from './address.ts';
import type { Envelope, Topic } from './envelope.ts';
import { EVENTS, type EventsBody, eventsIn } from './wire.ts';

/** One thread that listens to one topic. */
export interface Listener {
  readonly thread: number;
  lossless: boolean;
  /** Events dropped since the last one that was accepted. */
  dropped: number;
  /** The envelope and the array in it that took this listener's last event. */
  envelope: Envelope | undefined;
  events: unknown[] | undefined;
}

/** Most events in one envelope: the receiver handles an envelope in one go. */
const MOST_EVENTS = 256;

export abstract class Outgoing {
  /** Messages accepted and not yet taken by the receiver, as far as is known. */
  protected load = 0;
  /** Events likewise. Counted apart, so that neither a flood of events refuses messages nor the other way round. */
  protected eventLoad = 0;
  protected out: Envelope[] = [];
  private readonly window: number;
  private readonly wake: () => void;
  private open: Envelope | undefined;
  private openEvents = 0;
  /** Those with events in the open envelope. */
  private grouped: Listener[] = [];

  /** `wake` is called whenever something starts to wait. */
  constructor(window: number, wake: () => void) {
    this.window = window;
    this.wake = wake;
  }

  /** Finds out what the receiver has taken since. */
  abstract trim(): void;

  /** Whether a lossy listener's event would be dropped. */
  fullOfEvents(): boolean {
    if (this.eventLoad < this.window) return false;
    this.trim();
    return this.eventLoad >= this.window;
  }

  /** False: the window is full. What is `exempt` is always accepted. */
  push(envelope: Envelope, exempt: boolean): boolean {
    if (!exempt && this.load >= this.window) {
      this.trim();
      if (this.load >= this.window) return false;
    }
    this.closeEvents();
    this.load++;
    if (this.out.length === 0) this.wake();
    this.out.push(envelope);
    return true;
  }

  /** Adds an event to the tick's envelope of events; a lossy listener's is dropped and counted when the window is full. */
  event(
    listener: Listener,
    topic: Topic<unknown>,
    event: unknown,
    from: Address,
    to: Address,
    nextId: () => number,
  ): void {
    if (!listener.lossless && this.fullOfEvents()) {
      listener.dropped++;
      return;
    }
    this.eventLoad++;
    const open = this.open !== undefined && this.openEvents < MOST_EVENTS ? this.open : undefined;
    if (open !== undefined && listener.envelope === open && listener.events !== undefined && listener.dropped === 0) {
      listener.events.push(event);
    } else {
      this.group(open ?? this.openEnvelope(from, to, nextId), listener, topic, [event]);
    }
    this.openEvents++;
  }

  /** Tells a listener how many events it missed, when no further event would. */
  gap(listener: Listener, topic: Topic<unknown>, from: Address, to: Address, nextId: () => number): void {
    this.group(this.open ?? this.openEnvelope(from, to, nextId), listener, topic, []);
  }

  /** Counts an envelope in, or out again. */
  protected count(envelope: Envelope, sign: 1 | -1): void {
    if (envelope.type === EVENTS) this.eventLoad += sign * eventsIn(envelope.body as EventsBody);
    else this.load += sign;
  }

  /** Takes what waits; later events need a new envelope. */
  protected takeOut(): Envelope[] {
    const out = this.out;
    this.out = [];
    this.closeEvents();
    return out;
  }

  private group(envelope: Envelope, listener: Listener, topic: Topic<unknown>, events: unknown[]): void {
    (envelope.body as EventsBody).push(topic, listener.dropped, events);
    listener.dropped = 0;
    listener.envelope = envelope;
    listener.events = events;
    this.grouped.push(listener);
  }

  /** A listener must not hold on to an envelope that is gone: with it go the events of all others. */
  private closeEvents(): void {
    if (this.open === undefined) return;
    this.open = undefined;
    for (const listener of this.grouped) {
      listener.envelope = undefined;
      listener.events = undefined;
    }
    this.grouped = [];
  }

  private openEnvelope(from: Address, to: Address, nextId: () => number): Envelope {
    this.closeEvents();
    const body: EventsBody = [];
    const envelope: Envelope = { id: nextId(), to, from, type: EVENTS, body };
    if (this.out.length === 0) this.wake();
    this.out.push(envelope);
    this.open = envelope;
    this.openEvents = 0;
    return envelope;
  }
}
