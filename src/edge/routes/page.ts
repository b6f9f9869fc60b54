// SPDX-License-Identifier: Apache-2.0
// The inspector's page and its files, for whoever asks: they hold nothing but code, and what they show is asked for with a token.

import type { Answer, Exchange, Route } from '../exchange.ts';
import { param, STREAMED } from '../exchange.ts';
import type { EdgePorts, PageFile } from '../ports.ts';
import { unknownPath } from '../router.ts';

/** The page; what it loads lies below {@link ASSETS}, everything else under `/debug/` is data. */
const PAGE = '/debug';
const ASSETS = '/debug/assets/';

/** Nothing but the page's own files runs, and nothing of it goes anywhere but back here. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/** Not in the API's description: they are no part of it. */
export function pageRoutes(ports: Pick<EdgePorts, 'inspector'>): readonly Route[] {
  const { inspector } = ports;
  if (inspector === undefined) return [];
  return [
    { method: 'GET', path: '/', open: true, handle: toInspector },
    {
      method: 'GET',
      path: PAGE,
      open: true,
      handle: async (exchange) => write(exchange, await (await inspector()).page(), 'no-cache'),
    },
    {
      method: 'GET',
      path: `${ASSETS}:name`,
      open: true,
      handle: async (exchange) => {
        const file = await (await inspector()).asset(param(exchange, 'name'));
        // Its name is made of its contents.
        return write(exchange, file, 'public, max-age=31536000, immutable');
      },
    },
  ];
}

/** Until there is another page to begin with. */
function toInspector({ response }: Exchange): Answer {
  response.writeHead(302, { Location: PAGE, 'Content-Length': 0, 'Cache-Control': 'no-store' }).end();
  return STREAMED;
}

function write({ request, response }: Exchange, file: PageFile | undefined, cache: string): Answer {
  if (file === undefined) throw unknownPath();
  const { type, bytes, etag } = file;
  const headers = { ...HEADERS, ETag: etag, 'Cache-Control': cache };
  if (request.headers['if-none-match']?.includes(etag) === true) {
    response.writeHead(304, headers).end();
    return STREAMED;
  }
  response.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': bytes.length }).end(bytes);
  return STREAMED;
}
