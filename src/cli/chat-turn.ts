// SPDX-License-Identifier: Apache-2.0
// One message and its turn: sent until it is answered, under one message id, whatever breaks on the way.

import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS } from '../errors.ts';
import type { ChatLink } from './chat-link.ts';
import { CliError, interrupted, isErrorCode } from './cli-error.ts';
import { isConnectionError } from './client.ts';
import { serverEvents } from './event-stream.ts';
import { type JsonObject, object, parsed, text } from './json-reading.ts';

/** A message as `POST /api/v1/chat` takes it. */
export interface ChatMessage {
  readonly content: string;
  /** Made here and kept over every repetition, so that none makes a second turn. */
  readonly message_id: string;
  readonly workspace_id?: string;
  readonly session_id?: string;
  readonly model?: string;
}

/** An event of a turn, its data read as an object. */
export interface TurnStreamEvent {
  readonly event: string;
  readonly data: JsonObject;
}

/** Told why there is a pause before the next try. */
export type OnWait = (reason: string) => void;

/** Without any progress for this long, what is wrong is told. */
const PATIENCE_MS = 45_000;
/** A gateway that refuses (503, 429) is asked this often; one that goes away is waited for with patience alone. */
const MOST_REFUSALS = 6;
const LONGEST_BACKOFF_MS = 2_000;
/** A shorter pause is over before it is read about. */
const WORTH_TELLING_MS = 500;

/** Refusals that the same request may not meet again. */
const PASSING = new Set(['rate_limited', 'overloaded', 'draining', 'thread_lost', 'view_behind', 'slow_consumer']);

/** Decides after each failure whether and when to try again. */
class Persistence {
  readonly #link: ChatLink;
  readonly #signal: AbortSignal;
  readonly #onWait: OnWait;
  #deadline = Date.now() + PATIENCE_MS;
  #tries = 0;
  #refusals = 0;
  #told = false;
  /** Whether anything was ever heard of this turn. */
  #heard = false;

  constructor(link: ChatLink, signal: AbortSignal, onWait: OnWait) {
    this.#link = link;
    this.#signal = signal;
    this.#onWait = onWait;
  }

  progress(): void {
    this.#heard = true;
    this.#deadline = Date.now() + PATIENCE_MS;
    this.#tries = 0;
    this.#refusals = 0;
    this.#told = false;
  }

  /** Waits before the next try, or throws what cannot be helped. */
  async after(thrown: unknown): Promise<void> {
    if (this.#signal.aborted) throw interrupted();
    if (!(thrown instanceof CliError)) throw thrown;
    const gone = isConnectionError(thrown);
    if (!gone && !PASSING.has(thrown.code)) throw thrown;
    if (!gone && thrown.code !== 'draining' && ++this.#refusals > MOST_REFUSALS) throw thrown;
    // A named gateway that was never there is a wrong name more often than a gateway that is about to start.
    if (gone && !this.#heard && !this.#link.replaceable && thrown.code === 'unreachable') throw thrown;
    if (gone) this.#link.lost();
    const wait = thrown.retryAfterMs ?? Math.min(LONGEST_BACKOFF_MS, 50 * 2 ** this.#tries);
    this.#tries += 1;
    // A gateway that drains is gone sooner than it says, and what comes after it can answer at once.
    const pause = thrown.code === 'draining' ? Math.min(wait, WORTH_TELLING_MS) : wait;
    if (Date.now() + pause > this.#deadline) throw thrown;
    if (pause >= WORTH_TELLING_MS && !this.#told) {
      this.#told = true;
      this.#onWait(thrown.message);
    }
    await sleep(pause, undefined, { signal: this.#signal }).catch(() => undefined);
    if (this.#signal.aborted) throw interrupted();
  }
}

/** What is known of the turn on the way: where its stream goes on after a break. */
interface Progress {
  turnId: string;
  last: number;
}

/** Splits `<turn_id>:<n>`. */
function numbered(id: string): { turnId: string; n: number } | undefined {
  const colon = id.lastIndexOf(':');
  const n = Number(id.slice(colon + 1));
  return colon > 0 && Number.isSafeInteger(n) ? { turnId: id.slice(0, colon), n } : undefined;
}

async function openStream(link: ChatLink, message: ChatMessage, { turnId, last }: Progress, signal: AbortSignal) {
  const client = await link.client();
  const headers = { accept: 'text/event-stream' };
  if (turnId !== '') {
    const path = `/api/v1/turns/${encodeURIComponent(turnId)}/stream`;
    // A gateway that does not know the turn (yet) finds or makes it by its message.
    try {
      return await client.open('GET', path, { headers: { ...headers, 'last-event-id': `${turnId}:${last}` }, signal });
    } catch (error) {
      if (!(error instanceof CliError && error.code === 'not_found')) throw error;
    }
  }
  return await client.open('POST', '/api/v1/chat/stream', { body: message, headers, signal });
}

function streamError(data: JsonObject): CliError {
  const code = text(data['code']);
  const known = isErrorCode(code) ? code : 'internal';
  return new CliError(known, text(data['message']) || 'The turn failed.', ERRORS[known].advice);
}

/**
 * Sends a message and gives the events of its turn, each once, until `done`. A broken stream goes on where it broke; a
 * gateway that went away is replaced and the message repeated.
 *
 * @throws CliError when the turn failed, the message was refused, or patience ran out
 */
export async function* turnEvents(
  link: ChatLink,
  message: ChatMessage,
  signal: AbortSignal,
  onWait: OnWait,
): AsyncGenerator<TurnStreamEvent> {
  const persistence = new Persistence(link, signal, onWait);
  const progress: Progress = { turnId: '', last: 0 };
  for (;;) {
    let failed: CliError | undefined;
    try {
      for await (const { event, id, data } of serverEvents(await openStream(link, message, progress, signal), signal)) {
        const place = numbered(id);
        if (place !== undefined) {
          // A repeated message tells its turn from the beginning: what was seen is not shown again.
          if (place.turnId === progress.turnId && place.n <= progress.last) continue;
          progress.turnId = place.turnId;
          progress.last = place.n;
          persistence.progress();
        }
        const fields = object(parsed(data));
        if (event === 'error') {
          // One with a number is the turn's end; one without only the stream's.
          if (place === undefined) throw streamError(fields);
          failed = streamError(fields);
          break;
        }
        yield { event, data: fields };
        if (event === 'done') return;
      }
      if (failed === undefined)
        throw new CliError('connection_lost', 'The gateway ended the stream before the turn was over.', 'Try again.');
    } catch (thrown) {
      await persistence.after(thrown);
    }
    if (failed !== undefined) throw failed;
  }
}

/** Sends a message and gives the whole answer: the document of `POST /api/v1/chat`. */
export async function wholeAnswer(
  link: ChatLink,
  message: ChatMessage,
  signal: AbortSignal,
  onWait: OnWait,
): Promise<JsonObject> {
  const persistence = new Persistence(link, signal, onWait);
  for (;;) {
    try {
      return object(await (await link.client()).post('/api/v1/chat', message, { signal }));
    } catch (thrown) {
      await persistence.after(thrown);
    }
  }
}

/** Asks for a turn to be stopped; that it is over, or its gateway gone, is as good. */
export async function cancelTurn(link: ChatLink, turnId: string): Promise<void> {
  try {
    const client = await link.client();
    await client.post(`/api/v1/turns/${encodeURIComponent(turnId)}/cancel`, {}, { timeoutMs: 5_000 });
  } catch (error) {
    if (!isConnectionError(error) && !(error instanceof CliError && ['conflict', 'not_found'].includes(error.code))) {
      throw error;
    }
  }
}
