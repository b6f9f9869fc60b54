// SPDX-License-Identifier: Apache-2.0
// HTTP to a running gateway, over its unix socket or TCP: JSON in and out, problem details as errors with advice.

import type { IncomingMessage, RequestOptions } from 'node:http';
import type { Readable } from 'node:stream';
import { ERRORS } from '../errors.ts';
import { CliError, interrupted, isErrorCode } from './cli-error.ts';
import { object, objects, parsed, text } from './json-reading.ts';

/** Where a gateway listens. */
export type Target = { readonly kind: 'socket'; readonly path: string } | { readonly kind: 'url'; readonly url: URL };

/** How a client reaches its gateway. */
export interface Route {
  readonly target: Target;
  /** Asked at every request: the first start of a gateway makes the token. */
  token(): string | undefined;
}

/** What a request may carry. */
export interface RequestExtras {
  readonly body?: unknown;
  /** A body that is sent as it comes, instead; its type stands in the headers. */
  readonly stream?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** How long the gateway may take to begin its answer; without end when absent. */
  readonly timeoutMs?: number;
}

const READ_TIMEOUT_MS = 15_000;
/** A change waits for a slow disk. */
const CHANGE_TIMEOUT_MS = 60_000;
/** Methods that are sent. */
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
/** Larger than any answer a command reads; a gateway gone wild does not take this process with it. */
const MOST_BYTES = 64 * 1024 * 1024;

/** The target in words. */
export function targetText(target: Target): string {
  return target.kind === 'socket' ? target.path : target.url.origin;
}

/** Whether nothing came through at all, so that another gateway may be tried with the same request. */
export function isConnectionError(error: unknown): boolean {
  return error instanceof CliError && ['not_running', 'unreachable', 'connection_lost'].includes(error.code);
}

function connectionError(error: Error, target: Target): CliError {
  if (error.name === 'AbortError') return interrupted();
  const code = 'code' in error ? String(error.code) : '';
  if (target.kind === 'socket' && (code === 'ENOENT' || code === 'ECONNREFUSED')) {
    return new CliError(
      'not_running',
      `No gateway is running here (nothing listens on ${target.path}).`,
      'Start one with `sigil start`, or name a running one with --url.',
      { cause: error },
    );
  }
  if (['ECONNRESET', 'EPIPE', 'ECONNABORTED'].includes(code)) {
    return new CliError(
      'connection_lost',
      `The gateway at ${targetText(target)} closed the connection.`,
      'Look with `sigil status` whether it still runs, and try again.',
      { cause: error },
    );
  }
  return new CliError(
    'unreachable',
    `The gateway at ${targetText(target)} cannot be reached (${code === '' ? error.message : code}).`,
    'Check the address, and that the gateway runs there: `sigil start` starts one here.',
    { cause: error },
  );
}

function adviceFor(code: string, status: number): string {
  // The registry speaks to programs that send headers; this is for who types commands.
  if (code === 'unauthenticated') {
    return "Set $SIGIL_TOKEN, or name the gateway's data directory with --data-dir: its owner.token is used.";
  }
  if (isErrorCode(code)) return ERRORS[code].advice;
  return status === 404
    ? 'The gateway may be older than this program: compare `sigil version` with `sigil status`.'
    : 'Try again; `sigil status` shows how the gateway is.';
}

function waitAsked(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** A problem document, or whatever else a refusal carried, as an error. */
function problemError(status: number, body: string, retryAfter: string | undefined): CliError {
  const problem = object(parsed(body));
  const code = text(problem['code']);
  const said = text(problem['detail']) || text(problem['title']) || `The gateway answered with HTTP status ${status}`;
  return new CliError(
    isErrorCode(code) ? code : 'internal',
    /[.!?]$/.test(said) ? said : `${said}.`,
    adviceFor(code, status),
    {
      retryAfterMs: waitAsked(retryAfter),
      lines: objects(problem['errors']).map((error) => `${text(error['path'])}: ${text(error['message'])}`),
      fields: { status, ...(problem['errors'] === undefined ? {} : { errors: problem['errors'] }) },
    },
  );
}

async function bodyOf(response: IncomingMessage, target: Target): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response) {
      const bytes = chunk as Buffer;
      size += bytes.length;
      if (size > MOST_BYTES)
        throw new CliError('internal', 'The gateway answers without end.', 'Ask for less at once.');
      chunks.push(bytes);
    }
  } catch (error) {
    if (error instanceof CliError || !(error instanceof Error)) throw error;
    throw connectionError(error, target);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A client of one gateway. */
export class GatewayClient {
  readonly #route: Route;

  constructor(route: Route) {
    this.#route = route;
  }

  get target(): Target {
    return this.#route.target;
  }

  async get(path: string, extras: RequestExtras = {}): Promise<unknown> {
    return await this.#json('GET', path, { timeoutMs: READ_TIMEOUT_MS, ...extras });
  }

  async post(path: string, body: unknown, extras: RequestExtras = {}): Promise<unknown> {
    return await this.#json('POST', path, { ...extras, body });
  }

  async put(path: string, body: unknown): Promise<unknown> {
    return await this.#json('PUT', path, { timeoutMs: CHANGE_TIMEOUT_MS, body });
  }

  async patch(path: string, body: unknown): Promise<unknown> {
    return await this.#json('PATCH', path, { timeoutMs: CHANGE_TIMEOUT_MS, body });
  }

  async delete(path: string): Promise<unknown> {
    return await this.#json('DELETE', path, { timeoutMs: CHANGE_TIMEOUT_MS });
  }

  /** Begins a request and gives its answer unread; an error status is thrown. */
  async open(method: Method, path: string, extras: RequestExtras = {}): Promise<IncomingMessage> {
    const response = await this.#send(method, path, extras);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw problemError(status, await bodyOf(response, this.target), response.headers['retry-after']);
  }

  async #json(method: Method, path: string, extras: RequestExtras): Promise<unknown> {
    const response = await this.open(method, path, {
      ...extras,
      headers: { accept: 'application/json', ...extras.headers },
    });
    const body = await bodyOf(response, this.target);
    if (body === '') return null;
    const value = parsed(body);
    if (value !== undefined) return value;
    throw new CliError(
      'internal',
      `What answers at ${targetText(this.target)} is no Sigil gateway (its answer is not JSON).`,
      'Check the address given with --url.',
    );
  }

  async #send(method: string, path: string, extras: RequestExtras): Promise<IncomingMessage> {
    const { target } = this.#route;
    const token = this.#route.token();
    const body = extras.body === undefined ? undefined : JSON.stringify(extras.body);
    // By `import` the module would load everything it re-exports, which costs more than the whole request.
    const { request } = process.getBuiltinModule(
      target.kind === 'url' && target.url.protocol === 'https:' ? 'node:https' : 'node:http',
    );
    const options: RequestOptions & { readonly servername?: string } = {
      method,
      agent: false,
      ...(target.kind === 'socket'
        ? // Named, for TLS that is not spoken here, the host is not looked at: that alone would be a twentieth of a short command.
          { socketPath: target.path, path, host: 'localhost', servername: '' }
        : {
            host: target.url.hostname.replace(/^\[|\]$/g, ''),
            port: target.url.port === '' ? undefined : Number(target.url.port),
            path: `${target.url.pathname.replace(/\/$/, '')}${path}`,
          }),
      headers: {
        'x-sigil-channel': 'cli',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        ...extras.headers,
      },
      ...(extras.signal === undefined ? {} : { signal: extras.signal }),
    };
    return await new Promise((resolve, reject) => {
      const sent = request(options, resolve);
      if (extras.timeoutMs !== undefined) {
        sent.setTimeout(extras.timeoutMs, () =>
          sent.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })),
        );
      }
      sent.on('error', (error) => reject(connectionError(error, target)));
      if (extras.stream === undefined) sent.end(body);
      else {
        extras.stream.once('error', (error) => {
          reject(error);
          sent.destroy();
        });
        extras.stream.pipe(sent);
      }
    });
  }
}
