// SPDX-License-Identifier: Apache-2.0
// Discord: people, channels and threads over the gateway and REST packages that discord.js is made of. The whole of it would
// keep a copy of every server in memory, which nothing here asks for.

import { createHash } from 'node:crypto';
import type { REST, RequestData } from '@discordjs/rest';
import type { APIGatewayBotInfo, GatewayDispatchPayload } from 'discord-api-types/v10';
import { z } from 'zod';
import { failure, SigilError } from '../../errors.ts';
import type {
  ChannelAdapter,
  ChannelCapabilities,
  ChannelInbound,
  ChannelOutbound,
  ChannelSink,
  InboundAttachment,
  PlatformSender,
  SentMessage,
} from '../adapter.ts';
import { ApiClient } from '../api-client.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import { InFlight } from '../in-flight.ts';
import { Intake } from '../intake.ts';
import { OwnSockets } from '../own-sockets.ts';
import { discordMarkdown } from '../text/discord-markdown.ts';
import type { ParseMarkdown } from '../text/document.ts';
import { loadMarkdown } from '../text/markdown.ts';
import { discordFailure, gone, statusOf, wrongToken } from './failures.ts';
import { Gateway } from './gateway.ts';
import {
  type DiscordAttachment,
  type DiscordMessage,
  type DiscordUser,
  inbound,
  message,
  nameOf,
  threadsIn,
} from './messages.ts';
import type { DiscordSettings } from './settings.ts';

/** https://discord.com/developers/docs/resources/message#create-message */
const MAX_TEXT = 2_000;
const MAX_FILES = 10;
const MAX_ATTACHED = 10_000_000;
const MAX_NONCE = 25;
/** Guilds, messages of guilds, direct messages (https://discord.com/developers/docs/events/gateway#gateway-intents). */
const INTENTS = (1 << 0) | (1 << 9) | (1 << 12);
const MESSAGE_CONTENT = 1 << 15;
/** No preview of an address: whoever looks at it for one tells it to its owner, and a model may have been talked into writing it. */
const SUPPRESS_EMBEDS = 1 << 2;
/** How long Discord may take over an answer, in milliseconds. */
const ANSWER = 20_000;
const REMEMBERED = 1_000;

const user = z.object({ id: z.string(), username: z.string(), global_name: z.string().nullish() });
const created = z.object({ id: z.string(), channel_id: z.string() });

export interface DiscordOptions extends ConnectionOptions {
  readonly settings: DiscordSettings;
}

interface Connection {
  readonly rest: REST;
  readonly gateway: Gateway;
  readonly parse: ParseMarkdown;
  readonly me: DiscordUser;
}

export class DiscordAdapter implements ChannelAdapter {
  readonly capabilities: ChannelCapabilities = {
    media: true,
    reactions: true,
    threads: true,
    editing: true,
    typing: true,
    voice: false,
    richText: 'markdown',
    maxMessageLength: MAX_TEXT,
    mediaTypes: ['*/*'],
    dedupe: 'window',
  };
  readonly #options: DiscordOptions;
  readonly #files = new ApiClient('Discord');
  readonly #ended = new AbortController();
  readonly #people = new BoundedMap<string, string>(REMEMBERED);
  /** Where a message of its own is, where that is a thread. */
  readonly #places = new BoundedMap<string, string>(REMEMBERED);
  readonly #sending = new InFlight();
  #connection: Connection | null = null;
  #sockets: OwnSockets | null = null;
  #sink: ChannelSink | null = null;
  #intake: Intake | null = null;
  #online = false;

  constructor(options: DiscordOptions) {
    this.#options = options;
  }

  async start(sink: ChannelSink, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { settings, world, resolve } = this.#options;
    const [token, { REST: Rest }, library, parse, sockets] = await Promise.all([
      resolve(settings.token),
      import('@discordjs/rest'),
      import('@discordjs/ws'),
      loadMarkdown(),
      OwnSockets.open(),
    ]);
    this.#sockets = sockets;
    const both = AbortSignal.any([signal, this.#ended.signal]);
    try {
      if (both.aborted) throw gone('it was stopped while it connected');
      // It becomes a header.
      if (!/^[\x21-\x7e]+$/.test(token)) throw wrongToken();
      const rest = new Rest({
        api: settings.api_url.replace(/\/+$/, ''),
        version: '10',
        // When to come again is for the outbox to know.
        rejectOnRateLimit: () => true,
        retries: 0,
        timeout: ANSWER,
        makeRequest: (url, init) => sockets.fetch(url, init as never) as never,
      }).setToken(token);
      this.#sink = sink;
      const [me, information] = await Promise.all([
        rest.get('/users/@me', { signal: both as never }),
        rest.get('/gateway/bot', { signal: both as never }),
      ]);
      const gateway = new Gateway({
        library,
        world,
        token,
        api: settings.api_url,
        intents: INTENTS | (settings.message_content ? MESSAGE_CONTENT : 0),
        information: information as APIGatewayBotInfo,
        kept: this.#options.kept,
        heard: (payload) => this.#dispatched(payload),
        lost: (reason) => this.#lost(reason),
      });
      this.#intake = new Intake({ sink, world, hold: (full) => gateway.hold(full) });
      this.#connection = { rest, gateway, parse, me: user.parse(me) };
      await gateway.connect(both);
      both.throwIfAborted();
      this.#online = true;
    } catch (thrown) {
      await this.#end('it could not be opened', true);
      throw discordFailure(thrown, 'the question who the bot is');
    }
  }

  #dispatched({ t: type, d: data, s: sequence }: GatewayDispatchPayload): void {
    const connection = this.#connection;
    if (connection === null || this.#ended.signal.aborted) return;
    const { gateway, me } = connection;
    for (const [thread, channel] of threadsIn(type, data)) gateway.threads.set(thread, channel);
    if (type !== 'MESSAGE_CREATE') return;
    const said = message.safeParse(data).data;
    const heard = said === undefined ? null : inbound(said, me, gateway.threads.get(said.channel_id));
    if (said === undefined || heard === null) return;
    this.#people.set(heard.sender.platformId, heard.sender.displayName);
    this.#intake?.add({ ...heard, attachments: this.#attachments(said) }, gateway.taking(sequence));
  }

  #attachments({ attachments }: DiscordMessage): ChannelInbound['attachments'] {
    return attachments.map(
      (one): InboundAttachment => ({
        name: one.filename,
        mediaType: one.content_type ?? '',
        size: one.size ?? null,
        fetch: (limits) => this.#fetch(one, limits),
      }),
    );
  }

  async #fetch(
    file: DiscordAttachment,
    { most, signal }: { readonly most: number; readonly signal: AbortSignal },
  ): Promise<Uint8Array> {
    if ((file.size ?? 0) > most) throw tooLarge(`the file has more than ${most} bytes`);
    const url = new URL(file.url);
    const own = new URL(this.#options.settings.api_url).host;
    if (url.host !== own && !/(?:^|\.)discordapp\.(?:com|net)$/.test(url.hostname))
      throw new SigilError(failure('forbidden', 'the file is not where Discord keeps files'));
    const both = AbortSignal.any([signal, this.#ended.signal]);
    const { status, body } = await this.#files.request({ method: 'GET', url, signal: both, most });
    if (status === 200) return body;
    throw new SigilError(
      failure(status >= 500 ? 'channel_network' : 'not_found', `Discord does not give the file: ${status}`),
    );
  }

  send(outbound: ChannelOutbound, { signal }: { readonly signal: AbortSignal }): Promise<SentMessage> {
    return this.#sending.add(this.#send(outbound, signal));
  }

  async #send(outbound: ChannelOutbound, signal: AbortSignal): Promise<SentMessage> {
    const { channelId, threadId, content, replyTo, attachments, idempotencyKey } = outbound;
    checkLength(content);
    if (attachments.length > MAX_FILES) throw tooLarge(`a message to Discord has at most ${MAX_FILES} files`);
    if (attachments.reduce((sum, { data }) => sum + data.length, 0) > MAX_ATTACHED)
      throw tooLarge(`the files of a message to Discord have at most ${MAX_ATTACHED} bytes`);
    const place = snowflake(threadId ?? channelId);
    const sent = await this.#asked(`the message to ${channelId}`, 'POST', `/channels/${place}/messages`, signal, {
      body: {
        ...this.#body(content),
        // Within some minutes the same is not sent again, and answered as if it were.
        nonce: createHash('sha256').update(idempotencyKey).digest('base64url').slice(0, MAX_NONCE),
        enforce_nonce: true,
        ...(replyTo === undefined || !/^\d{1,20}$/.test(replyTo)
          ? {}
          : { message_reference: { message_id: replyTo, fail_if_not_exists: false } }),
      },
      files: attachments.map(({ name, mediaType, data }) => ({
        name,
        contentType: mediaType,
        data: Buffer.from(data),
      })),
    });
    const { id } = created.parse(sent);
    if (threadId !== undefined) this.#places.set(id, place);
    return { platformMessageId: id };
  }

  async edit(
    channelId: string,
    platformMessageId: string,
    content: string,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<void> {
    checkLength(content);
    const place = snowflake(this.#places.get(platformMessageId) ?? channelId);
    const path = `/channels/${place}/messages/${snowflake(platformMessageId)}` as const;
    await this.#sending.add(
      this.#asked(`the change of a message to ${channelId}`, 'PATCH', path, signal, { body: this.#body(content) }),
    );
  }

  #body(content: string): object {
    const shown = discordMarkdown(content, this.#connected().parse);
    return {
      // Nobody is called either way.
      content: shown.length > MAX_TEXT ? content : shown,
      allowed_mentions: { parse: [], replied_user: true },
      flags: SUPPRESS_EMBEDS,
    };
  }

  async react(channelId: string, platformMessageId: string, reaction: string): Promise<void> {
    const place = snowflake(this.#places.get(platformMessageId) ?? channelId);
    const path = `/channels/${place}/messages/${snowflake(platformMessageId)}/reactions/${encodeURIComponent(reaction)}/@me`;
    await this.#asked('the reaction', 'PUT', path as `/${string}`, this.#ended.signal);
  }

  async typing(channelId: string, threadId?: string): Promise<void> {
    const path = `/channels/${snowflake(threadId ?? channelId)}/typing` as const;
    await this.#asked('that it writes', 'POST', path, this.#ended.signal);
  }

  async identity(platformId: string): Promise<PlatformSender | null> {
    const known = this.#people.get(platformId);
    if (known !== undefined) return { platformId, displayName: known };
    if (!/^\d{1,20}$/.test(platformId)) return null;
    try {
      const found = await this.#connected().rest.get(`/users/${platformId}`, { signal: this.#ended.signal as never });
      return { platformId, displayName: nameOf(user.parse(found)) };
    } catch (thrown) {
      if (statusOf(thrown) === 404) return null;
      throw discordFailure(thrown, `the question who ${platformId} is`);
    }
  }

  async stop(): Promise<void> {
    if (!this.#ended.signal.aborted) await this.#sending.settled(this.#options.world);
    await this.#end('it was stopped', true);
    await this.#sending.over();
  }

  async #asked(
    about: string,
    method: 'POST' | 'PATCH' | 'PUT',
    path: `/${string}`,
    signal: AbortSignal,
    data: RequestData = {},
  ): Promise<unknown> {
    const { rest } = this.#connected();
    const both = AbortSignal.any([signal, this.#ended.signal]);
    try {
      return await rest.request({ ...data, method: method as never, fullRoute: path, signal: both as never });
    } catch (thrown) {
      throw discordFailure(thrown, about);
    }
  }

  #connected(): Connection {
    if (this.#connection === null || !this.#online) throw gone('it is not connected');
    return this.#connection;
  }

  #lost(reason: SigilError): void {
    if (this.#ended.signal.aborted) return;
    this.#sink?.lost(reason);
    this.#end(reason.message, true).catch(() => undefined);
  }

  async #end(reason: string, keep: boolean): Promise<void> {
    this.#online = false;
    if (!this.#ended.signal.aborted) this.#ended.abort(gone(reason));
    this.#files.close();
    const connection = this.#connection;
    connection?.rest.clearHashSweeper();
    connection?.rest.clearHandlerSweeper();
    await connection?.gateway.end(keep);
    this.#intake?.close();
    await this.#sockets?.close();
  }
}

function checkLength(content: string): void {
  if (content.length > MAX_TEXT) throw tooLarge(`a message to Discord has at most ${MAX_TEXT} characters`);
}

/** An id as Discord has them: nothing else becomes part of an address. */
function snowflake(id: string): string {
  if (/^\d{1,20}$/.test(id)) return id;
  throw new SigilError(failure('not_found', `${JSON.stringify(id.slice(0, 80))} is no id on Discord`));
}

function tooLarge(says: string): SigilError {
  return new SigilError(failure('payload_too_large', says));
}
