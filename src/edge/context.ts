// SPDX-License-Identifier: Apache-2.0
// What the routes share: ports, limits, open streams, and what has to end when the edge closes.

import { type Authenticator, authenticator } from './auth.ts';
import { EventStream, frame, Heartbeat } from './event-stream.ts';
import type { Caller, Exchange } from './exchange.ts';
import { Concurrency, FollowedRate, type RateLimit, Repetitions } from './limits.ts';
import { RequestCounts } from './metrics/requests.ts';
import type { EdgePorts } from './ports.ts';
import { Refusal, tooMany } from './problem.ts';
import { Reads } from './reads.ts';

/** Messages whose answers are waited for at once; each holds a request, its connection and a subscription. */
const MOST_CHATS = 8_192;
/** So long after a message whoever sent it may be about to send another, in milliseconds. */
const TALKS_MS = 2_000;
/** How often it is looked whether what is open is still open to whom it was opened for: only where that may end by itself. */
const LOOK_MS = 1_000;

/** The last words of a stream, by why its caller is known no longer. */
type Farewell = (why: string) => string;
const goodbye: Farewell = (why) => frame('error', { code: 'unauthenticated', message: why });

export class EdgeContext {
  readonly ports: EdgePorts;
  readonly #chatRate: FollowedRate;
  readonly repetitions = new Repetitions();
  /** Counts requests; not there where nothing is measured. */
  readonly requests: RequestCounts | undefined;
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
  /** Open streams with whose they are, and what they are told last when that is nobody any more. */
  readonly #open = new Map<EventStream, { readonly caller: Caller; readonly farewell: Farewell }>();
  /** Requests that are worked on, with what cuts them off. */
  readonly #working = new Map<Exchange, (why: string) => void>();
  #stopLooking: (() => void) | null = null;
  readonly auth: Authenticator;
  /** Questions that are worked on, and those that wait. */
  readonly reads: Reads;
  /** When the last message was answered, or came. */
  #talked = Number.NEGATIVE_INFINITY;

  constructor(ports: EdgePorts) {
    this.ports = ports;
    this.requests = ports.config.telemetry.metrics ? new RequestCounts() : undefined;
    this.#chatRate = new FollowedRate(ports.world, 60_000);
    this.#heartbeat = new Heartbeat(ports.world);
    this.#streams = new Concurrency(ports.config.networking.chat_max_concurrent_streams);
    this.follow();
    this.lanes = ports.threads.filter((name) => name.startsWith('lane-'));
    this.#startedAt = ports.world.monotonic();
    this.reads = new Reads(ports.world, () => this.#chats > 0 || ports.world.monotonic() - this.#talked < TALKS_MS);
    this.auth = authenticator(ports.config.auth.mode, ports);
    ports.live.onChange(() => this.endStrangers());
  }

  get chatRate(): RateLimit | undefined {
    return this.#chatRate.now;
  }

  /** Another configuration is in force. */
  follow(): void {
    const { chat_rate_limit_rpm, chat_rate_limit_burst, chat_max_concurrent_streams } = this.ports.config.networking;
    this.#chatRate.follow(chat_rate_limit_rpm, chat_rate_limit_burst);
    this.#streams.follow(chat_max_concurrent_streams);
  }

  /** Who has a turn of their own with the others: a user, and where nobody has a name an address. */
  shareOf({ caller, clientAddress }: Exchange): string {
    return this.ports.config.auth.mode === 'none' ? clientAddress : caller.user_id;
  }

  /** Event streams that are open. */
  get streamsOpen(): number {
    return this.#open.size;
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
      this.#talked = this.ports.world.monotonic();
    });
  }

  /**
   * Sends the headers of an event stream.
   *
   * @param farewell its last words when its caller is known no longer
   * @throws Refusal when it was answered already, for whom it is known no longer
   */
  openStream(exchange: Exchange, farewell: Farewell = goodbye): EventStream {
    if (exchange.response.headersSent) throw new Refusal('unauthenticated', 'This request was answered already.');
    const stream = new EventStream(exchange.response, this.ports.world, this.#heartbeat);
    this.#open.set(stream, { caller: exchange.caller, farewell });
    this.#watch(exchange.caller);
    stream.onClose(() => this.#open.delete(stream));
    return stream;
  }

  /**
   * A request is worked on from now on.
   *
   * @param cut called when its caller is known no longer, with why
   */
  begin(exchange: Exchange, cut: (why: string) => void): void {
    this.#working.set(exchange, cut);
    this.#watch(exchange.caller);
  }

  /** It has its answer, or goes on as a stream. */
  done(exchange: Exchange): void {
    this.#working.delete(exchange);
    this.reads.leave(exchange);
  }

  /** Ends what is open for those who are known no longer, or may less than when they came. */
  endStrangers(): void {
    for (const [stream, { caller, farewell }] of [...this.#open]) {
      const why = this.auth.whyGone(caller);
      if (why !== null) stream.end(farewell(why));
    }
    for (const [exchange, cut] of [...this.#working]) {
      const why = this.auth.whyGone(exchange.caller);
      if (why === null) continue;
      this.#working.delete(exchange);
      cut(why);
    }
  }

  /** Has it looked now and then whether somebody whose time runs out has something open. */
  #watch(caller: Caller): void {
    if (runsOut(caller)) this.#stopLooking ??= this.ports.world.after(LOOK_MS, () => this.#look());
  }

  #look(): void {
    this.#stopLooking = null;
    this.endStrangers();
    for (const { caller } of this.#open.values()) if (runsOut(caller)) return this.#watch(caller);
    for (const { caller } of this.#working.keys()) if (runsOut(caller)) return this.#watch(caller);
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
    this.#stopLooking?.();
    for (const run of [...this.#endless]) run();
  }

  /** Ends everything that is still waited for. */
  endAll(): void {
    for (const run of [...this.#closing]) run();
  }
}

/** Whether somebody is known for a time only. */
function runsOut({ expires_at, web }: Caller): boolean {
  return expires_at !== undefined || web !== undefined;
}
