// SPDX-License-Identifier: Apache-2.0
// GET of a public address and of nothing else: every name is resolved here, checked, and connected to by the address that was checked.

import type { ClientRequest, IncomingMessage } from 'node:http';
import { isIP, type LookupFunction } from 'node:net';
import type { Readable, Transform } from 'node:stream';
import { failure, SigilError } from '../errors.ts';

/** One address of a name. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

export interface PublicFetchOptions {
  /** Every address of a name, as the system resolves it. */
  readonly resolve: (
    hostname: string,
    done: (error: Error | null, addresses: readonly ResolvedAddress[]) => void,
  ) => void;
  /** Whether an address may be connected to. */
  readonly permitted: (address: string) => boolean;
  readonly user_agent: string;
  /** The most bytes read of a body, after it is unpacked. */
  readonly body_bytes: number;
}

/** What a server answered. */
export interface Fetched {
  readonly url: string;
  readonly status: number;
  /** The `Content-Type` header; empty when there is none. */
  readonly content_type: string;
  readonly body: Buffer;
  /** The body went on past what is read of it. */
  readonly cut: boolean;
}

const REDIRECTS_MOST = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const URL_LENGTH_MOST = 8_192;
const HEADER_BYTES = 16_384;

/**
 * Gets a page, following redirects within what is permitted. No cookies, no credentials, no proxy: what is connected to
 * is what was checked.
 *
 * @throws SigilError see `WebPages.read`
 */
export async function publicFetch(asked: string, signal: AbortSignal, options: PublicFetchOptions): Promise<Fetched> {
  let url = parsed(asked);
  for (let redirects = 0; ; redirects += 1) {
    const answer = await request(url, signal, options);
    const { location } = answer.headers;
    const status = answer.statusCode ?? 0;
    if (!REDIRECTS.has(status) || location === undefined) return received(url, answer, signal, options);
    answer.destroy();
    if (redirects === REDIRECTS_MOST) throw failed(`${url.host} redirects more than ${REDIRECTS_MOST} times.`);
    url = parsed(location, url);
  }
}

function parsed(text: string, base?: URL): URL {
  const url = text.length > URL_LENGTH_MOST ? null : URL.parse(text.trim(), base?.href);
  if (url === null) throw refused('validation_failed', 'This is not an address of a web page; write it as https://….');
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refused('forbidden', `Addresses that begin with ${url.protocol} are not read, only http and https.`);
  if (url.username !== '' || url.password !== '')
    throw refused('forbidden', 'Addresses with a user name or a password in them are not read.');
  return url;
}

/** Sends the request and waits for the answer's headers. */
function request(url: URL, signal: AbortSignal, options: PublicFetchOptions): Promise<IncomingMessage> {
  const { permitted, resolve, user_agent } = options;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // A number is connected to without being looked up.
  if (isIP(host) !== 0 && !permitted(host)) return Promise.reject(notPublic(url));

  const lookup: LookupFunction = (name, { all }, done) => {
    resolve(name, (error, addresses) => {
      const [first] = addresses;
      // One address that is not public makes the whole name suspect: it may be the next one to be tried.
      const fault =
        error ?? (first === undefined || !addresses.every((one) => permitted(one.address)) ? notPublic(url) : null);
      if (fault !== null || first === undefined) return all ? done(fault, []) : done(fault, '', 0);
      return all ? done(null, [...addresses]) : done(null, first.address, first.family);
    });
  };
  // Imported, it would load what the whole of fetch is made of.
  const http = process.getBuiltinModule('node:http');
  const https = process.getBuiltinModule('node:https');
  const { Agent, get } = url.protocol === 'https:' ? https : http;
  return new Promise((answered, rejected) => {
    const sent: ClientRequest = get(
      url,
      {
        // One connection a request: an idle one would be used again without its address being looked at.
        agent: new Agent({ keepAlive: false }),
        lookup,
        signal,
        maxHeaderSize: HEADER_BYTES,
        headers: {
          'user-agent': user_agent,
          accept: 'text/html, text/*;q=0.9, application/json;q=0.9, application/xml;q=0.8, */*;q=0.1',
          'accept-encoding': 'gzip, br',
        },
      },
      answered,
    );
    sent.on('socket', (socket) => {
      socket.once('connect', () => {
        // However it came to be connected there.
        if (socket.remoteAddress === undefined || !permitted(socket.remoteAddress)) sent.destroy(notPublic(url));
      });
    });
    sent.on('error', (thrown) => rejected(thrown instanceof SigilError ? thrown : unreachable(url, thrown, signal)));
  });
}

/** Reads the body as far as it is wanted. */
async function received(
  url: URL,
  answer: IncomingMessage,
  signal: AbortSignal,
  options: PublicFetchOptions,
): Promise<Fetched> {
  const { statusCode, headers } = answer;
  const chunks: Buffer[] = [];
  let size = 0;
  let cut = false;
  const body = unpacked(url, answer);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      const room = options.body_bytes - size;
      chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
      size += Math.min(chunk.length, room);
      cut = chunk.length > room;
      if (cut) break;
    }
  } catch (thrown) {
    throw unreachable(url, thrown, signal);
  } finally {
    body.destroy();
    answer.destroy();
  }
  return {
    url: url.href,
    status: statusCode ?? 0,
    content_type: headers['content-type'] ?? '',
    body: Buffer.concat(chunks),
    cut,
  };
}

/** The body as it was before it was packed; what is unpacked beyond the limit is never made. */
function unpacked(url: URL, answer: IncomingMessage): Readable {
  const encoding = (answer.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return answer;
  const { createBrotliDecompress, createUnzip } = process.getBuiltinModule('node:zlib');
  const unpack: Transform | undefined =
    encoding === 'br' ? createBrotliDecompress() : /^(?:x-)?gzip$|^deflate$/.test(encoding) ? createUnzip() : undefined;
  if (unpack === undefined)
    throw failed(`${url.host} packs its answers as ${encoding.slice(0, 40)}, which was not asked for.`);
  // An error of the connection is one of the body.
  answer.once('error', (error) => unpack.destroy(error));
  answer.once('aborted', () => unpack.destroy(new Error('the connection was closed')));
  return answer.pipe(unpack);
}

function refused(code: 'forbidden' | 'validation_failed', message: string): SigilError {
  return new SigilError(failure(code, message));
}

function failed(message: string): SigilError {
  return new SigilError(failure('tool_failed', message));
}

function notPublic(url: URL): SigilError {
  return refused('forbidden', `${url.hostname} is not an address of the public internet; only those are read.`);
}

function unreachable(url: URL, thrown: unknown, signal: AbortSignal): SigilError {
  if (thrown instanceof SigilError) return thrown;
  if (signal.aborted) return failed('The page was not read to its end in time.');
  const reason = thrown instanceof Error ? thrown.message : 'it does not answer';
  return failed(`${url.host} could not be read: ${reason.slice(0, 200)}.`);
}
