// SPDX-License-Identifier: Apache-2.0
// What is no request this server takes: bytes that are no HTTP, answered by hand on the socket, and framing nobody should trust.

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ERRORS, type ErrorCode } from '../errors.ts';
import type { World } from '../world.ts';
import type { Problem } from './problem.ts';

/** Headers a request may have. */
export const HEADER_COUNT = 100;

/** Statuses by node's error codes; everything else is a bad request. */
const STATUSES: Readonly<Record<string, readonly [status: number, title: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'Payload Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
};
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';

/** Says in one problem what is wrong and closes the connection. */
export function answerBrokenHttp(error: NodeJS.ErrnoException, socket: Duplex, world: World): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, title] = STATUSES[error.code ?? ''] ?? [400, 'Bad Request'];
  const code = status === 413 || status === 431 ? 'payload_too_large' : 'validation_failed';
  byHand(socket, status, title, code, 'This is not a request this server can read.', [], world);
}

/** Nobody is connected anywhere through us. */
export function answerConnect(socket: Duplex, world: World): void {
  const detail = 'This is no proxy: nothing is connected through it.';
  byHand(socket, 405, ERRORS.method_not_allowed.title, 'method_not_allowed', detail, [`Allow: ${METHODS}`], world);
}

/**
 * What is wrong with the frame of a request that the parser let through: headers past the bound, which would be dropped
 * without a word, and encodings of the transfer besides chunks, about which two readers may disagree.
 */
export function brokenFrame({ rawHeaders, headers }: IncomingMessage): Problem | undefined {
  if (rawHeaders.length > 2 * HEADER_COUNT)
    return problem(
      431,
      'Request Header Fields Too Large',
      'payload_too_large',
      `A request may have ${HEADER_COUNT} headers.`,
    );
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return problem(
      400,
      'Bad Request',
      'validation_failed',
      'A body comes in chunks or with its length, and not encoded.',
    );
  return undefined;
}

function problem(status: number, title: string, code: ErrorCode, detail: string): Problem {
  const { advice } = ERRORS[code];
  const headers = { Connection: 'close' };
  return { status, headers, body: { type: `urn:sigil:error:${code}`, title, status, detail, code, advice } };
}

function byHand(
  socket: Duplex,
  status: number,
  title: string,
  code: ErrorCode,
  detail: string,
  more: readonly string[],
  world: World,
): void {
  const body = JSON.stringify(problem(status, title, code, detail).body);
  socket.on('error', () => socket.destroy());
  socket.end(
    [
      `HTTP/1.1 ${status} ${title}`,
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${world.uuid()}`,
      ...more,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
