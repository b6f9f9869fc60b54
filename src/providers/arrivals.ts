// SPDX-License-Identifier: Apache-2.0
// What comes of an answer, read straight from its connection: all there is at once, since a chunk is often one small event.

import type { IncomingMessage } from 'node:http';

/** Bytes that may wait to be read; past them nothing more is taken from the connection until they are. */
const WAITING_MOST = 64 * 1024;

/** The chunks that came since the last time, never none. Left in the middle, it closes the connection. */
export type Arrivals = AsyncIterable<readonly Uint8Array[]>;

type Result = IteratorResult<readonly Uint8Array[], undefined>;

interface Reader {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

const OVER: Result = { done: true, value: undefined };

/** The chunks of one answer, to be read once and by one. */
class AnswerReader implements AsyncIterator<readonly Uint8Array[], undefined> {
  readonly #answer: IncomingMessage;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #reader: Reader | undefined;
  /** How it ended, once it has: null as it should. */
  #ended: Error | null | undefined;
  #scheduled = false;

  constructor(answer: IncomingMessage) {
    this.#answer = answer;
    answer.on('data', (chunk: Buffer) => this.#took(chunk));
    answer.once('end', () => this.#end(null));
    answer.on('error', (error) => this.#end(error));
    answer.once('close', () => this.#end(new Error('the connection was closed')));
    // Whoever only looks on has stopped it, so that nothing is missed until there is a reader.
    answer.resume();
  }

  next(): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#give();
    });
  }

  return(): Promise<Result> {
    this.#end(null);
    this.#answer.destroy();
    return Promise.resolve(OVER);
  }

  #took(chunk: Buffer): void {
    if (this.#ended !== undefined) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > WAITING_MOST) this.#answer.pause();
    if (this.#reader === undefined || this.#scheduled) return;
    // What one packet brings comes as several calls of this, one a chunk, before any tick.
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.#give();
    });
  }

  #end(how: Error | null): void {
    if (this.#ended !== undefined) return;
    this.#ended = how;
    this.#give();
  }

  #give(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    if (this.#chunks.length > 0) {
      const value = this.#chunks;
      this.#chunks = [];
      if (this.#bytes > WAITING_MOST) this.#answer.resume();
      this.#bytes = 0;
      this.#reader = undefined;
      reader.resolve({ done: false, value });
    } else if (this.#ended !== undefined) {
      this.#reader = undefined;
      if (this.#ended === null) reader.resolve(OVER);
      else reader.reject(this.#ended);
    }
  }
}

const readers = new WeakMap<Response, AnswerReader>();

/** Takes what comes of an answer from now on, under the response that is made of its head. */
export function keepArrivals(response: Response, answer: IncomingMessage): Response {
  readers.set(response, new AnswerReader(answer));
  return response;
}

/** What comes of an answer, for one reader; undefined where it has a body like any other response. */
export function arrivalsOf(response: Response): Arrivals | undefined {
  const reader = readers.get(response);
  return reader === undefined ? undefined : { [Symbol.asyncIterator]: () => reader };
}
