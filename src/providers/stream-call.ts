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

const seconds = (ms: number): string => `${ms / 1000} s`;

/** The stream of {@link Provider.chat}, made of a vendor's. */
export async function* streamCall<VendorEvent>(
  call: VendorCall<VendorEvent>,
  signal: AbortSignal,
): AsyncGenerator<readonly ChatEvent[]> {
  if (signal.aborted) return;
  const { asked, timeouts, after, reader } = call;
  const control = new AbortController();
  const abort = (): void => control.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  let late: Failure | undefined;
  const wait = (ms: number, what: string): (() => void) =>
    after(ms, () => {
      const message = `${asked.provider} sent nothing for ${seconds(ms)} ${what}.`;
      late = providerFailure('provider_timeout', asked, message);
      control.abort();
    });
  const broken = (error: Failure): readonly ChatEvent[] => [{ type: 'error', error }];
  let settle = wait(timeouts.first_event, 'after it was asked');
  let began = false;
  let ended = false;
  try {
    const batches = await call.open(control.signal);
    began = true;
    const iterator = batches[Symbol.asyncIterator]();
    let first = true;
    for (;;) {
      // The first event has what is left of its time; later ones have all of theirs each.
      if (!first) settle = wait(timeouts.gap, 'in the middle of its answer');
      const next = await iterator.next();
      settle();
      first = false;
      const events = untilEnd(next.done === true ? atClose(reader, asked) : readAll(reader, next.value, asked));
      const last = events.at(-1);
      ended = last !== undefined && isEnd(last);
      // Read to its end, a connection can be used again.
      if (ended && next.done !== true) closeSoon(iterator, after, control);
      if (events.length > 0) yield events;
      if (ended) return;
    }
  } catch (thrown) {
    if (signal.aborted) return;
    ended = true;
    const error = late ?? failureWithin(thrown) ?? (began ? undefined : call.failureOf(thrown));
    control.abort();
    yield broken(forModel(asked, error ?? cutOff(asked, began, thrown)));
  } finally {
    settle();
    signal.removeEventListener('abort', abort);
    // Whoever stopped reading wants nothing more of it.
    if (!ended) control.abort();
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
