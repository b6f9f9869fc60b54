// SPDX-License-Identifier: Apache-2.0
// What goes to the vendors and comes from them, as it happens, for somebody who looks: whole, or with a number where it is not.

import { wireName } from '../actors/thread/protocol.ts';
import { address } from '../bus/address.ts';
import { topic } from '../bus/envelope.ts';
import type { WireEntry } from '../providers/wire-entry.ts';
import { readQuery } from './body.ts';
import type { EdgeContext } from './context.ts';
import { type EventStream, frame } from './event-stream.ts';
import { type Answer, type Exchange, STREAMED } from './exchange.ts';
import type { EdgePorts } from './ports.ts';
import { Refusal } from './problem.ts';
import { unknownProvider } from './provider-view.ts';
import { WireQuery } from './schemas/requests.ts';

/** Viewers at once. */
const VIEWERS_MOST = 4;
/** Bytes that wait for one of them; what comes while there are more is counted. A request with pictures is some of these. */
const WAITING_MOST = 16 * 1024 * 1024;
/** How long a viewer on whom so much waits may read nothing, in milliseconds. */
const UNREAD_MS = 60_000;

/** Streams `entry`, `dropped` and `lost`. */
export class WireStreams {
  readonly #edge: EdgeContext;
  #viewers = 0;
  constructor(edge: EdgeContext) {
    this.#edge = edge;
  }

  /** @throws Refusal `not_found` for a provider there is none of, `overloaded` when there are as many viewers as may be */
  open(exchange: Exchange): Answer {
    const { provider = '' } = readQuery(exchange, WireQuery);
    const edge = this.#edge;
    const { bus, providers, redactor, threads, resting } = edge.ports;
    if (provider !== '' && !providers.some(({ name }) => name === provider))
      throw unknownProvider(edge.ports, provider);
    if (this.#viewers >= VIEWERS_MOST)
      throw new Refusal('overloaded', `${VIEWERS_MOST} viewers follow the providers' traffic already.`);
    const stream = edge.openStream(exchange);
    const viewer = new Viewer(stream, redactor);
    // Turns ask vendors from lanes; what is asked for beside them, from an I/O thread.
    const asking = threads.filter((name) => /^(lane|io)-/.test(name) && !resting.includes(name));
    const subscriptions = asking.map((thread) =>
      bus.subscribe(topic<WireEntry>(address('thread', thread), wireName(provider)), {
        events: (entries) => viewer.take(entries),
        gap: (dropped) => viewer.drop(dropped),
        lost: () => viewer.lost(thread),
      }),
    );
    this.#viewers += 1;
    const settled = edge.untilClosing(() => stream.end(''));
    stream.onClose(() => {
      this.#viewers -= 1;
      for (const unsubscribe of subscriptions) unsubscribe();
      settled();
    });
    return STREAMED;
  }
}

class Viewer {
  readonly #stream: EventStream;
  readonly #redactor: EdgePorts['redactor'];
  #dropped = 0;
  #waits = false;

  constructor(stream: EventStream, redactor: EdgePorts['redactor']) {
    this.#stream = stream;
    this.#redactor = redactor;
  }

  take(entries: readonly WireEntry[]): void {
    for (const entry of entries) {
      if (this.#waits || this.#stream.waiting > WAITING_MOST) {
        this.#wait();
        this.drop(1);
      } else this.#write(frame('entry', this.#redactor === undefined ? entry : this.#redactor.data(entry)));
    }
  }

  /** Told before the next entry that is shown, or once there is room. */
  drop(count: number): void {
    this.#dropped += count;
    if (!this.#waits) this.#write('');
  }

  lost(thread: string): void {
    this.#write(frame('lost', { thread }));
  }

  #write(frames: string): void {
    const before = this.#dropped === 0 || this.#waits ? '' : frame('dropped', { dropped: this.#dropped });
    if (before !== '') this.#dropped = 0;
    this.#stream.write(before + frames);
  }

  #wait(): void {
    if (this.#waits) return;
    this.#waits = true;
    void this.#stream.drained(UNREAD_MS).then((drained) => {
      this.#waits = false;
      if (drained) return this.#write('');
      const message = 'What is shown was not read for a minute.';
      this.#stream.end(frame('error', { code: 'slow_consumer', message }));
    });
  }
}
