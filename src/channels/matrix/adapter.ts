// SPDX-License-Identifier: Apache-2.0
// Matrix over the client-server API. The server is told how far it was read only once that is durable: the position is kept
// with it, in the account's own data, and what came after it comes again.

import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { failure, SigilError } from '../../errors.ts';
import type {
  ChannelAdapter,
  ChannelCapabilities,
  ChannelOutbound,
  ChannelSink,
  PlatformSender,
  SentMessage,
} from '../adapter.ts';
import { ApiClient } from '../api-client.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import { InFlight } from '../in-flight.ts';
import { Intake } from '../intake.ts';
import type { ParseMarkdown } from '../text/document.ts';
import { loadMarkdown } from '../text/markdown.ts';
import { MatrixApi } from './api.ts';
import { Inbox } from './inbox.ts';
import type { MatrixSettings } from './settings.ts';
import { editContent, fileContent, MAX_MESSAGE_LENGTH, textContent } from './translate.ts';

/** How long people are shown that it writes, in milliseconds. */
const TYPING = 10_000;
const REMEMBERED = 1_000;

const whoami = z.object({ user_id: z.string().min(3).max(255), device_id: z.string().max(255).optional() });
const profile = z.object({ displayname: z.string().max(1_000).nullish() });
const sent = z.object({ event_id: z.string().min(1).max(255) });
const anything = z.unknown();

export interface MatrixOptions extends ConnectionOptions {
  readonly settings: MatrixSettings;
}

/** What there is while it is connected. */
interface Connected {
  readonly api: MatrixApi;
  readonly own: string;
  readonly parse: ParseMarkdown;
}

export class MatrixAdapter implements ChannelAdapter {
  readonly capabilities: ChannelCapabilities = {
    media: true,
    reactions: true,
    threads: true,
    editing: true,
    typing: true,
    voice: false,
    richText: 'platform',
    maxMessageLength: MAX_MESSAGE_LENGTH,
    mediaTypes: ['*/*'],
    dedupe: 'window',
  };
  readonly #options: MatrixOptions;
  readonly #client = new ApiClient('Matrix');
  readonly #ended = new AbortController();
  /** Events of its own: an answer to one is for it. */
  readonly #sent = new BoundedMap<string, true>(REMEMBERED);
  readonly #sending = new InFlight();
  #connected: Connected | null = null;
  #inbox: Inbox | null = null;
  #sink: ChannelSink | null = null;

  constructor(options: MatrixOptions) {
    this.#options = options;
  }

  async start(sink: ChannelSink, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { settings, resolve, world } = this.#options;
    const both = AbortSignal.any([signal, this.#ended.signal]);
    try {
      const [token, parse] = await Promise.all([resolve(settings.access_token), loadMarkdown()]);
      const api = new MatrixApi(this.#client, { root: settings.homeserver, token, now: () => world.now() });
      const { user_id: own, device_id = 'device' } = await api.call('GET', ['account', 'whoami'], whoami, {
        signal: both,
      });
      const displayName = (await this.#profile(api, own, both))?.displayName ?? own;
      for (const room of settings.rooms) await this.#join(api, room, both);
      const intake = (hold: (full: boolean) => void) => new Intake({ sink, world, hold });
      const inbox = new Inbox({
        api,
        world,
        own: { id: own, displayName },
        device: device_id,
        invites: settings.invites === 'accept',
        intake,
        isOwn: (eventId) => this.#sent.get(eventId) === true,
        notice: (roomId, text) => {
          void this.#sending.add(this.#text({ api, own, parse }, roomId, text, `notice-${roomId}`));
        },
      });
      this.#inbox = inbox;
      await inbox.open(both);
      if (both.aborted) throw this.#client.gone('it was stopped while it connected');
      this.#sink = sink;
      this.#connected = { api, own, parse };
      inbox.run(this.#ended.signal).catch((thrown: unknown) => this.#lost(thrown));
    } catch (thrown) {
      await this.stop();
      throw thrown;
    }
  }

  send(outbound: ChannelOutbound, { signal }: { readonly signal: AbortSignal }): Promise<SentMessage> {
    return this.#sending.add(this.#send(outbound, AbortSignal.any([signal, this.#ended.signal])));
  }

  async #send(outbound: ChannelOutbound, signal: AbortSignal): Promise<SentMessage> {
    const { channelId, threadId, replyTo, content, attachments, idempotencyKey } = outbound;
    const connected = this.#here();
    checkedRoom(channelId);
    checkedLength(content);
    // All is there before anything is said: what fails on the way has said nothing yet.
    const files: object[] = [];
    for (const { name, mediaType, data } of attachments) {
      const url = await connected.api.upload(name, mediaType, data, signal);
      files.push(fileContent({ name, mediaType, size: data.length, url }, { threadId, replyTo }));
    }
    const notice = this.#options.settings.notices;
    const text = textContent(connected.parse, { content, notice, threadId, replyTo });
    const events = [...(content.trim() === '' ? [] : [text]), ...files];
    let first: string | null = null;
    for (const [at, event] of events.entries()) {
      const id = await this.#event(
        connected,
        channelId,
        event,
        at === 0 ? idempotencyKey : `${idempotencyKey}/${at}`,
        signal,
      );
      first ??= id;
    }
    if (first === null) throw new SigilError(failure('validation_failed', 'there is nothing in the message'));
    return { platformMessageId: first };
  }

  async edit(
    channelId: string,
    platformMessageId: string,
    content: string,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<void> {
    const connected = this.#here();
    checkedRoom(channelId);
    checkedLength(content);
    const event = editContent(connected.parse, platformMessageId, { content, notice: this.#options.settings.notices });
    await this.#event(connected, channelId, event, randomUUID(), AbortSignal.any([signal, this.#ended.signal]));
  }

  async react(channelId: string, platformMessageId: string, reaction: string): Promise<void> {
    const { api } = this.#here();
    checkedRoom(channelId);
    const relation = { rel_type: 'm.annotation', event_id: platformMessageId, key: reaction };
    const path = ['rooms', channelId, 'send', 'm.reaction', randomUUID()];
    await api.call('PUT', path, sent, { body: { 'm.relates_to': relation }, signal: this.#ended.signal });
  }

  async typing(channelId: string): Promise<void> {
    const { api, own } = this.#here();
    checkedRoom(channelId);
    const body = { typing: true, timeout: TYPING };
    await api.call('PUT', ['rooms', channelId, 'typing', own], anything, { body, signal: this.#ended.signal });
  }

  async identity(platformId: string): Promise<PlatformSender | null> {
    if (!/^@[^\s:]{0,250}:[^\s]{1,250}$/.test(platformId)) return null;
    return this.#profile(this.#here().api, platformId, this.#ended.signal);
  }

  async stop(): Promise<void> {
    const inbox = this.#inbox;
    this.#inbox = null;
    if (!this.#ended.signal.aborted) {
      await this.#sending.settled(this.#options.world, [inbox?.close()]);
      this.#connected = null;
      this.#ended.abort();
    }
    this.#client.close();
    await this.#sending.over();
  }

  #here(): Connected {
    if (this.#connected === null) throw this.#client.gone('it was not started');
    return this.#connected;
  }

  async #text(connected: Connected, room: string, content: string, key: string): Promise<void> {
    await this.#event(
      connected,
      room,
      textContent(connected.parse, { content, notice: true }),
      key,
      this.#ended.signal,
    );
  }

  /** The key is the transaction's: the server answers a second time under it with the event it made the first time. */
  async #event({ api }: Connected, room: string, body: object, key: string, signal: AbortSignal): Promise<string> {
    const path = ['rooms', room, 'send', 'm.room.message', key];
    const { event_id } = await api.call('PUT', path, sent, { body, signal }).catch((thrown: unknown) => {
      // A token that has ended is for the channel to see, not only for whose message it was.
      if (thrown instanceof SigilError && thrown.failure.code === 'channel_auth') this.#lost(thrown);
      throw thrown;
    });
    this.#sent.set(event_id, true);
    return event_id;
  }

  async #profile(api: MatrixApi, id: string, signal: AbortSignal): Promise<PlatformSender | null> {
    try {
      const { displayname } = await api.call('GET', ['profile', id], profile, { signal });
      return { platformId: id, displayName: displayname ?? id };
    } catch (thrown) {
      const code = thrown instanceof SigilError ? thrown.failure.code : 'internal';
      // Some servers keep profiles to those who share a room.
      if (code === 'not_found' || code === 'forbidden') return null;
      throw thrown;
    }
  }

  async #join(api: MatrixApi, room: string, signal: AbortSignal): Promise<void> {
    try {
      await api.call('POST', ['join', room], anything, { body: {}, signal, silence: 120_000 });
    } catch (thrown) {
      if (!(thrown instanceof SigilError) || thrown.failure.retryable || thrown.failure.code === 'channel_auth')
        throw thrown;
      throw new SigilError(
        failure(
          'channel_refused',
          `the room ${room} cannot be joined: ${thrown.failure.message}; invite the agent, or take it from \`rooms\``,
        ),
      );
    }
  }

  #lost(reason: unknown): void {
    const sink = this.#sink;
    if (sink === null || this.#ended.signal.aborted || this.#inbox === null) return;
    this.#sink = null;
    this.#connected = null;
    this.#ended.abort();
    this.#client.close();
    sink.lost(reason);
  }
}

function checkedRoom(room: string): void {
  if (!/^![^\s]{1,254}$/.test(room))
    throw new SigilError(failure('not_found', `${JSON.stringify(room.slice(0, 80))} is no room's id`));
}

function checkedLength(content: string): void {
  if (content.length > MAX_MESSAGE_LENGTH)
    throw new SigilError(
      failure('payload_too_large', `a message to Matrix has at most ${MAX_MESSAGE_LENGTH} characters`),
    );
}
