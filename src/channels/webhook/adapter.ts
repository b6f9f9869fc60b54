// SPDX-License-Identifier: Apache-2.0
// Any program that can send and take signed HTTP requests, as a platform.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { failure, SigilError } from '../../errors.ts';
import type {
  ChannelAdapter,
  ChannelCapabilities,
  ChannelOutbound,
  ChannelSink,
  PlatformSender,
  SentMessage,
  WebhookRequest,
  WebhookResponse,
} from '../adapter.ts';
import { ApiClient, type ApiResponse, jsonOf, retryAfter } from '../api-client.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import { InFlight } from '../in-flight.ts';
import { Taking } from '../taking.ts';
import { heard, posted } from './messages.ts';
import type { WebhookSettings } from './settings.ts';
import { keyOf, sign, verify } from './signature.ts';

const REMEMBERED = 1_000;
/** Before what was refused for now is sent again, where nothing is said, in milliseconds. */
const LATER = 30_000;
/** How long whoever calls is to wait where a message was not taken, in seconds. */
const AGAIN = '5';
const MAX_ATTACHED = 25_000_000;

const taken = z.object({ id: z.string().min(1).max(500) });

export interface WebhookOptions extends ConnectionOptions {
  readonly settings: WebhookSettings;
}

export class WebhookAdapter implements ChannelAdapter {
  readonly capabilities: ChannelCapabilities;
  readonly #options: WebhookOptions;
  readonly #client = new ApiClient('the webhook');
  readonly #ended = new AbortController();
  readonly #people = new BoundedMap<string, string>(REMEMBERED);
  readonly #own = new BoundedMap<string, true>(REMEMBERED);
  readonly #sending = new InFlight();
  #key: Buffer | null = null;
  #sink: ChannelSink | null = null;
  #taking: Taking | null = null;

  constructor(options: WebhookOptions) {
    this.#options = options;
    const { takes, deduplicates, max_message_length } = options.settings;
    this.capabilities = {
      media: true,
      reactions: takes.includes('reactions'),
      threads: true,
      editing: takes.includes('edits'),
      typing: takes.includes('typing'),
      voice: false,
      richText: 'markdown',
      maxMessageLength: max_message_length,
      mediaTypes: ['*/*'],
      dedupe: deduplicates ? 'window' : 'none',
    };
  }

  async start(sink: ChannelSink, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { settings, resolve, world } = this.#options;
    const key = keyOf(await resolve(settings.secret));
    const both = AbortSignal.any([signal, this.#ended.signal]);
    try {
      if (both.aborted) throw this.#client.gone('it was stopped while it connected');
      const body = { type: 'ping', at: new Date(world.now()).toISOString() };
      const id = `ping-${createHash('sha256').update(body.at).digest('hex').slice(0, 16)}`;
      if (settings.check) await this.#post(key, id, body, both);
      if (both.aborted) throw this.#client.gone('it was stopped while it connected');
    } catch (thrown) {
      this.#client.close();
      throw thrown;
    }
    this.#sink = sink;
    this.#taking = new Taking(sink);
    this.#key = key;
  }

  async webhook(request: WebhookRequest): Promise<WebhookResponse> {
    const { world, settings } = this.#options;
    const [key, taking] = [this.#key, this.#taking];
    if (key === null || taking === null) return later();
    if (request.method !== 'POST') return answer(405, { error: 'only POST is taken' });
    const { tolerance } = settings;
    const signed = verify(key, request, { now: world.now(), tolerance });
    if (!signed.ok) return answer(401, { error: 'the signature is missing, wrong, or too old' });
    const said = heard(request.body, signed.id, world.now(), (id) => this.#own.get(id) === true);
    if (said.kind === 'wrong') return answer(422, { error: said.why });
    if (said.kind === 'ignored') return answer(200, { taken: false });
    const { platformId, displayName } = said.message.sender;
    this.#people.set(platformId, displayName);
    return (await taking.all([said.message])) ? answer(200, { taken: true, id: said.message.messageId }) : later();
  }

  send(outbound: ChannelOutbound, { signal }: { readonly signal: AbortSignal }): Promise<SentMessage> {
    return this.#sending.add(this.#send(outbound, signal));
  }

  async #send(outbound: ChannelOutbound, signal: AbortSignal): Promise<SentMessage> {
    const { max_message_length: most } = this.#options.settings;
    const { content, attachments, idempotencyKey } = outbound;
    if (content.length > most)
      throw new SigilError(failure('payload_too_large', `a message to the webhook has at most ${most} characters`));
    if (attachments.reduce((sum, { data }) => sum + data.length, 0) > MAX_ATTACHED)
      throw new SigilError(failure('payload_too_large', `what is attached has more than ${MAX_ATTACHED} bytes`));
    const body = posted(outbound, new Date(this.#options.world.now()).toISOString());
    const response = await this.#posting(idempotencyKey, body, signal);
    const given = taken.safeParse(jsonOf(response));
    // Who gives a message no id of their own knows it by ours.
    const platformMessageId = given.success ? given.data.id : idempotencyKey;
    this.#own.set(platformMessageId, true);
    return { platformMessageId };
  }

  async edit(
    channelId: string,
    platformMessageId: string,
    content: string,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<void> {
    const at = new Date(this.#options.world.now()).toISOString();
    const body = { type: 'edit', conversation: channelId, id: platformMessageId, text: content, at };
    await this.#posting(keyFor(body), body, signal);
  }

  async react(channelId: string, platformMessageId: string, reaction: string): Promise<void> {
    const body = { type: 'reaction', conversation: channelId, id: platformMessageId, reaction };
    await this.#posting(keyFor(body), body, this.#ended.signal);
  }

  async typing(channelId: string, threadId?: string): Promise<void> {
    const at = new Date(this.#options.world.now()).toISOString();
    const body = {
      type: 'typing',
      conversation: channelId,
      ...(threadId === undefined ? {} : { thread: threadId }),
      at,
    };
    await this.#posting(keyFor(body), body, this.#ended.signal);
  }

  async identity(platformId: string): Promise<PlatformSender | null> {
    const displayName = this.#people.get(platformId);
    return displayName === undefined ? null : { platformId, displayName };
  }

  async stop(): Promise<void> {
    if (!this.#ended.signal.aborted) {
      this.#key = null;
      this.#taking = null;
      await this.#sending.settled(this.#options.world);
      this.#ended.abort();
    }
    this.#client.close();
    await this.#sending.over();
  }

  #posting(id: string, body: object, signal: AbortSignal): Promise<ApiResponse> {
    if (this.#key === null || signal.aborted) return Promise.reject(this.#client.gone('it was not started'));
    return this.#post(this.#key, id, body, AbortSignal.any([signal, this.#ended.signal]));
  }

  /** Posts to the one place there is. The key goes along for those who drop what comes twice. */
  async #post(key: Buffer, id: string, body: object, signal: AbortSignal): Promise<ApiResponse> {
    const { settings, world } = this.#options;
    const bytes = Buffer.from(JSON.stringify(body));
    const response = await this.#client.request({
      method: 'POST',
      url: new URL(settings.url),
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': id,
        ...sign(key, id, world.now(), bytes),
      },
      body: bytes,
      signal,
    });
    const refused = refusal(response, world.now());
    if (refused === null) return response;
    if (refused.failure.code === 'channel_auth') this.#lost(refused);
    throw refused;
  }

  #lost(reason: SigilError): void {
    const sink = this.#sink;
    this.#sink = null;
    sink?.lost(reason);
  }
}

/** The same thing said again has the same key. */
function keyFor(body: object): string {
  return `event-${createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 32)}`;
}

/** What the status of an answer means, or null where all is well. */
function refusal(response: ApiResponse, now: number): SigilError | null {
  const { status } = response;
  if (status >= 200 && status < 300) return null;
  const says = `the webhook answered ${status}`;
  const made = () => {
    if (status === 401)
      return failure('channel_auth', `${says}: the other side does not know the secret; both need the same \`secret\``);
    if (status === 404 || status === 410) return failure('not_found', `${says}: nothing is at its \`url\` for this`);
    if (status === 403) return failure('forbidden', `${says}: it does not take this message`);
    if (status === 413) return failure('payload_too_large', `${says}: the message is too large for it`);
    if (status === 429) return failure('rate_limited', says, { retry_after_ms: retryAfter(response, now, LATER) });
    if (status >= 500 || status === 408)
      return failure('channel_network', says, { retry_after_ms: retryAfter(response, now, LATER) });
    if (status >= 300 && status < 400)
      return failure('channel_refused', `${says}: it points elsewhere, where nothing is sent; correct its \`url\``);
    return failure('channel_refused', says);
  };
  return new SigilError(made());
}

function answer(status: number, body: object): WebhookResponse {
  return { status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

function later(): WebhookResponse {
  const { status, headers, body } = answer(503, { error: 'it was not taken; send it again' });
  return { status, headers: { ...headers, 'Retry-After': AGAIN }, body };
}
