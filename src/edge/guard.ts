// SPDX-License-Identifier: Apache-2.0
// The guard at the door: is this request meant for us (Host), does a foreign page send it (Origin).

import type { IncomingMessage } from 'node:http';
import { isLoopback, parseListen } from '../config/listen.ts';
import type { Config } from '../config/schema.ts';
import { Refusal } from './problem.ts';

/** Methods that change nothing. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '[::]']);
const HOST = /^(\[[0-9a-f:.%]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/;
/** Values already looked at and found good. Only accepted ones are kept, and names in a Host header are few. */
const MOST_SEEN = 256;

/** Guards against DNS rebinding: a page that resolves its own name to our address still sends its own name. */
export class HostGuard {
  /** Those that are listened on. */
  readonly #own = new Set<string>();
  #names: ReadonlySet<string> = new Set();
  #suffixes: readonly string[] = [];
  readonly #seen = new Set<string>();
  #anyLocal = false;

  constructor(networking: Config['networking']) {
    this.follow(networking);
    const listen = parseListen(networking.listen);
    if (listen !== undefined) this.listensOn(listen.host);
  }

  /** Other names are allowed from now on; what is listened on stays. */
  follow({ allowed_hosts }: Pick<Config['networking'], 'allowed_hosts'>): void {
    const allowed = allowed_hosts.map((name) => name.toLowerCase());
    this.#names = new Set(allowed.filter((name) => !name.startsWith('*.')));
    this.#suffixes = allowed.filter((name) => name.startsWith('*.')).map((name) => name.slice(1));
    this.#seen.clear();
  }

  /** Adds an address that is listened on. */
  listensOn(host: string): void {
    const name = bracketed(host.toLowerCase());
    if (WILDCARDS.has(name)) this.#anyLocal = true;
    else this.#own.add(name);
  }

  /** @throws Refusal `misdirected_request` */
  check(request: IncomingMessage): void {
    const { host } = request.headers;
    if (host !== undefined && this.#seen.has(host) && only(request)) return;
    if (host === undefined || !only(request) || !this.#accepts(host.toLowerCase(), request)) throw misdirected(host);
  }

  /** Whether this `host[:port]` is ours. The port does not matter: forwarded ports are common, and it proves nothing. */
  #accepts(host: string, request: IncomingMessage): boolean {
    const name = HOST.exec(host)?.[1];
    if (name === undefined) return false;
    const ours = isLoopbackName(name) || this.#own.has(name) || this.#names.has(name);
    if (ours || this.#suffixes.some((suffix) => name.endsWith(suffix))) {
      if (this.#seen.size < MOST_SEEN) this.#seen.add(request.headers.host ?? '');
      return true;
    }
    // Listening on every address, the one the connection came in by is ours too; a number cannot be rebound.
    const local = request.socket.localAddress;
    return this.#anyLocal && local !== undefined && name === bracketed(local.replace(/^::ffff:/, ''));
  }
}

/** Two Host headers are two readers' chance to disagree. */
function only(request: IncomingMessage): boolean {
  const raw = request.rawHeaders;
  let hosts = 0;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at];
    if (name !== undefined && name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts === 1;
}

function misdirected(host: string | undefined): Refusal {
  return new Refusal(
    'misdirected_request',
    host === undefined
      ? 'The request names no host.'
      : `This gateway does not answer for the host \`${host.slice(0, 100)}\`.`,
  );
}

/** Exactly the names every machine has for itself; a name below `localhost` may be anybody's. */
function isLoopbackName(name: string): boolean {
  if (name === 'localhost' || name === '127.0.0.1' || name === '[::1]') return true;
  return /^\[.*\]$/.test(name) ? isLoopback(name.slice(1, -1)) : /^127\./.test(name) && isLoopback(name);
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** Whether a method may change something. */
export function changesState(method: string): boolean {
  return !SAFE.has(method);
}

/** Guards against pages of another origin, and tells browsers which origins may read. */
export class OriginGuard {
  readonly #origins: ReadonlySet<string>;
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins.map((origin) => origin.toLowerCase()));
  }

  /**
   * The origin a browser may be told of, when the request comes from one in `cors_origins`.
   *
   * @throws Refusal `forbidden` when the request may change something and comes from somewhere else.
   */
  check(request: IncomingMessage, method: string): string | undefined {
    const { origin } = request.headers;
    if (origin === undefined) return undefined;
    if (this.#origins.has(origin.toLowerCase())) return origin;
    if (changesState(method) && !sameOrigin(origin.toLowerCase(), request.headers.host)) {
      throw new Refusal(
        'forbidden',
        `Pages of \`${origin.slice(0, 100)}\` may not change anything here; \`networking.cors_origins\` names those that may.`,
      );
    }
    return undefined;
  }

  /**
   * What is asked for with a cookie alone, which a browser sends along whichever page asks. Pages of other ports of this host
   * are of the same site to it.
   *
   * @throws Refusal `forbidden` when it may change something and does not say from where, or another page reads
   */
  checkCookie(request: IncomingMessage, method: string): void {
    const { origin, 'sec-fetch-site': site } = request.headers;
    if (changesState(method)) {
      if (origin === undefined)
        throw new Refusal('forbidden', 'What changes something with a cookie needs an `Origin`; a token needs none.');
      return;
    }
    const listed = origin !== undefined && this.#origins.has(origin.toLowerCase());
    if ((site === 'cross-site' || site === 'same-site') && !listed)
      throw new Refusal('forbidden', 'Pages of another origin read nothing here with this cookie.');
  }
}

/** The host was checked before; https is a proxy in front of us that speaks TLS. */
function sameOrigin(origin: string, host: string | undefined): boolean {
  const own = host?.toLowerCase();
  return origin === `http://${own}` || origin === `https://${own}`;
}
