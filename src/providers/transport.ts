// SPDX-License-Identifier: Apache-2.0
// HTTP to a vendor, as the `fetch` its library takes: connections of a provider's own, a limit for connecting, typed failures.

import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { SigilError } from '../errors.ts';
import type { World } from '../world.ts';
import { keepArrivals } from './arrivals.ts';
import { excerpt, providerFailure, reasonOf } from './failures.ts';
import type { WireHeader } from './wire-entry.ts';
import type { WireExchange, WireTap } from './wire-tap.ts';

/** Bytes read of an answer that is an error: it is shown in one sentence. */
const ERROR_BODY_MOST = 256 * 1024;
/** An idle connection is used again within this time; servers close theirs after five seconds and more. */
const IDLE_MS = 4_000;
/** Idle connections kept. */
const IDLE_MOST = 64;
/** Answers that are read as they arrive. */
const STREAMED = /^text\/event-stream\b/i;
/** Statuses whose answers have no body. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

export interface Transport {
  /**
   * For a vendor's library. Takes a body that is a text or bytes; follows no redirect, for a key goes where it was meant to.
   * A good answer that is an event stream has no body: it is read with `arrivalsOf`.
   */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** Ends what runs and closes what is idle. */
  close(): void;
}

export interface TransportOptions {
  /** The provider's name, for failures. */
  readonly provider: string;
  /** How long connecting may take, in milliseconds. */
  readonly connect: number;
  readonly after: World['after'];
  /** Who looks at what is sent and comes, if anybody does. */
  readonly tap?: Pick<WireTap, 'exchange'> | undefined;
}

/** The connections of one provider. As many as there are calls: how many those may be is decided elsewhere. */
export function createTransport({ provider, connect, after, tap }: TransportOptions): Transport {
  // Imported, it would load what the whole of fetch is made of.
  const http = process.getBuiltinModule('node:http');
  const https = process.getBuiltinModule('node:https');
  const settings = {
    keepAlive: true,
    maxSockets: Number.POSITIVE_INFINITY,
    maxFreeSockets: IDLE_MOST,
    timeout: IDLE_MS,
  };
  const agents = { 'http:': new http.Agent(settings), 'https:': new https.Agent(settings) } as const;
  let closed = false;

  const send = (url: URL, options: RequestOptions): ClientRequest => {
    if (url.protocol === 'http:') return http.request(url, { ...options, agent: agents['http:'] });
    if (url.protocol === 'https:') return https.request(url, { ...options, agent: agents['https:'] });
    const message = `${provider}: ${url.protocol} is no address of an HTTP server. Correct \`endpoint\`.`;
    throw new SigilError(providerFailure('provider_bad_request', { provider }, message, { about: 'provider' }));
  };

  return {
    fetch: async (input, init = {}) => {
      if (closed) throw new SigilError(providerFailure('provider_unavailable', { provider }, `${provider} is closed.`));
      const url = new URL(input instanceof Request ? input.url : input);
      const signal = init.signal ?? undefined;
      signal?.throwIfAborted();
      const body = bytesOf(init.body);
      const headers = Object.fromEntries(new Headers(init.headers));
      // Compressed, a stream of small events would wait for its next block.
      headers['accept-encoding'] = 'identity';
      if (body !== undefined) headers['content-length'] = String(body.length);
      const request = send(url, { method: init.method ?? 'GET', headers });
      const seen = tap?.exchange(provider);
      if (seen !== undefined) watch(request, url, body, seen, signal);
      return await new Promise<Response>((resolve, reject) => {
        const abort = (): void => void request.destroy(abortReason(signal));
        signal?.addEventListener('abort', abort, { once: true });
        const over = (): void => signal?.removeEventListener('abort', abort);
        limitConnecting(request, connect, after, () => {
          const message = `${provider}: ${url.host} took no connection within ${connect / 1000} s.`;
          return new SigilError(providerFailure('provider_timeout', { provider }, message));
        });
        const fail = (error: Error): void => {
          over();
          reject(signal?.aborted === true ? abortReason(signal) : notReached(provider, url, error));
        };
        request.once('response', (answer) => {
          try {
            resolve(responseOf(answer, over));
          } catch (thrown) {
            // A status or a header that a response cannot have.
            const why = thrown instanceof Error ? thrown.message : String(thrown);
            const message = `${provider}: ${url.host} sent what is no answer of an HTTP server (${excerpt(why)}).`;
            reject(new SigilError(providerFailure('provider_error', { provider }, message), { cause: thrown }));
            request.destroy();
          }
        });
        // Stays for good: a server may reset the connection after its answer, while it is still being sent the request.
        request.on('error', fail);
        // After an answer it says nothing new; without one it may be all that is heard.
        request.once('close', () => fail(new Error('closed without an answer')));
        request.end(body);
      });
    },
    close: () => {
      closed = true;
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

/** Tells of a request and its answer. It only listens along: an answer flows when its reader wants it to. */
function watch(
  request: ClientRequest,
  url: URL,
  body: Buffer | undefined,
  seen: WireExchange,
  signal: AbortSignal | undefined,
): void {
  const given = request.getRawHeaderNames().map((name): WireHeader => [name, String(request.getHeader(name) ?? '')]);
  // Written by node itself when it sends: the connections are kept.
  seen.request(request.method, url, [...given, ['Connection', 'keep-alive']], body);
  /** Asked when it happens: whoever waited lets go of a call that failed. */
  const whyOf = (error: Error): string => (signal?.aborted === true ? 'we ended the call' : reasonOf(error));
  let why = '';
  let answered = false;
  request.once('response', (answer) => {
    answered = true;
    seen.answer(answer.statusCode ?? 0, answer.statusMessage ?? '', pairsOf(answer.rawHeaders));
    // It waits for its reader: whoever listens first would set it flowing.
    answer.pause();
    answer.on('data', (chunk: Buffer) => seen.chunk(chunk));
    answer.once('error', (error) => {
      why = whyOf(error);
    });
    answer.once('close', () => seen.answerEnd(why || (answer.readableEnded ? '' : 'no more of it was read')));
  });
  request.on('error', (error) => {
    why ||= whyOf(error);
  });
  request.once('close', () => {
    if (!answered) seen.noAnswer(why || 'the connection was closed without an answer');
  });
}

function* pairsOf(raw: readonly string[]): Generator<WireHeader> {
  for (let at = 0; at + 1 < raw.length; at += 2) yield [raw[at] ?? '', raw[at + 1] ?? ''];
}

function bytesOf(body: RequestInit['body'] | undefined): Buffer | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof ArrayBuffer) return Buffer.from(body);
  if (ArrayBuffer.isView(body)) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  throw new TypeError('Only texts and bytes can be sent to a provider.');
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new DOMException('This operation was aborted', 'AbortError');
}

/** The failure inside what a socket was destroyed with, or what the system says. */
function notReached(provider: string, url: URL, error: Error): Error {
  if (error instanceof SigilError) return error;
  const message = `${provider}: ${url.host} could not be reached (${reasonOf(error)}).`;
  return new SigilError(providerFailure('provider_network', { provider }, message), { cause: error });
}

function limitConnecting(request: ClientRequest, ms: number, after: World['after'], late: () => Error): void {
  request.once('socket', (socket) => {
    if (!socket.connecting) return;
    const stop = after(ms, () => request.destroy(late()));
    socket.once(request.protocol === 'https:' ? 'secureConnect' : 'connect', stop);
    socket.once('close', stop);
  });
}

function responseOf(answer: IncomingMessage, over: () => void): Response {
  const status = answer.statusCode ?? 0;
  const headers = new Headers();
  for (const [name, value] of pairsOf(answer.rawHeaders)) headers.append(name, value);
  const init = { status, statusText: answer.statusMessage ?? '', headers };
  answer.once('close', over);
  if (BODILESS.has(status)) {
    answer.resume();
    return new Response(null, init);
  }
  if (status < 300 && STREAMED.test(answer.headers['content-type'] ?? ''))
    return keepArrivals(new Response(null, init), answer);
  return new Response(bodyOf(answer, status >= 400 ? ERROR_BODY_MOST : Number.POSITIVE_INFINITY), init);
}

/** An answer's body, read as fast as it is wanted; ends after `most` bytes. */
function bodyOf(answer: IncomingMessage, most: number): ReadableStream<Uint8Array> {
  let left = most;
  let over = false;
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        answer.pause();
        const end = (how: () => void): void => {
          if (over) return;
          over = true;
          how();
        };
        answer.on('data', (chunk: Buffer) => {
          if (over) return;
          controller.enqueue(chunk.subarray(0, left));
          left -= chunk.length;
          if (left <= 0) {
            end(() => controller.close());
            answer.destroy();
          } else if ((controller.desiredSize ?? 0) <= 0) answer.pause();
        });
        answer.once('end', () => end(() => controller.close()));
        answer.on('error', (error) => end(() => controller.error(error)));
        answer.once('close', () => end(() => controller.error(new Error('the connection was closed'))));
      },
      pull: () => void answer.resume(),
      cancel: () => {
        over = true;
        answer.destroy();
      },
    },
    { highWaterMark: 64 * 1024, size: (chunk) => chunk.byteLength },
  );
}
