// SPDX-License-Identifier: Apache-2.0
// Writing an answer to the raw response: JSON, problems, and refusals of a body that is still on its way.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { World } from '../world.ts';
import { BODY_LIMIT } from './body.ts';
import type { Problem } from './problem.ts';

/** How long, and how much of it, a refused body is still read away so that its sender gets to see the refusal. */
const LINGER_MS = 2_000;
/** Characters of an answer that may wait for its reader without a bound of time, and that bound for longer ones. */
const LONG_ANSWER = 128 * 1024;
const UNREAD_MS = 60_000;
const LINGER_BYTES = 16 * 1024 * 1024;

/** Writes one JSON document. Headers set on the response before (request id, CORS) go out with it. */
export function writeJson(response: ServerResponse, status: number, body: unknown, world: World): void {
  const text = JSON.stringify(body);
  head(response, status, 'application/json; charset=utf-8', text);
  response.end(text);
  // What is short fits what the kernel holds; the rest would be held here for as long as nobody reads it.
  if (text.length > LONG_ANSWER && !response.writableFinished) {
    const stop = world.after(UNREAD_MS, () => response.destroy());
    response.once('close', stop);
  }
}

/** Writes a short text, as plain text unless the response has another type by now. */
export function writeText(response: ServerResponse, status: number, text: string): void {
  const type = response.getHeader('content-type');
  head(response, status, typeof type === 'string' ? type : 'text/plain; charset=utf-8', text);
  response.end(text);
}

/** Writes a problem; a request whose body is too much to wait for is let go together with its connection. */
export function writeProblem(request: IncomingMessage, response: ServerResponse, problem: Problem, world: World): void {
  for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value);
  const text = JSON.stringify(problem.body);
  if (request.complete || !mayBeLong(request)) {
    head(response, problem.status, problem.type ?? 'application/problem+json', text);
    response.end(text);
    return;
  }
  response.setHeader('Connection', 'close');
  head(response, problem.status, problem.type ?? 'application/problem+json', text);
  // Who asks before sending has not begun to: there is nothing to read away.
  if (request.headers.expect !== undefined) {
    response.end(text);
    return;
  }
  response.write(text);
  linger(request, response, world);
}

/** A short body is read away by the server itself and its connection kept. */
function mayBeLong(request: IncomingMessage): boolean {
  const { headers } = request;
  return (
    headers['transfer-encoding'] !== undefined ||
    headers.expect !== undefined ||
    Number(headers['content-length'] ?? 0) > BODY_LIMIT
  );
}

function head(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
}

/**
 * Ends the response only once the sender has noticed: closing a socket with unread bytes in it resets the connection,
 * and the sender would lose the very answer that tells it to stop.
 */
function linger(request: IncomingMessage, response: ServerResponse, world: World): void {
  let read = 0;
  const end = (): void => {
    stop();
    request.off('data', count);
    if (!response.writableEnded) response.end();
  };
  const stop = world.after(LINGER_MS, end);
  const count = (chunk: Buffer): void => {
    read += chunk.length;
    if (read > LINGER_BYTES) end();
  };
  request.on('data', count);
  request.once('end', end);
  request.once('close', end);
  request.resume();
}
