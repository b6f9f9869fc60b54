// SPDX-License-Identifier: Apache-2.0
// Signing a browser in and out: a one-time link for whoever has a token, and the cookie its page gets for it.

import type { ServerResponse } from 'node:http';
import { unauthenticated } from '../auth.ts';
import { readBody } from '../body.ts';
import { overTls } from '../client-address.ts';
import type { EdgeContext } from '../context.ts';
import { setCookie } from '../cookie.ts';
import { type Answer, type Exchange, json, type Route, STREAMED } from '../exchange.ts';
import { RateLimit } from '../limits.ts';
import { Refusal, tooMany } from '../problem.ts';
import { SignInRequest } from '../schemas/directory.ts';
import type { SignedInAnswer, SignInLinkAnswer } from '../schemas/directory-answers.ts';
import { NoBody } from '../schemas/requests.ts';

/** Tries to sign in, of one address, and links one user asks for: as many at once, and as many more each minute. */
const TRIES = 30;
const LINKS = 30;
const MINUTE_MS = 60_000;
/** The page that takes the code; what follows `#` is sent to no server and stands in no log. */
const PAGE = '/debug#code=';

/** @param refused told where what is not known came from */
export function signInRoutes(edge: EdgeContext, refused: (clientAddress: string) => void): readonly Route[] {
  const { world, config } = edge.ports;
  const tries = new RateLimit(world, TRIES, TRIES / MINUTE_MS);
  const links = new RateLimit(world, LINKS, LINKS / MINUTE_MS);
  const secure = overTls(config.networking.trusted_proxies);
  const { byToken, web } = edge.auth;

  const link = async (exchange: Exchange): Promise<Answer> => {
    const { caller } = exchange;
    await readBody(exchange, NoBody, 'allowed');
    const wait = links.take(edge.shareOf(exchange));
    if (wait > 0) throw tooMany('links of this user', wait / 1_000);
    const base = addressFor(edge, exchange, secure);
    if (base === undefined)
      throw new Refusal(
        'conflict',
        'This gateway listens on no port that a browser could open; start one with `sigil start`.',
      );
    const { value, expires_at } = web.code(caller);
    const body: SignInLinkAnswer = { url: `${base}${PAGE}${value}`, expires_at: world.iso(expires_at) };
    return { status: 201, body };
  };

  const signIn = async (exchange: Exchange): Promise<Answer> => {
    const { request, response, clientAddress } = exchange;
    const wait = tries.take(clientAddress);
    if (wait > 0) throw tooMany('tries to sign in from this address', wait / 1_000);
    const { code, token } = await readBody(exchange, SignInRequest);
    const wrong = (): void => refused(clientAddress);
    const caller = token === undefined ? web.redeem(code ?? '') : byToken(token, wrong);
    if (caller === undefined) {
      wrong();
      throw unauthenticated('This code is not known: it is good once, for a minute. `sigil open` makes another.');
    }
    const { value, expires_at } = web.begin(caller);
    const seconds = Math.max(1, Math.ceil((expires_at - world.now()) / 1_000));
    return nothing(response, setCookie(value, seconds, secure(request)));
  };

  const signedIn = ({ caller }: Exchange): Answer => {
    const { user_id, name, permissions } = caller;
    const ends = web.endOf(caller) ?? caller.expires_at;
    const expires_at = ends === undefined ? null : world.iso(ends);
    return json({ user_id, name, permissions, expires_at } satisfies SignedInAnswer);
  };

  const signOut = ({ request, response, caller }: Exchange): Answer => {
    web.end(caller);
    edge.endStrangers();
    return nothing(response, setCookie('', 0, secure(request)));
  };

  return [
    { method: 'POST', path: '/api/v1/auth/links', handle: link },
    { method: 'POST', path: '/auth/session', open: true, handle: signIn },
    { method: 'GET', path: '/auth/session', handle: signedIn },
    { method: 'DELETE', path: '/auth/session', handle: signOut },
  ];
}

/** Answers with a cookie and no body. */
function nothing(response: ServerResponse, cookie: string): Answer {
  if (!response.headersSent) response.writeHead(204, { 'Set-Cookie': cookie, 'Cache-Control': 'no-store' }).end();
  return STREAMED;
}

/** The names under which a browser of this machine reaches who listens everywhere. */
const ANYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' };

/** Where a browser finds us: as whoever asks does, or by the port where they asked over the socket. */
function addressFor(
  { url }: EdgeContext,
  { request }: Exchange,
  secure: (request: Exchange['request']) => boolean,
): string | undefined {
  const { host } = request.headers;
  // The guard has found this host to be ours.
  if (request.socket.remoteAddress !== undefined && host !== undefined)
    return `${secure(request) ? 'https' : 'http'}://${host.toLowerCase()}`;
  if (url === null) return undefined;
  const { hostname, port } = new URL(url);
  return `http://${ANYWHERE[hostname] ?? hostname}:${port}`;
}
