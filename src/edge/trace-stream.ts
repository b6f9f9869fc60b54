// SPDX-License-Identifier: Apache-2.0
// The actors' transitions as they happen, sampled: a second has room for so many, the rest is only counted.

import { TRACE_TOPIC, type TraceLine } from '../actors/thread/protocol.ts';
import { address } from '../bus/address.ts';
import { topic } from '../bus/envelope.ts';
import { readQuery } from './body.ts';
import type { EdgeContext } from './context.ts';
import { type EventStream, frame, WAITING_LIMIT } from './event-stream.ts';
import { type Answer, type Exchange, STREAMED } from './exchange.ts';
import { TraceQuery } from './schemas/requests.ts';

/** Transitions shown in one second. */
const MOST_PER_SECOND = 1_000;
const WINDOW_MS = 1_000;

/** Streams `transition` events, and `dropped` with a number after each second in which there were too many. */
export function traceTransitions(edge: EdgeContext, exchange: Exchange): Answer {
  const { kind, address: one } = readQuery(exchange, TraceQuery);
  const { bus, threads, world } = edge.ports;
  const wanted = (line: TraceLine): boolean =>
    (one === undefined || line.address === one) && (kind === undefined || line.address.startsWith(`${kind}/`));
  const stream = edge.openStream(exchange);
  const sampler = new Sampler(stream);
  const subscriptions = threads.map((thread) =>
    bus.subscribe(topic<TraceLine>(address('thread', thread), TRACE_TOPIC), {
      events: (lines) => sampler.take(lines.filter(wanted)),
      gap: (dropped) => sampler.drop(dropped),
    }),
  );
  let stopWindow: () => void = () => undefined;
  const turnWindow = (): void => {
    stopWindow = world.after(WINDOW_MS, () => {
      sampler.next();
      turnWindow();
    });
  };
  turnWindow();
  const settled = edge.untilClosing(() => stream.end(''));
  stream.onClose(() => {
    for (const unsubscribe of subscriptions) unsubscribe();
    stopWindow();
    settled();
  });
  return STREAMED;
}

/** Lets so many lines of a second through; a reader that is behind gets none, and the number. */
class Sampler {
  readonly #stream: EventStream;
  #left = MOST_PER_SECOND;
  #dropped = 0;
  constructor(stream: EventStream) {
    this.#stream = stream;
  }

  take(lines: readonly TraceLine[]): void {
    const shown = this.#stream.waiting > WAITING_LIMIT ? [] : lines.slice(0, this.#left);
    this.#left -= shown.length;
    this.#dropped += lines.length - shown.length;
    if (shown.length > 0) this.#stream.write(shown.map(lineFrame).join(''));
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
