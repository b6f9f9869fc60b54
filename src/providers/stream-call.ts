// SPDX-License-Identifier: Apache-2.0
// Runs one call of any vendor: waits as long as it may, translates what comes, and ends it with exactly one last event.

import type { Failure } from '../errors.ts';
import type { World } from '../world.ts';
import { type Asked, excerpt, failureWithin, providerFailure, reasonOf } from './failures.ts';
import type { ChatEvent, ProviderTimeouts } from './provider.ts';

/** How long a stream may take to close after its last event before its connection is given up, in milliseconds. */
const CLOSE_MS = 1_000;

/** Makes our events of a vendor's, one call each. */
export interface ReplyReader<VendorEvent> {
  /**
   * What one event of the vendor's comes to; nothing after a `done` or `error` is read.
   *
   * @throws anything for an event that cannot be understood
   */
  read(event: VendorEvent): readonly ChatEvent[];
  /** What is still owed when the stream closes without a last event; without a `done` or `error` in it, it broke off. */
  close(): readonly ChatEvent[];
}

export interface VendorCall<VendorEvent> {
  readonly asked: Asked;
  readonly timeouts: Pick<ProviderTimeouts, 'first_event' | 'gap'>;
  readonly after: World['after'];
  readonly monotonic: World['monotonic'];
  /**
   * Sends the request. Resolves once the head of a good answer is there, with what follows in arrays as it comes in; an
   * empty array is a sign of life. Aborting the signal closes the connection and makes both reject.
   */
  readonly open: (signal: AbortSignal) => Promise<AsyncIterable<readonly VendorEvent[]>>;
  readonly reader: ReplyReader<VendorEvent>;
  /** What a rejection of `open` is, where the failure is not inside it: the vendor's library has errors of its own. */
  readonly failureOf: (thrown: unknown) => Failure | undefined;
}

const isEnd = ({ type }: ChatEvent): boolean => type === 'done' || type === 'error';

/** An array up to and with its first `done` or `error`. */
function untilEnd(events: readonly ChatEvent[]): readonly ChatEvent[] {
  const end = events.findIndex(isEnd);
  return end < 0 || end === events.length - 1 ? events : events.slice(0, end + 1);
}

/** The stream of {@link Provider.chat}, made of a vendor's. */
export function streamCall<VendorEvent>(
  call: VendorCall<VendorEvent>,
  signal: AbortSignal,
): AsyncIterable<readonly ChatEvent[]> {
  return { [Symbol.asyncIterator]: () => new CallStream(call, signal) };
}

type Result = IteratorResult<readonly ChatEvent[], undefined>;

const OVER: Result = { done: true, value: undefined };

/**
 * Not an async generator: of the promises one makes, each token of each answer would pay for four more. Asked for one batch
 * after the other, as `for await` does.
 */
class CallStream<VendorEvent> implements AsyncIterator<readonly ChatEvent[], undefined> {
  readonly #call: VendorCall<VendorEvent>;
  readonly #signal: AbortSignal;
  readonly #control = new AbortController();
  readonly #abort = (): void => this.#control.abort(this.#signal.reason);
  readonly #silence: Silence;
  #batches: AsyncIterator<readonly VendorEvent[]> | undefined;
  #late: Failure | undefined;
  /** Whether it has said its last. */
  #ended = false;
  /** Whether all is let go of. */
  #over = false;

  constructor(call: VendorCall<VendorEvent>, signal: AbortSignal) {
    this.#call = call;
    this.#signal = signal;
    this.#silence = new Silence(call, (message) => {
      this.#late = providerFailure('provider_timeout', call.asked, message);
      this.#control.abort();
    });
  }

  async next(): Promise<Result> {
    if (this.#over) return OVER;
    if (this.#ended || this.#signal.aborted) return this.#close();
    try {
      this.#batches ??= await this.#open();
      for (;;) {
        this.#silence.begin();
        const next = await this.#batches.next();
        this.#silence.end();
        const events = this.#read(next);
        if (events.length > 0) return { done: false, value: events };
      }
    } catch (thrown) {
      if (this.#signal.aborted) return this.#close();
      return { done: false, value: [{ type: 'error', error: this.#broken(thrown) }] };
    }
  }

  /** Whoever stops reading wants nothing more of it. */
  return(): Promise<Result> {
    return Promise.resolve(this.#close());
  }

  async #open(): Promise<AsyncIterator<readonly VendorEvent[]>> {
    this.#signal.addEventListener('abort', this.#abort, { once: true });
    this.#silence.first();
    const batches = await this.#call.open(this.#control.signal);
    return batches[Symbol.asyncIterator]();
  }

  #read(next: IteratorResult<readonly VendorEvent[], unknown>): readonly ChatEvent[] {
    const { reader, asked, after } = this.#call;
    const events = untilEnd(next.done === true ? atClose(reader, asked) : readAll(reader, next.value, asked));
    const last = events.at(-1);
    this.#ended = last !== undefined && isEnd(last);
    // Read to its end, a connection can be used again.
    if (this.#ended && next.done !== true && this.#batches !== undefined)
      closeSoon(this.#batches, after, this.#control);
    return events;
  }

  #broken(thrown: unknown): Failure {
    const { asked, failureOf } = this.#call;
    const began = this.#batches !== undefined;
    this.#ended = true;
    const error = this.#late ?? failureWithin(thrown) ?? (began ? undefined : failureOf(thrown));
    this.#control.abort();
    return forModel(asked, error ?? cutOff(asked, began, thrown));
  }

  #close(): Result {
    if (this.#over) return OVER;
    this.#over = true;
    this.#silence.stop();
    this.#signal.removeEventListener('abort', this.#abort);
    if (!this.#ended) this.#control.abort();
    return OVER;
  }
}

/**
 * How long nothing has come while something was waited for. The first event has what is left of its time; later ones have
 * all of theirs each. One timer for all of them, which looks when it goes off what came meanwhile.
 */
class Silence {
  readonly #call: Pick<VendorCall<unknown>, 'asked' | 'timeouts' | 'after' | 'monotonic'>;
  readonly #late: (message: string) => void;
  #stop: () => void = () => undefined;
  #phase: 'first' | 'gap' = 'first';
  #armed = false;
  /** When waiting began; undefined while nothing is waited for. */
  #since: number | undefined;

  /** @param late told once, with a sentence */
  constructor(
    call: Pick<VendorCall<unknown>, 'asked' | 'timeouts' | 'after' | 'monotonic'>,
    late: (message: string) => void,
  ) {
    this.#call = call;
    this.#late = late;
  }

  first(): void {
    const { first_event } = this.#call.timeouts;
    this.#arm(first_event, () => this.#tell(first_event, 'after it was asked'));
  }

  begin(): void {
    if (this.#phase === 'first') return;
    this.#since = this.#call.monotonic();
    if (!this.#armed) this.#arm(this.#call.timeouts.gap, () => this.#look());
  }

  end(): void {
    this.#since = undefined;
    if (this.#phase === 'gap') return;
    this.stop();
    this.#phase = 'gap';
  }

  stop(): void {
    this.#stop();
    this.#armed = false;
  }

  #look(): void {
    const { monotonic, timeouts } = this.#call;
    const { gap } = timeouts;
    // Nothing was waited for: whoever reads takes its time.
    const left = this.#since === undefined ? gap : gap - (monotonic() - this.#since);
    if (left <= 0) this.#tell(gap, 'in the middle of its answer');
    else this.#arm(left, () => this.#look());
  }

  #tell(ms: number, what: string): void {
    this.#late(`${this.#call.asked.provider} sent nothing for ${ms / 1000} s ${what}.`);
  }

  #arm(ms: number, run: () => void): void {
    this.#armed = true;
    this.#stop = this.#call.after(ms, () => {
      this.#armed = false;
      run();
    });
  }
}

/** A connection's failure does not know for which model it was. */
function forModel({ model }: Asked, error: Failure): Failure {
  const { details } = error;
  if (model === undefined || details === undefined || 'model' in details) return error;
  return { ...error, details: { ...details, model } };
}

function cutOff(asked: Asked, began: boolean, thrown: unknown): Failure {
  const why = reasonOf(thrown);
  return began
    ? providerFailure('provider_ended_early', asked, `${asked.provider} broke off its answer (${why}).`)
    : providerFailure('provider_network', asked, `${asked.provider} could not be reached (${why}).`);
}

/** What a batch comes to; events before one that cannot be understood are not lost with it. */
function readAll<VendorEvent>(
  reader: ReplyReader<VendorEvent>,
  batch: readonly VendorEvent[],
  asked: Asked,
): readonly ChatEvent[] {
  const events: ChatEvent[] = [];
  try {
    for (const event of batch) {
      const made = reader.read(event);
      events.push(...made);
      if (made.some(isEnd)) break;
    }
  } catch (thrown) {
    events.push({ type: 'error', error: failureWithin(thrown) ?? misunderstood(asked, thrown) });
  }
  return events;
}

function atClose<VendorEvent>(reader: ReplyReader<VendorEvent>, asked: Asked): readonly ChatEvent[] {
  const events = reader.close();
  if (events.some(isEnd)) return events;
  const message = `${asked.provider} ended its answer in the middle.`;
  return [...events, { type: 'error', error: providerFailure('provider_ended_early', asked, message) }];
}

function misunderstood(asked: Asked, thrown: unknown): Failure {
  const why = excerpt(thrown instanceof Error ? thrown.message : String(thrown));
  return providerFailure('provider_error', asked, `${asked.provider} sent what cannot be understood (${why}).`);
}

function closeSoon(iterator: AsyncIterator<unknown>, after: World['after'], control: AbortController): void {
  const giveUp = after(CLOSE_MS, () => control.abort());
  const drain = async (): Promise<void> => {
    for (;;) if ((await iterator.next()).done === true) return;
  };
  drain().then(giveUp, () => {
    giveUp();
    control.abort();
  });
}
