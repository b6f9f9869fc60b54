// SPDX-License-Identifier: Apache-2.0
// What comes of an answer, read straight from its connection: all there is at once, since a chunk is often one small event.

import type { IncomingMessage } from 'node:http';

/** Bytes that may wait to be read; past them nothing more is taken from the connection until they are. */
const WAITING_MOST = 64 * 1024;

/** What comes of an answer, for one reader. */
export interface Arrivals {
  /**
   * What `take` makes of the chunks that came since the last time, never none. Left in the middle, or when it throws, the
   * connection is closed.
   *
   * @param take undefined where the chunks alone make nothing yet: more of them are waited for
   */
  read<T>(take: Take<T>): AsyncIterator<T, undefined>;
}

type Take<T> = (chunks: readonly Uint8Array[]) => T | undefined;

interface Waiting<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const OVER = { done: true, value: undefined } as const;

/** Takes what comes of one answer, whether there is a reader yet or not. */
class Answer implements Arrivals {
  /** Called when there are chunks, or the end. */
  more: () => void = () => undefined;
  /** How it ended, once it has: null as it should. */
  ended: Error | null | undefined;
  readonly #answer: IncomingMessage;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #scheduled = false;

  constructor(answer: IncomingMessage) {
    this.#answer = answer;
    answer.on('data', (chunk: Buffer) => this.#took(chunk));
    answer.once('end', () => this.end(null));
    answer.on('error', (error) => this.end(error));
    answer.once('close', () => this.end(new Error('the connection was closed')));
    // Whoever only looks on has stopped it, so that nothing is missed until there is a reader.
    answer.resume();
  }

  read<T>(take: Take<T>): AsyncIterator<T, undefined> {
    return new AnswerReader(this, take);
  }

  /** The chunks there are; undefined when there are none. */
  chunks(): readonly Uint8Array[] | undefined {
    const chunks = this.#chunks;
    if (chunks.length === 0) return undefined;
    this.#chunks = [];
    if (this.#bytes > WAITING_MOST) this.#answer.resume();
    this.#bytes = 0;
    return chunks;
  }

  /** Nobody wants more of it. */
  leave(): void {
    this.end(null);
    this.#answer.destroy();
  }

  end(how: Error | null): void {
    if (this.ended !== undefined) return;
    this.ended = how;
    this.more();
  }

  #took(chunk: Buffer): void {
    if (this.ended !== undefined) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > WAITING_MOST) this.#answer.pause();
    if (this.#scheduled) return;
    this.#scheduled = true;
    tellSoon(this);
  }

  tell(): void {
    this.#scheduled = false;
    this.more();
  }
}

/** Answers with something to tell. */
let telling: Answer[] = [];

/**
 * Tells of what has come once the loop has looked at all sockets: what one packet brings comes as several chunks, and what
 * many connections bring goes through the same code one after the other, which is faster than through all of it for each.
 */
function tellSoon(answer: Answer): void {
  if (telling.push(answer) === 1) setImmediate(tellAll);
}

function tellAll(): void {
  const all = telling;
  telling = [];
  for (const answer of all) answer.tell();
}

/** Read without a promise for every layer: what was taken goes to whoever waits as it is. */
class AnswerReader<T> implements AsyncIterator<T, undefined> {
  readonly #answer: Answer;
  readonly #take: Take<T>;
  #waiting: Waiting<T> | undefined;

  constructor(answer: Answer, take: Take<T>) {
    this.#answer = answer;
    this.#take = take;
    answer.more = () => this.#give();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#give();
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#answer.leave();
    return Promise.resolve(OVER);
  }

  #give(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const answer = this.#answer;
    const chunks = answer.chunks();
    if (chunks !== undefined) {
      try {
        const value = this.#take(chunks);
        if (value !== undefined) {
          this.#waiting = undefined;
          return waiting.resolve({ done: false, value });
        }
      } catch (thrown) {
        this.#waiting = undefined;
        answer.leave();
        return waiting.reject(thrown);
      }
    }
    if (answer.ended === undefined) return;
    this.#waiting = undefined;
    if (answer.ended === null) waiting.resolve(OVER);
    else waiting.reject(answer.ended);
  }
}

const answers = new WeakMap<Response, Answer>();

/** Takes what comes of an answer from now on, under the response that is made of its head. */
export function keepArrivals(response: Response, answer: IncomingMessage): Response {
  answers.set(response, new Answer(answer));
  return response;
}

/** What comes of an answer, for one reader; undefined where it has a body like any other response. */
export function arrivalsOf(response: Response): Arrivals | undefined {
  return answers.get(response);
}
