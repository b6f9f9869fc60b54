// SPDX-License-Identifier: Apache-2.0
// Platforms that call us: their bytes go to the channel as they came, and its answer goes back. Nobody here knows who calls, so
// whatever may be refused is refused before the channel is asked, and nothing is told but that.

import { address } from '../../bus/address.ts';
import type { WebhookRequest, WebhookResponse } from '../../channels/adapter.ts';
import { SigilError } from '../../errors.ts';
import { writeText } from '../answer.ts';
import { ask } from '../ask.ts';
import { readBytes } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, type Exchange, param, type Route, STREAMED } from '../exchange.ts';
import { Concurrency, HeldBytes, RateLimit } from '../limits.ts';
import { Refusal, tooMany } from '../problem.ts';
import { unknownPath } from '../router.ts';

/** Paths below this are outside the guard. */
export const WEBHOOKS = '/webhooks/';

/**
 * How long a channel may take over a request, in milliseconds. Platforms wait for 3 to 60 seconds; one that has given up sends
 * it again, and what was taken is known then.
 */
const ANSWER_MS = 10_000;
/** How long a body may be on its way, in milliseconds. */
const BODY_MS = 10_000;
/** Bytes of all bodies until they are answered; what others send to the API is counted apart. */
const BYTES = 64 * 1024 * 1024;
/** Requests of one address, which may be a proxy's for everybody, whose bodies are on their way. */
const COMING = 32;
/** Requests a channel is given at once. */
const ASKED = 64;
/** Requests of one address a second, and how many may come at once: far above what a platform does with one account. */
const RATE = { perSecond: 50, burst: 200 };
/** What a channel may answer with, in characters and by the names of headers. */
const LONGEST = 64 * 1024;
const HEADERS: ReadonlySet<string> = new Set(['content-type', 'retry-after', 'x-slack-no-retry']);

export function webhookRoutes(edge: EdgeContext): readonly Route[] {
  const limits: Limits = {
    rate: new RateLimit(edge.ports.world, RATE.burst, RATE.perSecond / 1_000),
    coming: new Concurrency(COMING),
    asked: new Concurrency(ASKED),
    bytes: new HeldBytes(BYTES),
  };
  const handle = (exchange: Exchange) => webhook(edge, limits, exchange);
  // A verification is a question with an answer of its own, so HEAD means nothing.
  return [
    { method: 'GET', path: '/webhooks/:channel', stream: true, open: true, handle },
    { method: 'POST', path: '/webhooks/:channel', open: true, handle },
  ];
}

interface Limits {
  readonly rate: RateLimit;
  readonly coming: Concurrency;
  readonly asked: Concurrency;
  readonly bytes: HeldBytes;
}

async function webhook(edge: EdgeContext, limits: Limits, exchange: Exchange): Promise<Answer> {
  const { ports } = edge;
  const { request, response, clientAddress } = exchange;
  const wait = limits.rate.take(clientAddress);
  if (wait > 0) throw tooMany('requests from this address', wait / 1_000);
  const channel = param(exchange, 'channel');
  if (ports.takesWebhooks?.(channel) !== true) throw unknownPath();
  if (ports.state() === 'draining') throw new Refusal('draining', 'The gateway is stopping.');
  const body = await bodyOf(edge, limits, exchange);
  const leave = limits.asked.enter(channel);
  try {
    if (leave === undefined) throw notNow(1);
    const [path = '/', ...query] = (request.url ?? '/').split('?');
    const asked: WebhookRequest = {
      method: request.method ?? 'GET',
      path,
      query: query.join('?'),
      headers: headersOf(request.headers),
      body,
    };
    const answer = await ask(ports.bus, address('channel', channel), 'channel.webhook', asked, ANSWER_MS).catch(
      (thrown: unknown) => {
        throw told(edge, channel, thrown, exchange.requestId);
      },
    );
    if (answer.status >= 400)
      ports.log.debug(
        { channel, status: answer.status, address: clientAddress, request_id: exchange.requestId },
        'webhook refused by its channel',
      );
    write(response, answer);
    return STREAMED;
  } finally {
    leave?.();
    limits.bytes.give(body.length);
  }
}

/** The body, held in `limits.bytes` until whoever asked for it gives it back. */
async function bodyOf({ ports: { world } }: EdgeContext, limits: Limits, exchange: Exchange): Promise<Uint8Array> {
  const leave = limits.coming.enter(exchange.clientAddress);
  if (leave === undefined) throw tooMany('requests from this address at once', 1);
  // Who sends a byte at a time keeps a place from others.
  const late = world.after(BODY_MS, () => exchange.request.destroy());
  try {
    const body = await readBytes(exchange, limits.bytes);
    limits.bytes.take(body.length);
    // A piece of a socket's buffer would take all of that along to the other thread.
    return new Uint8Array(body);
  } finally {
    late();
    leave();
  }
}

/** Several headers of one name become one, as the contract has it. */
function headersOf(headers: Exchange['request']['headers']): Readonly<Record<string, string>> {
  const pairs = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
  );
  return Object.fromEntries(pairs);
}

/** What a stranger may know of a failure. The log has the rest. */
function told({ ports: { log } }: EdgeContext, channel: string, thrown: unknown, request_id: string): unknown {
  if (!(thrown instanceof SigilError)) return thrown;
  const { code, retryable, details } = thrown.failure;
  log.debug({ channel, code, request_id, err: thrown }, 'webhook not answered by its channel');
  if (code === 'channel_refused') return unknownPath();
  if (code === 'draining') return new Refusal('draining', 'The gateway is stopping.');
  if (code === 'deadline_exceeded') return new Refusal('deadline_exceeded', 'The channel did not answer in time.');
  const after = details?.['retry_after_ms'];
  // Its actor is between two lives, or its thread: it will be there again.
  if (retryable || code === 'not_found') return notNow(typeof after === 'number' ? after / 1_000 : 5);
  return new Refusal('internal', `the channel ${channel} could not answer a webhook: ${code}`);
}

function notNow(seconds: number): Refusal {
  const after = Number.isFinite(seconds) ? Math.min(300, Math.max(1, Math.ceil(seconds))) : 5;
  return new Refusal('overloaded', 'This channel takes nothing now.', { headers: { 'Retry-After': String(after) } });
}

function write(response: Exchange['response'], { status, headers, body }: WebhookResponse): void {
  if (!Number.isInteger(status) || status < 200 || status > 599 || body.length > LONGEST)
    throw new Refusal('internal', 'a channel answered a webhook with what is no answer');
  for (const [name, value] of Object.entries(headers))
    if (HEADERS.has(name.toLowerCase())) response.setHeader(name, value);
  writeText(response, status, body);
}
