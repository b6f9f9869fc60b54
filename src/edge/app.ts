// SPDX-License-Identifier: Apache-2.0
// One request from the raw server to its answer: guard, limits, who calls, route, and every error as problem details.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkPermission } from './access.ts';
import { writeJson, writeProblem } from './answer.ts';
import { authenticator, type StillKnown, unauthenticated } from './auth.ts';
import { clientAddresses } from './client-address.ts';
import { answerPreflight, exposeTo } from './cors.ts';
import { type Answer, type Caller, type Exchange, type Route, STREAMED } from './exchange.ts';
import { type HostGuard, OriginGuard } from './guard.ts';
import { HeldBytes, rateLimit } from './limits.ts';
import type { EdgePorts } from './ports.ts';
import { problemOf, problemOfFailure, Refusal, tooMany } from './problem.ts';
import { createRouter } from './router.ts';
import { OPEN_PATHS } from './routes/system.ts';
import { WEBHOOKS } from './routes/webhooks.ts';

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

/** A request id of somebody else's that is safe to repeat and to log. */
const SANE_ID = /^[A-Za-z0-9][A-Za-z0-9._:@/+=-]{0,127}$/;
/** Bytes of bodies that are still on their way, all together. */
const BODIES_LIMIT = 64 * 1024 * 1024;
const NOBODY: Caller = { token_id: '', user_id: '', name: '', permissions: [], admin: false };

/** What the way to a route needs; the routes themselves need more. */
export type AppPorts = Pick<EdgePorts, 'world' | 'config' | 'tokens' | 'live' | 'log' | 'point' | 'redactor'>;

/** What the edge has besides for whoever comes in. */
export interface AppParts {
  readonly hosts: HostGuard;
  /** Told where a token came from that is not known. */
  readonly refused: (clientAddress: string) => void;
  /** Given once what tells whether a caller is still known. */
  readonly stillKnown: (known: StillKnown) => void;
}

/** Makes the listener that both servers use. */
export function createApp(ports: AppPorts, routes: readonly Route[], parts: AppParts): RequestListener {
  const { hosts, refused } = parts;
  const { networking, auth } = ports.config;
  const { world, log, point, redactor } = ports;
  const origins = new OriginGuard(networking.cors_origins);
  const { authenticate, stillKnown } = authenticator(auth.mode, ports.tokens, ports.live);
  parts.stillKnown(stillKnown);
  const find = createRouter(routes);
  const addressOf = clientAddresses(networking.trusted_proxies);
  const bodies = new HeldBytes(BODIES_LIMIT);
  const perAddress = rateLimit(world, networking.rate_limit_rps, networking.rate_limit_burst, 1_000);

  /** Everything before the route: throws what is refused, answers undefined when nothing is left to do. */
  const enter = (
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
  ): readonly [Route, Exchange] | undefined => {
    const method = request.method ?? 'GET';
    const [path, query] = split(request.url ?? '/');
    // A platform comes by whatever name the world has for us and brings no token; its channel knows it by its signature.
    const called = path.startsWith(WEBHOOKS);
    if (!called) {
      hosts.check(request);
      const origin = origins.check(request, method);
      if (origin !== undefined) {
        exposeTo(origin, response);
        if (answerPreflight(request, response, method)) return undefined;
      }
    }
    const open = OPEN_PATHS.has(path);
    const clientAddress = addressOf(request);
    if (!open) {
      const wait = perAddress?.take(clientAddress) ?? 0;
      if (wait > 0) throw tooMany('requests from this address', wait / 1000);
    }
    const caller = open || called ? NOBODY : authenticate(request.headers.authorization, () => refused(clientAddress));
    const { route, params } = find(method, path);
    if (route.needs !== undefined) checkPermission(caller, route.needs);
    return [
      route,
      { request, response, requestId, clientAddress, caller, params, query: new URLSearchParams(query), bodies },
    ];
  };

  const refuse = (request: IncomingMessage, response: ServerResponse, requestId: string, thrown: unknown): void => {
    const problem = problemOf(thrown, requestId);
    const fields = { request_id: requestId, method: request.method, path: request.url, status: problem.status };
    if (problem.status >= 500 && !(thrown instanceof Refusal)) log.error({ ...fields, err: thrown }, 'request failed');
    else log.debug({ ...fields, code: problem.body['code'] }, 'request refused');
    // Nobody is left to read it.
    if (response.destroyed) return;
    if (response.headersSent) response.destroy();
    else writeProblem(request, response, redactor === undefined ? problem : redactor.data(problem), world);
  };

  const finish = (answer: Answer, request: IncomingMessage, response: ServerResponse, requestId: string): void => {
    if (answer === STREAMED || response.destroyed) return;
    // Whoever refuses tells the log, once for many.
    if ('refused' in answer) return writeProblem(request, response, problemOfFailure(answer.refused, requestId), world);
    point?.('edge.answering');
    writeJson(response, answer.status, answer.body, world);
    point?.('edge.answered');
  };

  return (request, response) => {
    const given = request.headers['x-request-id'];
    const requestId = typeof given === 'string' && SANE_ID.test(given) ? given : world.uuid();
    response.setHeader('X-Request-Id', requestId);
    try {
      const entered = enter(request, response, requestId);
      if (entered === undefined) return;
      const [route, exchange] = entered;
      const answer = route.handle(exchange);
      if (!(answer instanceof Promise)) return finish(answer, request, response, requestId);
      answer
        .then((later) => {
          // What was asked for with a token that was revoked meanwhile is not told any more.
          if (exchange.caller !== NOBODY && later !== STREAMED && !stillKnown(exchange.caller)) throw revoked();
          finish(later, request, response, requestId);
        })
        .catch((thrown: unknown) => refuse(request, response, requestId, thrown));
    } catch (thrown) {
      refuse(request, response, requestId, thrown);
    }
  };
}

/** The caller's token was revoked while the answer was on its way. */
export function revoked(): Refusal {
  return unauthenticated('This token was revoked.');
}

/** Path and query. Only a path is taken: the form with a host in it is for proxies, which this is none. */
function split(url: string): readonly [path: string, query: string] {
  const at = url.indexOf('?');
  return at === -1 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
}
