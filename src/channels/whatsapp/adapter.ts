// SPDX-License-Identifier: Apache-2.0
// WhatsApp through Meta's Cloud API: people write to a webhook, and are written to by requests.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { failure, SigilError } from '../../errors.ts';
import type {
  ChannelAdapter,
  ChannelCapabilities,
  ChannelInbound,
  ChannelOutbound,
  ChannelSink,
  InboundAttachment,
  OutboundAttachment,
  PlatformSender,
  SentMessage,
  WebhookRequest,
  WebhookResponse,
} from '../adapter.ts';
import { ApiClient, type ApiResponse, below, jsonOf } from '../api-client.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import { InFlight } from '../in-flight.ts';
import { Taking } from '../taking.ts';
import type { ParseMarkdown } from '../text/document.ts';
import { loadMarkdown } from '../text/markdown.ts';
import { WHATSAPP } from '../text/marked-text.ts';
import { shownText } from '../text/shown.ts';
import { refusal } from './failures.ts';
import { kindOf, MEDIA_TYPES, mediaUrl, uploadForm } from './media.ts';
import { type MediaPart, messagesIn, type Said } from './payload.ts';
import type { WhatsAppSettings } from './settings.ts';

const MAX_MESSAGE_LENGTH = 4_096;
const MAX_CAPTION_LENGTH = 1_024;
const REMEMBERED = 1_000;
/** While so many requests are open no message is marked as read. */
const READING = 16;

const sent = z.object({ messages: z.array(z.object({ id: z.string().min(1).max(500) })).min(1) });
const uploaded = z.object({ id: z.string().min(1).max(200) });
const located = z.object({ url: z.string().max(4_000), file_size: z.coerce.number().optional() });

export interface WhatsAppOptions extends ConnectionOptions {
  readonly settings: WhatsAppSettings;
}

interface Keys {
  readonly token: string;
  readonly app: string;
  readonly verify: string;
}

export class WhatsAppAdapter implements ChannelAdapter {
  readonly capabilities: ChannelCapabilities = {
    media: true,
    reactions: true,
    threads: false,
    editing: false,
    typing: true,
    voice: false,
    richText: 'platform',
    maxMessageLength: MAX_MESSAGE_LENGTH,
    mediaTypes: MEDIA_TYPES,
    dedupe: 'none',
  };
  readonly #options: WhatsAppOptions;
  readonly #client = new ApiClient('WhatsApp');
  readonly #ended = new AbortController();
  readonly #people = new BoundedMap<string, string>(REMEMBERED);
  /** The newest message of each person: reading and typing are told of that. */
  readonly #newest = new BoundedMap<string, string>(REMEMBERED);
  readonly #sending = new InFlight();
  #keys: Keys | null = null;
  #sink: ChannelSink | null = null;
  #taking: Taking | null = null;
  #parse: ParseMarkdown | null = null;

  constructor(options: WhatsAppOptions) {
    this.#options = options;
  }

  async start(sink: ChannelSink, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { settings, resolve } = this.#options;
    const both = AbortSignal.any([signal, this.#ended.signal]);
    try {
      const [token, app, verify, parse] = await Promise.all([
        resolve(settings.access_token),
        resolve(settings.app_secret),
        resolve(settings.verify_token),
        loadMarkdown(),
      ]);
      const keys = { token: checkedToken(token), app, verify };
      // Whether the token is good for the number is known before anybody writes.
      await this.#call(keys, 'GET', [settings.phone_number_id], { query: { fields: 'id' }, signal: both });
      if (both.aborted) throw this.#client.gone('it was stopped while it connected');
      this.#parse = parse;
      this.#sink = sink;
      this.#taking = new Taking(sink);
      this.#keys = keys;
    } catch (thrown) {
      this.#client.close();
      throw thrown;
    }
  }

  async webhook(request: WebhookRequest): Promise<WebhookResponse> {
    const [keys, taking] = [this.#keys, this.#taking];
    if (keys === null || taking === null) return answer(503, '', { 'Retry-After': '5' });
    if (request.method === 'GET') return verification(keys, request);
    if (request.method !== 'POST') return answer(405);
    if (!signed(keys, request)) return answer(401);
    const said = messagesIn(request.body, this.#options.settings.phone_number_id);
    // Signed, but not about WhatsApp: another product of the same app is subscribed here.
    if (said === null) return answer(200);
    if (!(await taking.all(said.map((one) => this.#inbound(keys, one)))))
      return answer(503, '', { 'Retry-After': '5' });
    for (const { from, name, id } of said) {
      this.#people.set(from, name);
      this.#newest.set(from, id);
    }
    this.#read(keys, new Map(said.map(({ from, id }) => [from, id])));
    return answer(200);
  }

  send(outbound: ChannelOutbound, { signal }: { readonly signal: AbortSignal }): Promise<SentMessage> {
    return this.#sending.add(this.#send(outbound, signal));
  }

  async #send(outbound: ChannelOutbound, signal: AbortSignal): Promise<SentMessage> {
    const { channelId: to, replyTo, content, attachments } = outbound;
    const [keys, parse] = [this.#keys, this.#parse];
    if (keys === null || parse === null || signal.aborted) throw this.#client.gone('it was not started');
    checkedNumber(to);
    if (content.length > MAX_MESSAGE_LENGTH)
      throw new SigilError(
        failure('payload_too_large', `a message to WhatsApp has at most ${MAX_MESSAGE_LENGTH} characters`),
      );
    const kinds = attachments.map(kindOf);
    const both = AbortSignal.any([signal, this.#ended.signal]);
    const body = shownText(parse, content, WHATSAPP, MAX_MESSAGE_LENGTH);
    // All is there before anything is said: what fails on the way has said nothing yet.
    const ids: string[] = [];
    for (const attachment of attachments) ids.push(await this.#upload(keys, attachment, both));
    const captioned = ids.length === 1 && kinds[0] !== 'audio' && body.length <= MAX_CAPTION_LENGTH;
    const context = replyTo === undefined ? {} : { context: { message_id: replyTo } };
    const parts: object[] =
      captioned || body.trim() === '' ? [] : [{ type: 'text', text: { body, preview_url: false } }];
    for (const [at, kind] of kinds.entries()) {
      const caption = captioned && body.trim() !== '' ? { caption: body } : {};
      const filename = kind === 'document' ? { filename: attachments[at]?.name } : {};
      parts.push({ type: kind, [kind]: { id: ids[at], ...caption, ...filename } });
    }
    let first: SentMessage | null = null;
    for (const part of parts) {
      const message = { messaging_product: 'whatsapp', recipient_type: 'individual', to, ...context, ...part };
      const one = await this.#post(keys, message, both);
      first ??= one;
    }
    if (first === null) throw new SigilError(failure('validation_failed', 'there is nothing in the message'));
    return first;
  }

  async react(channelId: string, platformMessageId: string, reaction: string): Promise<void> {
    if (this.#keys === null) throw this.#client.gone('it was not started');
    checkedNumber(channelId);
    const message = { message_id: platformMessageId, emoji: reaction };
    const body = { messaging_product: 'whatsapp', recipient_type: 'individual', to: channelId };
    await this.#post(this.#keys, { ...body, type: 'reaction', reaction: message }, this.#ended.signal);
  }

  /** Shown for 25 seconds at most, and only under a message of the person's. */
  async typing(channelId: string): Promise<void> {
    const newest = this.#newest.get(channelId);
    if (this.#keys === null || newest === undefined) return;
    await this.#status(this.#keys, newest, { typing_indicator: { type: 'text' } });
  }

  async identity(platformId: string): Promise<PlatformSender | null> {
    const displayName = this.#people.get(platformId);
    return displayName === undefined ? null : { platformId, displayName };
  }

  async stop(): Promise<void> {
    if (!this.#ended.signal.aborted) {
      this.#keys = null;
      this.#taking = null;
      await this.#sending.settled(this.#options.world);
      this.#ended.abort();
    }
    this.#client.close();
    await this.#sending.over();
  }

  #inbound(keys: Keys, { id, from, name, at, type, text, media, replyTo }: Said): ChannelInbound {
    return {
      messageId: id,
      dedupeKey: id,
      channelId: from,
      direct: true,
      sender: { platformId: from, displayName: name },
      content: text,
      attachments: media.map((part) => this.#attachment(keys, part)),
      ...(replyTo === undefined ? {} : { replyTo }),
      mentionsAgent: true,
      at,
      metadata: { type },
    };
  }

  /** Its address ends after five minutes, so it is asked for when the file is wanted. */
  #attachment(keys: Keys, { id, name, mediaType }: MediaPart): InboundAttachment {
    return {
      name,
      mediaType,
      size: null,
      fetch: async ({ most, signal }) => {
        const { settings } = this.#options;
        const both = AbortSignal.any([signal, this.#ended.signal]);
        const found = located.safeParse(jsonOf(await this.#call(keys, 'GET', [id], { signal: both })));
        if (!found.success) throw unreadable();
        const tooLarge = () => new SigilError(failure('payload_too_large', `${name} is larger than ${most} bytes`));
        if ((found.data.file_size ?? 0) > most) throw tooLarge();
        const url = mediaUrl(found.data.url, settings.media_hosts, settings.api_root);
        const headers = { Authorization: `Bearer ${keys.token}` };
        const response = await this.#client.request({ method: 'GET', url, headers, signal: both, most });
        const refused = refusal(response, this.#options.world.now());
        if (refused !== null) throw refused;
        return new Uint8Array(response.body);
      },
    };
  }

  async #upload(keys: Keys, attachment: OutboundAttachment, signal: AbortSignal): Promise<string> {
    const { type, body } = uploadForm(attachment);
    const path = [this.#options.settings.phone_number_id, 'media'];
    const read = uploaded.safeParse(jsonOf(await this.#call(keys, 'POST', path, { type, body, signal })));
    if (!read.success) throw unreadable();
    return read.data.id;
  }

  /** Reading one reads all before it. In a flood nobody is told; failures are not worth telling either. */
  #read(keys: Keys, newest: ReadonlyMap<string, string>): void {
    if (!this.#options.settings.mark_read) return;
    for (const id of newest.values()) {
      if (this.#sending.size < READING) void this.#sending.add(this.#status(keys, id, {}));
    }
  }

  /** That a message was read, and what goes with it. */
  #status(keys: Keys, messageId: string, more: object): Promise<ApiResponse> {
    const body = { messaging_product: 'whatsapp', status: 'read', message_id: messageId, ...more };
    return this.#messages(keys, body, this.#ended.signal);
  }

  async #post(keys: Keys, message: object, signal: AbortSignal): Promise<SentMessage> {
    const read = sent.safeParse(jsonOf(await this.#messages(keys, message, signal)));
    const id = read.data?.messages[0]?.id;
    if (id === undefined) throw unreadable();
    return { platformMessageId: id };
  }

  #messages(keys: Keys, message: object, signal: AbortSignal): Promise<ApiResponse> {
    const path = [this.#options.settings.phone_number_id, 'messages'];
    return this.#call(keys, 'POST', path, { type: 'application/json', body: JSON.stringify(message), signal });
  }

  async #call(
    { token }: Keys,
    method: 'GET' | 'POST',
    path: readonly string[],
    request: {
      readonly signal: AbortSignal;
      readonly type?: string;
      readonly body?: string | Buffer;
      readonly query?: Readonly<Record<string, string>>;
    },
  ): Promise<ApiResponse> {
    const { settings, world } = this.#options;
    const { signal, type, body, query = {} } = request;
    const response = await this.#client.request({
      method,
      url: below(settings.api_root, [settings.api_version, ...path], query),
      headers: { Authorization: `Bearer ${token}`, ...(type === undefined ? {} : { 'Content-Type': type }) },
      ...(body === undefined ? {} : { body }),
      signal,
    });
    const refused = refusal(response, world.now());
    if (refused === null) return response;
    // A token that has ended is for the channel to see, not only for whose message it was.
    if (refused.failure.code === 'channel_auth') this.#lost(refused);
    throw refused;
  }

  #lost(reason: SigilError): void {
    const sink = this.#sink;
    this.#sink = null;
    sink?.lost(reason);
  }
}

/** It is sent in a header. */
function checkedToken(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new SigilError(failure('channel_auth', 'the access token of WhatsApp has what no token has; copy it anew'));
}

function checkedNumber(to: string): void {
  if (!/^\d{5,20}$/.test(to))
    throw new SigilError(failure('not_found', `${JSON.stringify(to.slice(0, 40))} is no number of anybody`));
}

/** https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests */
function verification({ verify }: Keys, { query }: WebhookRequest): WebhookResponse {
  const asked = new URLSearchParams(query);
  const challenge = asked.get('hub.challenge') ?? '';
  if (asked.get('hub.mode') !== 'subscribe' || !same(asked.get('hub.verify_token') ?? '', verify)) return answer(401);
  return /^[\w.-]{1,200}$/.test(challenge) ? answer(200, challenge) : answer(400);
}

/** https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads */
function signed({ app }: Keys, { headers, body }: WebhookRequest): boolean {
  const expected = `sha256=${createHmac('sha256', app).update(body).digest('hex')}`;
  return same(headers['x-hub-signature-256'] ?? '', expected);
}

/** In the same time however much of it is right, and however long it is. */
function same(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function answer(status: number, body = '', headers: Readonly<Record<string, string>> = {}): WebhookResponse {
  return { status, headers, body };
}

function unreadable(): SigilError {
  return new SigilError(failure('channel_network', 'WhatsApp answered with what is no answer'));
}
