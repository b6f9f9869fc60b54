// SPDX-License-Identifier: Apache-2.0
// What the routes share: ports, limits, open streams, and what has to end when the edge closes.

import type { StillKnown } from './auth.ts';
import { EventStream, frame, Heartbeat } from './event-stream.ts';
import type { Caller, Exchange } from './exchange.ts';
import { Concurrency, type RateLimit, Repetitions, rateLimit } from './limits.ts';
import type { EdgePorts } from './ports.ts';
import { Refusal, tooMany } from './problem.ts';

/** Messages whose answers are waited for at once; each holds a request, its connection and a subscription. */
const MOST_CHATS = 8_192;

export class EdgeContext {
  readonly ports: EdgePorts;
  readonly chatRate: RateLimit | undefined;
  readonly repetitions = new Repetitions();
  /** `http://host:port` once it listens on TCP. */
  url: string | null = null;
  /** The threads on which sessions live. */
  readonly lanes: readonly string[];
  readonly #startedAt: number;
  #chats = 0;
  readonly #heartbeat: Heartbeat;
  readonly #streams: Concurrency;
  readonly #closing = new Set<() => void>();
  readonly #endless = new Set<() => void>();
  /** Open streams with whose they are. */
  readonly #open = new Map<EventStream, Caller>();

  constructor(ports: EdgePorts) {
    const { chat_rate_limit_rpm, chat_rate_limit_burst, chat_max_concurrent_streams } = ports.config.networking;
    this.ports = ports;
    this.chatRate = rateLimit(ports.world, chat_rate_limit_rpm, chat_rate_limit_burst, 60_000);
    this.#heartbeat = new Heartbeat(ports.world);
    this.#streams = new Concurrency(chat_max_concurrent_streams);
    this.lanes = ports.threads.filter((name) => name.startsWith('lane-'));
    this.#startedAt = ports.world.monotonic();
  }

  /** Who has a turn of their own with the others: a user, and where nobody has a name an address. */
  shareOf({ caller, clientAddress }: Exchange): string {
    return this.ports.config.auth.mode === 'none' ? clientAddress : caller.user_id;
  }

  /** Seconds since the edge was made. */
  get uptime(): number {
    return Math.floor((this.ports.world.monotonic() - this.#startedAt) / 1000);
  }

  /** Takes one of the caller's places for streams. @throws Refusal `rate_limited` */
  enterStream(caller: Caller): () => void {
    const leave = this.#streams.enter(caller.user_id);
    if (leave === undefined) throw tooMany('open streams of this user', 1);
    return leave;
  }

  /** Takes a place for a message whose answer is waited for, until that is over. @throws Refusal `overloaded` */
  enterChat({ response }: Exchange): void {
    if (this.#chats >= MOST_CHATS)
      throw new Refusal('overloaded', `${MOST_CHATS} messages are being answered already.`);
    this.#chats += 1;
    response.once('close', () => {
      this.#chats -= 1;
    });
  }

  /** Sends the headers of an event stream. */
  openStream(exchange: Exchange): EventStream {
    const stream = new EventStream(exchange.response, this.ports.world, this.#heartbeat);
    this.#open.set(stream, exchange.caller);
    stream.onClose(() => this.#open.delete(stream));
    return stream;
  }

  /** Ends the streams of those who are known no longer, or may less than when they came. */
  endStrangers(known: StillKnown): void {
    const last = frame('error', { code: 'unauthenticated', message: 'This token was revoked.' });
    for (const [stream, caller] of [...this.#open]) if (!known(caller)) stream.end(last);
  }

  /** Has `run` called when the edge will wait no longer; answers how to take that back. */
  closing(run: () => void): () => void {
    this.#closing.add(run);
    return () => this.#closing.delete(run);
  }

  /** The same for what has no end of its own: called as soon as the edge begins to close. */
  untilClosing(run: () => void): () => void {
    this.#endless.add(run);
    return () => this.#endless.delete(run);
  }

  /** Ends what would never end. */
  endEndless(): void {
    for (const run of [...this.#endless]) run();
  }

  /** Ends everything that is still waited for. */
  endAll(): void {
    for (const run of [...this.#closing]) run();
  }
}
