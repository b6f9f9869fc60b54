// SPDX-License-Identifier: Apache-2.0
// Topics: who listens to what is published here, and what is listened to here, wherever it is published.

import { EventEmitter } from 'eventemitter3';
import type { Address } from './address.ts';
import { type SubscribeOptions, type Subscriber, type Topic, topicOwner } from './envelope.ts';
import type { Listener, Outgoing } from './outgoing.ts';
import { type EventsBody, RENEWED, SUBSCRIBE, type SubscribeBody, UNSUBSCRIBE } from './wire.ts';

/** What topics and watches need of their thread's bus. */
export interface Carrier {
  readonly thread: number;
  place(of: Address): number;
  /** Whether a life of that thread is attached. */
  connected(thread: number): boolean;
  /** Where messages to that thread wait. */
  outgoing(thread: number): Outgoing;
  /** Sends one of the bus's own messages. */
  control(thread: number, type: string, body: unknown): void;
  /** That thread's own address. */
  door(thread: number): Address;
  nextId(): number;
  /** Calls something that is not the bus's; what it throws is a fault of `whose`. */
  guarded(whose: Address, run: () => void): void;
  /** Retries {@link Topics.tellGaps} soon. */
  gapsOpen(): void;
}

type Delivery = { readonly events: readonly unknown[]; readonly dropped: number } | 'lost';

/** What this thread listens to on another. */
interface Listening {
  readonly thread: number;
  /** Subscribers here, and how many of them must not miss an event. */
  count: number;
  lossless: number;
  /** A life of the publisher's thread has ended, and the next one has not confirmed the subscription yet. */
  renew: boolean;
  /** The present life has been told. */
  told: boolean;
}

export class Topics {
  private readonly carrier: Carrier;
  /** Topics published here, by who listens. */
  private readonly homes = new Map<Topic<unknown>, Listener[]>();
  /** Topics listened to here. */
  private readonly listening = new Map<Topic<unknown>, Listening>();
  private readonly emitter = new EventEmitter<string>();
  private readonly nextId: () => number;
  private readonly gaps = new Map<Listener, Topic<unknown>>();

  constructor(carrier: Carrier) {
    this.carrier = carrier;
    this.nextId = () => carrier.nextId();
  }

  heard(topic: Topic<unknown>): boolean {
    return this.homes.has(topic);
  }

  publish(topic: Topic<unknown>, event: unknown): void {
    const listeners = this.homes.get(topic);
    if (listeners === undefined) return;
    const { carrier } = this;
    for (const listener of listeners) {
      const { thread } = listener;
      carrier
        .outgoing(thread)
        .event(listener, topic, event, carrier.door(carrier.thread), carrier.door(thread), this.nextId);
      if (listener.dropped > 0) {
        if (this.gaps.size === 0) carrier.gapsOpen();
        this.gaps.set(listener, topic);
      } else if (this.gaps.size > 0) this.gaps.delete(listener);
    }
  }

  /** Tells listeners what they missed as soon as there is room, though nothing more may be published. True: some remain. */
  tellGaps(): boolean {
    const { carrier } = this;
    for (const [listener, topic] of this.gaps) {
      const outgoing = carrier.outgoing(listener.thread);
      if (listener.dropped > 0) {
        if (outgoing.fullOfEvents()) continue;
        outgoing.gap(listener, topic, carrier.door(carrier.thread), carrier.door(listener.thread), this.nextId);
      }
      this.gaps.delete(listener);
    }
    return this.gaps.size > 0;
  }

  subscribe<E>(topic: Topic<E>, subscriber: Subscriber<E>, options?: SubscribeOptions): () => void {
    const owner = topicOwner(topic as Topic<unknown>);
    const key = topic as Topic<unknown>;
    const lossless = options?.lossless === true;
    let open = true;
    const deliver = (delivery: Delivery) => {
      if (!open) return;
      if (delivery === 'lost') {
        this.carrier.guarded(owner, () => subscriber.lost?.());
        return;
      }
      const { events, dropped } = delivery;
      if (dropped > 0) this.carrier.guarded(owner, () => subscriber.gap?.(dropped));
      if (events.length > 0 && open) this.carrier.guarded(owner, () => subscriber.events(events as readonly E[]));
    };
    this.emitter.on(topic, deliver);
    this.join(key, this.carrier.place(owner), lossless);
    return () => {
      if (!open) return;
      open = false;
      this.emitter.off(topic, deliver);
      this.leave(key, lossless);
    };
  }

  /** Events have come in. */
  arrived(body: EventsBody): void {
    for (let at = 0; at < body.length; at += 3) {
      const delivery: Delivery = { dropped: body[at + 1] as number, events: body[at + 2] as readonly unknown[] };
      this.emitter.emit(body[at] as string, delivery);
    }
  }

  /** Another thread (or this one) listens to a topic of this thread from now on. */
  subscribed({ topic, lossless, renew }: SubscribeBody, thread: number): void {
    const listeners = this.homes.get(topic);
    const known = listeners?.find((listener) => listener.thread === thread);
    if (known !== undefined) known.lossless = lossless;
    else {
      const listener = { thread, lossless, dropped: 0, envelope: undefined, events: undefined };
      // A new array: `publish` may be going through the present one.
      this.homes.set(topic, [...(listeners ?? []), listener]);
    }
    if (renew) this.carrier.control(thread, RENEWED, topic);
  }

  unsubscribed(topic: Topic<unknown>, thread: number): void {
    const listeners = this.homes.get(topic);
    if (listeners === undefined) return;
    const left = listeners.filter((listener) => {
      if (listener.thread === thread) this.gaps.delete(listener);
      return listener.thread !== thread;
    });
    if (left.length > 0) this.homes.set(topic, left);
    else this.homes.delete(topic);
  }

  /** The publisher's next life has confirmed the subscription. */
  renewed(topic: Topic<unknown>): void {
    const listening = this.listening.get(topic);
    if (!listening?.renew) return;
    listening.renew = false;
    this.emitter.emit(topic, 'lost' satisfies Delivery);
  }

  /** A life of another thread is over: it listens to nothing any more, and what it published is to be renewed. */
  down(thread: number): void {
    for (const topic of [...this.homes.keys()]) this.unsubscribed(topic, thread);
    for (const listening of this.listening.values()) {
      if (listening.thread !== thread) continue;
      if (listening.told) listening.renew = true;
      listening.told = false;
    }
  }

  /** What the next life of a thread has to be told before anything else. */
  subscriptionsTo(thread: number): readonly SubscribeBody[] {
    const bodies: SubscribeBody[] = [];
    for (const [topic, listening] of this.listening) {
      if (listening.thread !== thread) continue;
      listening.told = true;
      bodies.push({ topic, lossless: listening.lossless > 0, renew: listening.renew });
    }
    return bodies;
  }

  private join(topic: Topic<unknown>, thread: number, lossless: boolean): void {
    const known = this.listening.get(topic);
    const listening = known ?? { thread, count: 0, lossless: 0, renew: false, told: false };
    if (known === undefined) this.listening.set(topic, listening);
    listening.count++;
    if (lossless) listening.lossless++;
    if (known === undefined || (lossless && listening.lossless === 1)) this.tell(topic, listening);
  }

  private leave(topic: Topic<unknown>, lossless: boolean): void {
    const listening = this.listening.get(topic);
    if (listening === undefined) return;
    listening.count--;
    if (lossless) listening.lossless--;
    if (listening.count > 0) {
      if (lossless && listening.lossless === 0) this.tell(topic, listening);
      return;
    }
    this.listening.delete(topic);
    if (listening.thread === this.carrier.thread) this.unsubscribed(topic, listening.thread);
    else if (listening.told) this.carrier.control(listening.thread, UNSUBSCRIBE, topic);
  }

  private tell(topic: Topic<unknown>, listening: Listening): void {
    const { thread } = listening;
    const body: SubscribeBody = { topic, lossless: listening.lossless > 0, renew: listening.renew };
    if (thread === this.carrier.thread) this.subscribed(body, thread);
    else if (this.carrier.connected(thread)) {
      listening.told = true;
      this.carrier.control(thread, SUBSCRIBE, body);
    }
  }
}
