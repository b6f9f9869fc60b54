// SPDX-License-Identifier: Apache-2.0
// Telling browsers what pages of a configured origin may do. Set before the answer, never after it.

import type { IncomingMessage, ServerResponse } from 'node:http';

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const HEADERS = 'Authorization, Content-Type, Last-Event-ID, X-Request-Id';
const EXPOSED = 'X-Request-Id, Retry-After';
const REMEMBER_S = '600';

/** Lets pages of this origin read the answer. */
export function exposeTo(origin: string, response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Access-Control-Expose-Headers', EXPOSED);
  response.setHeader('Vary', 'Origin');
}

/** Answers a browser that asks before it sends; it never carries a token. False: it is another request. */
export function answerPreflight(request: IncomingMessage, response: ServerResponse, method: string): boolean {
  if (method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false;
  response.writeHead(204, {
    'Access-Control-Allow-Methods': METHODS,
    'Access-Control-Allow-Headers': HEADERS,
    'Access-Control-Max-Age': REMEMBER_S,
  });
  response.end();
  return true;
}
