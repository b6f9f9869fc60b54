// SPDX-License-Identifier: Apache-2.0
// The bus's own messages between threads: hands them to topics and watches, and says what a new life must be told.

import type { Address } from './address.ts';
import type { Envelope, Topic } from './envelope.ts';
import { type Carrier, Topics } from './topics.ts';
import { Watches } from './watches.ts';
import {
  ENDED,
  EVENTS,
  type EventsBody,
  RENEWED,
  SUBSCRIBE,
  type SubscribeBody,
  UNSUBSCRIBE,
  UNWATCH,
  WATCH,
} from './wire.ts';

export class Signals {
  readonly topics: Topics;
  readonly watches: Watches;

  constructor(carrier: Carrier, alive: (of: Address) => boolean) {
    this.topics = new Topics(carrier);
    this.watches = new Watches(carrier, alive);
  }

  /** False: there is no such message. */
  arrived({ type, body }: Envelope, from: number): boolean {
    switch (type) {
      case EVENTS:
        this.topics.arrived(body as EventsBody);
        return true;
      case SUBSCRIBE:
        this.topics.subscribed(body as SubscribeBody, from);
        return true;
      case UNSUBSCRIBE:
        this.topics.unsubscribed(body as Topic<unknown>, from);
        return true;
      case RENEWED:
        this.topics.renewed(body as Topic<unknown>);
        return true;
      case WATCH:
        this.watches.watchedBy(body as Address, from);
        return true;
      case UNWATCH:
        this.watches.unwatchedBy(body as Address, from);
        return true;
      case ENDED:
        this.watches.tell(body as Address, 'ended');
        return true;
      default:
        return false;
    }
  }

  /** Type and body of everything the next life of a thread must know before anything else. */
  greeting(thread: number): readonly (readonly [string, unknown])[] {
    return [
      ...this.topics.subscriptionsTo(thread).map((body) => [SUBSCRIBE, body] as const),
      ...this.watches.watchedOn(thread).map((of) => [WATCH, of] as const),
    ];
  }

  /** A life of another thread is over. */
  down(thread: number): void {
    this.topics.down(thread);
    this.watches.down(thread);
  }
}
