// SPDX-License-Identifier: Apache-2.0
// One request from the raw server to its answer: guard, limits, who calls, route, and every error as problem details.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkPermission } from './access.ts';
import { writeJson, writeProblem } from './answer.ts';
import { unauthenticated } from './auth.ts';
import { clientAddresses } from './client-address.ts';
import type { EdgeContext } from './context.ts';
import { answerPreflight, exposeTo } from './cors.ts';
import { type Answer, type Caller, type Exchange, type Route, STREAMED } from './exchange.ts';
import { type HostGuard, OriginGuard } from './guard.ts';
import { FollowedRate, HeldBytes } from './limits.ts';
import type { RequestCounts } from './metrics/requests.ts';
import { openPaths } from './open-paths.ts';
import { OPENAI_PATHS, openAiProblem } from './openai/error-shape.ts';
import { type Problem, problemOf, problemOfFailure, Refusal, tooMany } from './problem.ts';
import { createRouter } from './router.ts';
import { UNCOUNTED_PATHS } from './routes/system.ts';
import { WEBHOOKS } from './routes/webhooks.ts';

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

/** A request id of somebody else's that is safe to repeat and to log. */
const SANE_ID = /^[A-Za-z0-9][A-Za-z0-9._:@/+=-]{0,127}$/;
/** Bytes of bodies that are still on their way, all together. */
const BODIES_LIMIT = 64 * 1024 * 1024;
const SLASH = 47;
const NOBODY: Caller = { token_id: '', user_id: '', name: '', permissions: [], admin: false };

/** What the edge has besides for whoever comes in. */
export interface AppParts {
  readonly hosts: HostGuard;
  /** Told where a token came from that is not known. */
  readonly refused: (clientAddress: string) => void;
  /** Counts what was answered; nothing is counted when not given. */
  readonly requests?: RequestCounts | undefined;
}

/** Told once that a request has its answer, or goes on as a stream. */
type Answered = (streamed?: boolean) => void;

/** Makes the listener that both servers use. */
export function createApp(edge: EdgeContext, routes: readonly Route[], parts: AppParts): RequestListener {
  const { hosts, refused, requests } = parts;
  const { ports } = edge;
  const { world, log, point, redactor, tracing } = ports;
  const { authenticate, whyGone } = edge.auth;
  const find = createRouter(routes);
  const isOpen = openPaths(routes);
  const bodies = new HeldBytes(BODIES_LIMIT);
  const perAddress = new FollowedRate(world, 1_000);
  let origins: OriginGuard;
  let addressOf: ReturnType<typeof clientAddresses>;
  const follow = (): void => {
    const { networking } = ports.config;
    origins = new OriginGuard(networking.cors_origins);
    addressOf = clientAddresses(networking.trusted_proxies);
    perAddress.follow(networking.rate_limit_rps, networking.rate_limit_burst);
  };
  follow();
  ports.configuration?.onChange(follow);

  /** Everything before the route: throws what is refused, answers undefined when nothing is left to do. */
  const enter = (
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
  ): readonly [Route, Exchange] | undefined => {
    const method = request.method ?? 'GET';
    const [path, query] = split(originForm(request));
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
    const clientAddress = addressOf(request);
    if (perAddress.now !== undefined && !UNCOUNTED_PATHS.has(path)) {
      const wait = perAddress.now.take(clientAddress);
      if (wait > 0) throw tooMany('requests from this address', wait / 1000);
    }
    const caller =
      called || isOpen(method, path)
        ? NOBODY
        : authenticate(
            request.headers,
            () => origins.checkCookie(request, method),
            () => refused(clientAddress),
          );
    const { route, params } = find(method, path);
    if (route.needs !== undefined) checkPermission(caller, route.needs);
    return [
      route,
      { request, response, requestId, clientAddress, caller, params, query: new URLSearchParams(query), bodies },
    ];
  };

  const refuse = (request: IncomingMessage, response: ServerResponse, requestId: string, thrown: unknown): void => {
    const problem = problemOf(thrown, requestId);
    const { code } = problem.body;
    const fields = { request_id: requestId, method: request.method, path: request.url, status: problem.status, code };
    // A sender that went away before its body was whole is no failure of ours, and strangers' doing.
    if (request.destroyed && !request.complete) log.debug(fields, 'request given up by its sender');
    else if (problem.status >= 500 && !(thrown instanceof Refusal))
      log.error({ ...fields, err: thrown }, 'request failed');
    else log.debug(fields, 'request refused');
    // Nobody is left to read it, or they have been told already.
    if (response.destroyed || response.writableEnded) return;
    if (response.headersSent) response.destroy();
    else {
      const told = redactor === undefined ? problem : redactor.data(problem);
      writeProblem(request, response, inWordsOf(request, told), world);
    }
  };

  /** Who speaks OpenAI's language is answered in it. */
  const inWordsOf = ({ url = '' }: IncomingMessage, problem: Problem): Problem =>
    url.startsWith(OPENAI_PATHS) ? openAiProblem(problem, world.now()) : problem;

  const finish = (answer: Answer, request: IncomingMessage, response: ServerResponse, requestId: string): void => {
    if (answer === STREAMED || response.destroyed || response.headersSent) return;
    // Whoever refuses tells the log, once for many.
    if ('refused' in answer) {
      const problem = problemOfFailure(answer.refused, requestId);
      return writeProblem(request, response, inWordsOf(request, problem), world);
    }
    point?.('edge.answering');
    writeJson(response, answer.status, answer.body, world);
    point?.('edge.answered');
  };

  /** Has the route answer. */
  const work = (route: Route, exchange: Exchange, answered: Answered): void => {
    const { request, response, requestId, caller } = exchange;
    const refuseIt = (thrown: unknown): void => {
      refuse(request, response, requestId, thrown);
      answered();
    };
    let answer: Answer | Promise<Answer>;
    try {
      answer = route.handle(exchange);
    } catch (thrown) {
      edge.reads.leave(exchange);
      return refuseIt(thrown);
    }
    if (!(answer instanceof Promise)) {
      edge.reads.leave(exchange);
      finish(answer, request, response, requestId);
      return answered(answer === STREAMED);
    }
    // What was asked for with a token that was revoked meanwhile is not told any more, and not waited for.
    if (caller !== NOBODY) edge.begin(exchange, (why) => refuseIt(unauthenticated(why)));
    answer
      .then((later) => {
        edge.done(exchange);
        const gone = caller === NOBODY || later === STREAMED ? null : whyGone(caller);
        if (gone !== null) throw unauthenticated(gone);
        finish(later, request, response, requestId);
        answered(later === STREAMED);
      })
      .catch((thrown: unknown) => {
        edge.done(exchange);
        refuseIt(thrown);
      });
  };

  /** The same, in turn with others who ask. */
  const workInTurn = (route: Route, exchange: Exchange, answered: Answered): void => {
    const { request, response, requestId, caller } = exchange;
    let waited = false;
    const run = (): void => {
      const gone = waited ? whyGone(caller) : null;
      if (gone === null) return work(route, exchange, answered);
      edge.reads.leave(exchange);
      refuse(request, response, requestId, unauthenticated(gone));
      answered();
    };
    edge.reads.enter(exchange, edge.shareOf(exchange), run, (refused) => {
      finish({ refused }, request, response, requestId);
      answered();
    });
    waited = true;
  };

  return (request, response) => {
    const given = request.headers['x-request-id'];
    const requestId = typeof given === 'string' && SANE_ID.test(given) ? given : world.uuid();
    response.setHeader('X-Request-Id', requestId);
    const began = requests === undefined ? 0 : world.monotonic();
    let found: Route | undefined;
    let told = false;
    if (tracing !== undefined && !UNCOUNTED_PATHS.has(request.url ?? '')) {
      const over = tracing.begin(request, requestId);
      response.once('close', () => over(found?.path, response.statusCode));
    }
    const answered: Answered = (streamed = false) => {
      if (told) return;
      told = true;
      const seconds = streamed ? undefined : (world.monotonic() - began) / 1_000;
      requests?.note(found, response.statusCode, seconds);
    };
    try {
      const entered = enter(request, response, requestId);
      if (entered === undefined) return;
      const [route, exchange] = entered;
      found = route;
      if (route.method === 'GET' && exchange.caller !== NOBODY) workInTurn(route, exchange, answered);
      else work(route, exchange, answered);
    } catch (thrown) {
      refuse(request, response, requestId, thrown);
      answered();
    }
  };
}

const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)$/i;

/** The target as a path. The form with a host in it, which proxies are sent, has to name the same host as the header. */
function originForm({ url = '/', headers }: IncomingMessage): string {
  if (url.charCodeAt(0) === SLASH) return url;
  const [, host, rest = ''] = ABSOLUTE.exec(url) ?? [];
  if (host === undefined) return url;
  if (host.toLowerCase() !== headers.host?.toLowerCase())
    throw new Refusal('misdirected_request', 'The request names one host in its first line and another as `Host`.');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Path and query. */
function split(url: string): readonly [path: string, query: string] {
  const at = url.indexOf('?');
  return at === -1 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
}
