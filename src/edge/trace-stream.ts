// SPDX-License-Identifier: Apache-2.0
// The actors' transitions as they happen, sampled: a second has room for so many, the rest is only counted.

import { type TraceEvent, type TraceLine, type TraceWish, traceName } from '../actors/thread/protocol.ts';
import { address } from '../bus/address.ts';
import { topic } from '../bus/envelope.ts';
import { EDGE, STATE_MS } from './ask.ts';
import { readQuery } from './body.ts';
import type { EdgeContext } from './context.ts';
import { type EventStream, frame, WAITING_LIMIT } from './event-stream.ts';
import { type Answer, type Exchange, STREAMED } from './exchange.ts';
import type { EdgePorts } from './ports.ts';
import { Refusal } from './problem.ts';
import { TraceQuery } from './schemas/requests.ts';

/** Transitions shown in one second. */
const MOST_PER_SECOND = 1_000;
const WINDOW_MS = 1_000;
/** Viewers at once: each wish is looked at with every step. */
const VIEWERS_MOST = 32;

/** Streams `transition` events, and `dropped` with a number after each second in which there were too many. */
export class TraceStreams {
  readonly #edge: EdgeContext;
  #viewers = 0;
  constructor(edge: EdgeContext) {
    this.#edge = edge;
  }

  /** @throws Refusal `overloaded` when there are as many viewers as there may be */
  open(exchange: Exchange): Answer {
    const wish = readQuery(exchange, TraceQuery);
    if (this.#viewers >= VIEWERS_MOST) throw tooManyViewers();
    const edge = this.#edge;
    const { bus, threads, world } = edge.ports;
    const stream = edge.openStream(exchange);
    const sampler = new Sampler(stream, edge.ports.redactor);
    const name = traceName(wish);
    const subscriptions = threads.map((thread) =>
      bus.subscribe(topic<TraceEvent>(address('thread', thread), name), {
        events: (events) => sampler.take(events),
        gap: (dropped) => sampler.drop(dropped),
      }),
    );
    // Said again every second: a thread tells of its steps only as long as somebody still wants them, whoever dies.
    const follow = (): void => {
      for (const thread of threads) followSteps(edge, thread, wish);
    };
    follow();
    let stopWindow: () => void = () => undefined;
    const turnWindow = (): void => {
      stopWindow = world.after(WINDOW_MS, () => {
        sampler.next();
        follow();
        turnWindow();
      });
    };
    turnWindow();
    this.#viewers += 1;
    const settled = edge.untilClosing(() => stream.end(''));
    stream.onClose(() => {
      this.#viewers -= 1;
      for (const unsubscribe of subscriptions) unsubscribe();
      stopWindow();
      settled();
    });
    return STREAMED;
  }
}

/** A thread that does not answer is being started again; it is asked anew a second later. */
function followSteps({ ports }: EdgeContext, thread: string, wish: TraceWish): void {
  const to = address('thread', thread);
  ports.bus.ask(to, 'thread.follow', wish, { from: EDGE, within: STATE_MS }, () => undefined);
}

function tooManyViewers(): Refusal {
  return new Refusal('overloaded', `${VIEWERS_MOST} viewers follow the trace already.`);
}

/** Lets so many lines of a second through; a reader that is behind gets none, and the number. */
class Sampler {
  readonly #stream: EventStream;
  readonly #redactor: EdgePorts['redactor'];
  #left = MOST_PER_SECOND;
  #dropped = 0;
  constructor(stream: EventStream, redactor: EdgePorts['redactor']) {
    this.#stream = stream;
    this.#redactor = redactor;
  }

  take(events: readonly TraceEvent[]): void {
    const room = this.#stream.waiting > WAITING_LIMIT ? 0 : this.#left;
    let frames = '';
    let shown = 0;
    for (const event of events) {
      if (!('address' in event)) this.#dropped += event.dropped;
      else if (shown === room) this.#dropped += 1;
      else {
        shown += 1;
        frames += lineFrame(this.#redactor === undefined ? event : this.#redactor.data(event));
      }
    }
    this.#left -= shown;
    if (shown > 0) this.#stream.write(frames);
  }

  drop(count: number): void {
    this.#dropped += count;
  }

  /** A second is over. */
  next(): void {
    this.#left = MOST_PER_SECOND;
    if (this.#dropped === 0 || this.#stream.waiting > WAITING_LIMIT) return;
    this.#stream.write(frame('dropped', { dropped: this.#dropped }));
    this.#dropped = 0;
  }
}

function lineFrame({ at, address: of, event, from_state, to_state }: TraceLine): string {
  return frame('transition', { at, address: of, event, from_state, to_state });
}
