// SPDX-License-Identifier: Apache-2.0
// Changes of the gateway's status as they happen: gathered from all threads while somebody listens, numbered, kept for who comes back.

import { STATUS_TOPIC, type StatusEvent } from '../actors/gateway/protocol.ts';
import { address } from '../bus/address.ts';
import { topic } from '../bus/envelope.ts';
import { owns, seesAll } from './access.ts';
import type { EdgeContext } from './context.ts';
import { type EventStream, frame, WAITING_LIMIT } from './event-stream.ts';
import { type Answer, type Caller, type Exchange, STREAMED } from './exchange.ts';
import { type LastEvent, lastEventId } from './last-event-id.ts';

/** Changes that are kept for those who come back. */
const KEPT = 1_000;
/** How long they are gathered after the last listener has gone, in milliseconds: whoever comes back within it missed nothing. */
const LINGER_MS = 300_000;

const SLOW = frame('error', {
  code: 'slow_consumer',
  message: 'Too much waited for this reader; read on from the last event that came.',
});

/** Something may be missing here: the status as a whole says how things are. */
const MISSED = 'missed';

interface Kept {
  readonly n: number;
  readonly event: StatusEvent | null;
}

interface Listener {
  readonly stream: EventStream;
  readonly caller: Caller;
}

/** Streams `GET /api/v1/events`. Nothing is gathered before the first listener comes. */
export class StatusStreams {
  readonly #edge: EdgeContext;
  readonly #listeners = new Set<Listener>();
  #watch: Watch | null = null;
  #stopLinger: () => void = () => undefined;

  constructor(edge: EdgeContext) {
    this.#edge = edge;
  }

  /** @throws Refusal `rate_limited`, `validation_failed` */
  open(exchange: Exchange): Answer {
    const edge = this.#edge;
    const last = lastEventId(exchange);
    const release = edge.enterStream(exchange.caller);
    const watch = this.#begin();
    const listener = { stream: edge.openStream(exchange), caller: exchange.caller };
    const { stream } = listener;
    stream.write(watch.since(last, listener.caller));
    this.#listeners.add(listener);
    const settled = edge.untilClosing(() => stream.end(''));
    stream.onClose(() => {
      this.#listeners.delete(listener);
      release();
      settled();
      if (this.#listeners.size === 0) this.#linger();
    });
    return STREAMED;
  }

  #begin(): Watch {
    this.#stopLinger();
    this.#stopLinger = () => undefined;
    this.#watch ??= new Watch(this.#edge, (kept) => this.#tell(kept));
    return this.#watch;
  }

  #linger(): void {
    this.#stopLinger();
    this.#stopLinger = this.#edge.ports.world.after(LINGER_MS, () => {
      this.#watch?.stop();
      this.#watch = null;
    });
    // A gateway that ends waits for nobody to come back.
    const settled = this.#edge.untilClosing(() => {
      settled();
      this.#stopLinger();
    });
  }

  #tell(kept: Kept): void {
    for (const { stream, caller } of [...this.#listeners]) {
      if (!mayHear(kept.event, caller)) continue;
      if (stream.waiting > WAITING_LIMIT) stream.end(SLOW);
      else stream.write(this.#watch?.framed(kept) ?? '');
    }
  }
}

/** One time of gathering: its ids are its own, so that an id of another is known to be of another. */
class Watch {
  readonly #name: string;
  readonly #stops: readonly (() => void)[];
  readonly #edge: EdgeContext;
  readonly #told: (kept: Kept) => void;
  #ring: Kept[] = [];
  #last = 0;

  constructor(edge: EdgeContext, told: (kept: Kept) => void) {
    const { bus, threads, resting, world } = edge.ports;
    this.#edge = edge;
    this.#told = told;
    this.#name = world.uuid();
    const missed = (): void => this.#add(null);
    this.#stops = [...threads, ...resting].map((thread) =>
      bus.subscribe(topic<StatusEvent>(address('thread', thread), STATUS_TOPIC), {
        events: (events) => {
          for (const event of events) this.#add(event);
        },
        gap: missed,
        lost: missed,
      }),
    );
  }

  /** What somebody missed after the event with this id; where that cannot be told, that something was. Then `listening`. */
  since(last: LastEvent | undefined, caller: Caller): string {
    const here = frame('listening', { at: this.#now() }, this.#id(this.#last));
    if (last === undefined) return here;
    const n = last.of === this.#name ? last.n : undefined;
    const first = this.#ring[0]?.n ?? this.#last + 1;
    if (n === undefined || n > this.#last || n + 1 < first) return `${frame(MISSED, { at: this.#now() })}${here}`;
    const later = this.#ring.filter((kept) => kept.n > n && mayHear(kept.event, caller));
    return `${later.map((kept) => this.framed(kept)).join('')}${here}`;
  }

  framed({ n, event }: Kept): string {
    if (event === null) return frame(MISSED, { at: this.#now() }, this.#id(n));
    const { type, at, data } = event;
    const { redactor } = this.#edge.ports;
    return frame(type, { at, ...(redactor === undefined ? data : redactor.data(data)) }, this.#id(n));
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  #add(event: StatusEvent | null): void {
    this.#last += 1;
    const kept = { n: this.#last, event };
    this.#ring.push(kept);
    // Cut seldom, not at every event.
    if (this.#ring.length >= 2 * KEPT) this.#ring = this.#ring.slice(-KEPT);
    this.#told(kept);
  }

  #id(n: number): string {
    return `${this.#name}:${n}`;
  }

  #now(): string {
    const { world } = this.#edge.ports;
    return world.iso(world.now());
  }
}

/** Of approvals those hear who may see their sessions; of the rest everybody, as of the status. */
function mayHear(event: StatusEvent | null, caller: Caller): boolean {
  if (event === null) return true;
  if (event.type !== 'approval_requested' && event.type !== 'approval_decided') return true;
  return seesAll(caller) || owns(caller, event.data);
}
