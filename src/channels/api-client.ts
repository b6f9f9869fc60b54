// SPDX-License-Identifier: Apache-2.0
// Requests to a platform's HTTP interface: bounded in time and size, nowhere but where they are sent, and no socket left behind.
//
// Not `fetch`: the sockets of its one pool outlive whoever used them, and loading it costs a thread 27 ms and 17 MB.

import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { failure, SigilError } from '../errors.ts';

const http = process.getBuiltinModule('node:http');
const https = process.getBuiltinModule('node:https');

/** Connections to one platform. */
const SOCKETS = 32;
/** How long one nobody uses is kept, in milliseconds. */
const IDLE = 30_000;
/** How long a platform may be silent, in milliseconds, where nothing else is said. */
const SILENCE = 30_000;
/** As often as long, an answer may take altogether. */
const PATIENCE = 3;
/** The most an answer may have, in bytes, where nothing else is said. */
const MOST = 1024 * 1024;
/** The most a refusal may have, in bytes: why something small was refused may be longer than it. */
const REASON = 64 * 1024;
/** Between what a platform may ask to wait for, in milliseconds. */
const WAIT = { least: 1_000, most: 3_600_000 };

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal: AbortSignal;
  /** Milliseconds of silence after which it is given up; 30 s. */
  readonly silence?: number;
  /** The most the answer may have, in bytes; a mebibyte. */
  readonly most?: number;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The connections of one adapter. */
export class ApiClient {
  readonly #platform: string;
  readonly #agents = new Map<string, Agent>();
  #closed = false;

  /** @param platform its name as people know it, for errors */
  constructor(platform: string) {
    this.#platform = platform;
  }

  /**
   * Sends a request and reads the answer. A redirect is an answer like any other: a key goes nowhere else.
   *
   * @throws SigilError `channel_network`, or `payload_too_large` for a longer answer
   */
  request(request: ApiRequest): Promise<ApiResponse> {
    const { url, signal, silence = SILENCE, most = MOST } = request;
    if (this.#closed || signal.aborted) return Promise.reject(this.gone('it was stopped'));
    const { promise, resolve, reject } = Promise.withResolvers<ApiResponse>();
    const body = typeof request.body === 'string' ? Buffer.from(request.body) : request.body;
    const sent = (url.protocol === 'https:' ? https : http).request(url, {
      method: request.method,
      agent: this.#agent(url.protocol),
      headers: {
        'User-Agent': 'Sigil',
        ...request.headers,
        ...(body === undefined ? {} : { 'Content-Length': String(body.length) }),
      },
      timeout: silence,
    });
    const aborted = () => void sent.destroy(this.gone('it was stopped'));
    const late = setTimeout(() => void sent.destroy(this.gone('it took too long to answer')), silence * PATIENCE);
    signal.addEventListener('abort', aborted, { once: true });
    sent.on('timeout', () => void sent.destroy(this.gone(`it said nothing for ${silence / 1_000} s`)));
    sent.on('response', (response) =>
      this.#read(response, sent, (response.statusCode ?? 0) < 300 ? most : REASON).then(resolve, reject),
    );
    // Of another's error only what kind it is goes on: what it says may have the address in it, and that a key.
    sent.on('error', (thrown) => reject(thrown instanceof SigilError ? thrown : this.gone(kindOf(thrown))));
    sent.end(body);
    return promise.finally(() => {
      clearTimeout(late);
      signal.removeEventListener('abort', aborted);
    });
  }

  /** Ends whatever is open, and takes nothing more. */
  close(): void {
    this.#closed = true;
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  /** What is thrown where nobody was reached. */
  gone(why: string): SigilError {
    return new SigilError(failure('channel_network', `the connection to ${this.#platform} is not there: ${why}`));
  }

  #agent(protocol: string): Agent {
    const known = this.#agents.get(protocol);
    if (known !== undefined) return known;
    const made = new (protocol === 'https:' ? https : http).Agent({
      keepAlive: true,
      maxSockets: SOCKETS,
      timeout: IDLE,
    });
    this.#agents.set(protocol, made);
    return made;
  }

  async #read(response: IncomingMessage, sent: ClientRequest, most: number): Promise<ApiResponse> {
    const tooMuch = () =>
      new SigilError(failure('payload_too_large', `what ${this.#platform} answers has more than ${most} bytes`));
    try {
      if (Number(response.headers['content-length'] ?? 0) > most) throw tooMuch();
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of response) {
        length += (chunk as Buffer).length;
        if (length > most) throw tooMuch();
        chunks.push(chunk as Buffer);
      }
      return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
    } catch (thrown) {
      sent.destroy();
      throw thrown instanceof SigilError ? thrown : this.gone(kindOf(thrown));
    }
  }
}

function kindOf(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' ? code : 'it broke off';
}

/** An answer as JSON; undefined where it is none. */
export function jsonOf({ body }: ApiResponse): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/**
 * What `Retry-After` says, in milliseconds: seconds, or a date.
 *
 * @param otherwise where it says nothing
 */
export function retryAfter({ headers }: Pick<ApiResponse, 'headers'>, now: number, otherwise: number): number {
  const said = headers['retry-after'] ?? '';
  const ms = /^\d+(?:\.\d+)?$/.test(said) ? Number(said) * 1_000 : Date.parse(said) - now;
  return bounded(Number.isFinite(ms) ? ms : otherwise);
}

/** A wait a platform asks for, within what is sensible, in milliseconds. */
export function bounded(ms: number): number {
  return Math.min(WAIT.most, Math.max(WAIT.least, Math.ceil(ms)));
}

/** A URL to send to: the root's scheme, host and path, and below it what is given, each part encoded. @throws SigilError */
export function below(root: string, parts: readonly string[], query: Readonly<Record<string, string>> = {}): URL {
  const url = new URL(root);
  url.pathname = [url.pathname.replace(/\/+$/, ''), ...parts.map(encodePart)].join('/');
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

/** Dots alone would be a way up, however they are encoded. */
function encodePart(part: string): string {
  if (!/^\.{0,2}$/.test(part) && part.isWellFormed()) return encodeURIComponent(part);
  throw new SigilError(failure('not_found', `${JSON.stringify(part.slice(0, 80))} is no name of anything`));
}
