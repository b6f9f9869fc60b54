// SPDX-License-Identifier: Apache-2.0
// Telegram: people, groups and topics over the Bot API with grammy, asked for (long polling) or brought (webhook).

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Api, InputFile } from 'grammy';
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
import { ApiClient, below } from '../api-client.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import { InFlight } from '../in-flight.ts';
import { Taking } from '../taking.ts';
import type { ParseMarkdown } from '../text/document.ts';
import { telegramHtml } from '../text/html.ts';
import { loadMarkdown } from '../text/markdown.ts';
import { gone, isMarkup, refusalOf, telegramFailure } from './failures.ts';
import type { TelegramSettings } from './settings.ts';
import { filesOf, inbound, type Me, nameOf, type TelegramFile, type TelegramMessage, update } from './updates.ts';

/** https://core.telegram.org/bots/api#sendmessage: after the marks are read. */
const MAX_TEXT = 4_096;
/** https://core.telegram.org/bots/api#senddocument */
const MAX_CAPTION = 1_024;
/** https://core.telegram.org/bots/api#sendmediagroup */
const MAX_FILES = 10;
/** https://core.telegram.org/bots/api#sending-files */
const MAX_ATTACHED = 50_000_000;
/** Updates of one answer. */
const BATCH = 100;
/** After what was not taken, before it is asked for again, in milliseconds: it doubles up to the longest. */
const RETRY = { first: 500, longest: 30_000 };
/** How long Telegram may take over an answer besides what it may wait for messages, in seconds. */
const ANSWER = 20;
const REMEMBERED = 1_000;

export interface TelegramOptions extends ConnectionOptions {
  readonly settings: TelegramSettings;
}

interface Connection {
  readonly api: Api;
  readonly file: typeof InputFile;
  readonly parse: ParseMarkdown;
  readonly token: string;
  readonly me: Me;
}

/** The library wants the signal of another package, which is the same. */
type GrammySignal = NonNullable<Parameters<Api['getMe']>[0]>;

export class TelegramAdapter implements ChannelAdapter {
  readonly capabilities: ChannelCapabilities = {
    media: true,
    reactions: true,
    threads: true,
    editing: true,
    typing: true,
    voice: false,
    richText: 'platform',
    maxMessageLength: MAX_TEXT,
    mediaTypes: ['*/*'],
    dedupe: 'none',
  };
  readonly #options: TelegramOptions;
  readonly #files = new ApiClient('Telegram');
  readonly #ended = new AbortController();
  readonly #people = new BoundedMap<string, string>(REMEMBERED);
  readonly #sending = new InFlight();
  #connection: Connection | null = null;
  #secret: Buffer = Buffer.alloc(0);
  #sink: ChannelSink | null = null;
  #taking: Taking | null = null;
  #close: () => void = () => undefined;

  constructor(options: TelegramOptions) {
    this.#options = options;
  }

  async start(sink: ChannelSink, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { settings, resolve } = this.#options;
    const [token, given, { Api, InputFile }, parse] = await Promise.all([
      resolve(settings.token),
      settings.webhook_secret === undefined ? '' : resolve(settings.webhook_secret),
      import('grammy'),
      loadMarkdown(),
    ]);
    // It becomes part of an address.
    if (!/^[\w:-]{1,200}$/.test(token))
      throw new SigilError(
        failure('channel_auth', 'the token of the bot is none that @BotFather gives; correct `token`'),
      );
    const both = AbortSignal.any([signal, this.#ended.signal]);
    const root = settings.api_url.replace(/\/+$/, '');
    const secure = root.startsWith('https:');
    const agent = new (process.getBuiltinModule(secure ? 'node:https' : 'node:http').Agent)({ keepAlive: true });
    this.#close = () => agent.destroy();
    const api = new Api(token, {
      apiRoot: root,
      timeoutSeconds: settings.poll_timeout + ANSWER,
      baseFetchConfig: { agent },
    });
    try {
      if (both.aborted) throw gone('it was stopped while it connected');
      const { id, username } = await api.getMe(grammySignal(both));
      this.#connection = { api, file: InputFile, parse, token, me: { id, username } };
      this.#sink = sink;
      this.#taking = new Taking(sink);
      if (settings.mode === 'webhook') await this.#bring(api, token, given, both);
      // What came meanwhile is kept: only the address is forgotten.
      else await api.deleteWebhook({ drop_pending_updates: false }, grammySignal(both));
      both.throwIfAborted();
    } catch (thrown) {
      this.#end('it could not be opened');
      throw telegramFailure(thrown, 'the question who the bot is');
    }
    if (settings.mode === 'polling') void this.#poll(api);
  }

  async #bring(api: Api, token: string, given: string, signal: AbortSignal): Promise<void> {
    const { webhook_url: url = '' } = this.#options.settings;
    const secret = given === '' ? createHmac('sha256', token).update('sigil webhook').digest('hex') : given;
    if (!/^[\w-]{1,256}$/.test(secret))
      throw new SigilError(
        failure('channel_refused', '`webhook_secret` has more than 256 letters, digits, `_` and `-`, or others'),
      );
    this.#secret = digest(secret);
    await api.setWebhook(
      url,
      // Over one connection they come in their order.
      { secret_token: secret, allowed_updates: ['message'], drop_pending_updates: false, max_connections: 1 },
      grammySignal(signal),
    );
  }

  /** Asks for messages until it ends; what is asked for next confirms what came before, so that is only what is durable. */
  async #poll(api: Api): Promise<void> {
    const { settings, world } = this.#options;
    const signal = this.#ended.signal;
    let offset = 0;
    let wait = RETRY.first;
    while (!signal.aborted) {
      try {
        const updates = await api.getUpdates(
          { offset, limit: BATCH, timeout: settings.poll_timeout, allowed_updates: ['message'] },
          grammySignal(signal),
        );
        const next = await this.#taken(updates);
        if (next !== null) offset = Math.max(offset, next.offset);
        if (next?.all ?? true) wait = RETRY.first;
        else {
          await pause(world, wait, signal);
          wait = Math.min(wait * 2, RETRY.longest);
        }
      } catch (thrown) {
        if (signal.aborted) return;
        const lost = telegramFailure(thrown, 'the question for messages');
        this.#end(lost.message);
        this.#sink?.lost(lost);
        return;
      }
    }
  }

  /** @returns up to where updates are durable and whether all are, or null where there were none */
  async #taken(updates: readonly unknown[]): Promise<{ readonly offset: number; readonly all: boolean } | null> {
    const sink = this.#sink;
    if (updates.length === 0 || sink === null) return null;
    const settled = await Promise.all(
      updates.map(async (one) => {
        const { update_id: id, message } = update.parse(one);
        const said = message === undefined ? null : this.#heard(message);
        if (said === null) return { id, durable: true };
        return sink.received(said).then(
          () => ({ id, durable: true }),
          // Why is the sink's to tell.
          () => ({ id, durable: false }),
        );
      }),
    );
    const first = settled.find(({ durable }) => !durable);
    return { offset: first?.id ?? (settled.at(-1)?.id ?? 0) + 1, all: first === undefined };
  }

  async webhook(request: WebhookRequest): Promise<WebhookResponse> {
    const taking = this.#taking;
    if (taking === null || this.#ended.signal.aborted) return answer(503);
    // Where it is asked for messages, none are brought.
    if (this.#secret.length === 0) return answer(401);
    const shown = digest(request.headers['x-telegram-bot-api-secret-token'] ?? '');
    if (!timingSafeEqual(shown, this.#secret)) return answer(401);
    const parsed = update.safeParse(jsonIn(request.body));
    // Telegram would bring it again for ever.
    if (!parsed.success || parsed.data.message === undefined) return answer(200);
    const said = this.#heard(parsed.data.message);
    return answer(said === null || (await taking.all([said])) ? 200 : 503);
  }

  #heard(message: TelegramMessage): ChannelInbound | null {
    const me = this.#connection?.me;
    const said = me === undefined ? null : inbound(message, me);
    if (said === null) return null;
    this.#people.set(said.sender.platformId, said.sender.displayName);
    const attachments = filesOf(message).map(
      ({ file, name, type }): InboundAttachment => ({
        name,
        mediaType: type,
        size: file.file_size ?? null,
        fetch: (limits) => this.#fetch(file, limits),
      }),
    );
    return { ...said, attachments };
  }

  async #fetch(
    file: TelegramFile,
    { most, signal }: { readonly most: number; readonly signal: AbortSignal },
  ): Promise<Uint8Array> {
    const { api, token } = this.#connected();
    if ((file.file_size ?? 0) > most) throw tooLarge(`the file has more than ${most} bytes`);
    const both = AbortSignal.any([signal, this.#ended.signal]);
    const found = await this.#asked('the file', () => api.getFile(file.file_id, grammySignal(both)));
    const { file_path: path = '' } = found;
    const url = below(`${this.#options.settings.api_url.replace(/\/+$/, '')}/file/bot${token}`, path.split('/'));
    const { status, body } = await this.#files.request({ method: 'GET', url, signal: both, most });
    if (status === 200) return body;
    throw new SigilError(
      failure(status >= 500 ? 'channel_network' : 'not_found', `Telegram does not give the file: ${status}`),
    );
  }

  send(outbound: ChannelOutbound, { signal }: { readonly signal: AbortSignal }): Promise<SentMessage> {
    return this.#sending.add(this.#send(outbound, AbortSignal.any([signal, this.#ended.signal])));
  }

  async #send(outbound: ChannelOutbound, signal: AbortSignal): Promise<SentMessage> {
    const { content, channelId, threadId, replyTo, attachments } = outbound;
    const { api, file } = this.#connected();
    if (content.length > MAX_TEXT) throw tooLarge(`a message to Telegram has at most ${MAX_TEXT} characters`);
    if (attachments.length > MAX_FILES) throw tooLarge(`a message to Telegram has at most ${MAX_FILES} files`);
    if (attachments.some(({ data }) => data.length > MAX_ATTACHED))
      throw tooLarge(`a file to Telegram has at most ${MAX_ATTACHED} bytes`);
    const chat = chatOf(channelId);
    const about = {
      ...(threadId === undefined ? {} : { message_thread_id: Number(threadId) }),
      ...(replyTo === undefined || !/^\d+$/.test(replyTo)
        ? {}
        : { reply_parameters: { message_id: Number(replyTo), allow_sending_without_reply: true } }),
    };
    const said = (text: Text) =>
      // Whoever looks at an address for a preview tells it to its owner; a model may have been talked into writing it.
      api.sendMessage(
        chat,
        text.text,
        { ...about, ...text.form, link_preview_options: { is_disabled: true } },
        grammySignal(signal),
      );
    const sent = await this.#asked(`the message to ${channelId}`, async () => {
      if (attachments.length === 0) return this.#marked(content, MAX_TEXT, said);
      const given = attachments.map((one) => ({ ...one, input: new file(one.data, one.name) }));
      const text = content.length <= MAX_CAPTION ? null : await this.#marked(content, MAX_TEXT, said);
      const files = (caption: Text | null) => attached(api, chat, given, { ...about }, caption, signal);
      const [first] = await (text !== null || content === '' ? files(null) : this.#marked(content, MAX_CAPTION, files));
      return text ?? first;
    });
    return { platformMessageId: String(sent?.message_id ?? '') };
  }

  async edit(
    channelId: string,
    platformMessageId: string,
    content: string,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<void> {
    const { api } = this.#connected();
    if (content.length > MAX_TEXT) throw tooLarge(`a message to Telegram has at most ${MAX_TEXT} characters`);
    const both = AbortSignal.any([signal, this.#ended.signal]);
    const chat = chatOf(channelId);
    const editing = this.#asked(`the change of a message to ${channelId}`, async () => {
      try {
        await this.#marked(content, MAX_TEXT, ({ text, form }) =>
          api.editMessageText(
            chat,
            Number(platformMessageId),
            text,
            { ...form, link_preview_options: { is_disabled: true } },
            grammySignal(both),
          ),
        );
      } catch (thrown) {
        // It reads so already.
        if (!/message is not modified/.test(refusalOf(thrown)?.description ?? '')) throw thrown;
      }
    });
    await this.#sending.add(editing);
  }

  /** Gives the text with its marks; as it is written where those are refused, or would make it too long. */
  async #marked<T>(content: string, most: number, give: (text: Text) => Promise<T>): Promise<T> {
    const html = telegramHtml(this.#connected().parse(content));
    const plain: Text = { text: content, form: {} };
    const shown = html.replace(/<[^>]*>/g, '').replace(/&(?:amp|lt|gt|quot);/g, '&');
    if (shown.length > most || shown.trim() === '') return give(plain);
    try {
      return await give({ text: html, form: { parse_mode: 'HTML' } });
    } catch (thrown) {
      if (isMarkup(refusalOf(thrown))) return give(plain);
      throw thrown;
    }
  }

  async react(channelId: string, platformMessageId: string, reaction: string): Promise<void> {
    const { api } = this.#connected();
    // Which pictures may be given is for Telegram to say.
    const emoji = reaction as '👍';
    await this.#asked(`the reaction to a message in ${channelId}`, () =>
      api.setMessageReaction(
        chatOf(channelId),
        Number(platformMessageId),
        reaction === '' ? [] : [{ type: 'emoji', emoji }],
        {},
        grammySignal(this.#ended.signal),
      ),
    );
  }

  async typing(channelId: string, threadId?: string): Promise<void> {
    const { api } = this.#connected();
    const more = threadId === undefined ? {} : { message_thread_id: Number(threadId) };
    await this.#asked('that it writes', () =>
      api.sendChatAction(chatOf(channelId), 'typing', more, grammySignal(this.#ended.signal)),
    );
  }

  async identity(platformId: string): Promise<PlatformSender | null> {
    const known = this.#people.get(platformId);
    if (known !== undefined) return { platformId, displayName: known };
    if (!/^\d{1,16}$/.test(platformId)) return null;
    const { api } = this.#connected();
    try {
      const chat = await api.getChat(Number(platformId), grammySignal(this.#ended.signal));
      if (chat.type !== 'private') return null;
      return { platformId, displayName: nameOf({ ...chat, is_bot: false }) };
    } catch (thrown) {
      if (refusalOf(thrown)?.error_code === 400) return null;
      throw telegramFailure(thrown, `the question who ${platformId} is`);
    }
  }

  async stop(): Promise<void> {
    if (!this.#ended.signal.aborted) await this.#sending.settled(this.#options.world);
    this.#end('it was stopped');
    await this.#sending.over();
  }

  #connected(): Connection {
    if (this.#connection === null || this.#ended.signal.aborted) throw gone('it is not connected');
    return this.#connection;
  }

  async #asked<T>(about: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (thrown) {
      throw telegramFailure(thrown, about);
    }
  }

  #end(reason: string): void {
    if (!this.#ended.signal.aborted) this.#ended.abort(gone(reason));
    this.#files.close();
    this.#close();
  }
}

interface Text {
  readonly text: string;
  readonly form: { readonly parse_mode?: 'HTML' };
}

type Given = OutboundAttachment & { readonly input: InputFile };

/** One file as what it is, several as an album of files: all in one call, of which none or all are sent. */
async function attached(
  api: Api,
  chat: number,
  files: readonly Given[],
  about: object,
  caption: Text | null,
  signal: AbortSignal,
): Promise<readonly { readonly message_id: number }[]> {
  const words = caption === null ? {} : { caption: caption.text, ...caption.form };
  const [first, ...more] = files;
  if (first === undefined) return [];
  if (more.length > 0) {
    const media = files.map(({ input }, at) => ({
      type: 'document' as const,
      media: input,
      ...(at === 0 ? words : {}),
    }));
    return api.sendMediaGroup(chat, media, about, grammySignal(signal));
  }
  const picture = /^image\/(?:jpeg|png|webp)$/.test(first.mediaType) && first.data.length <= 10_000_000;
  const others = { ...about, ...words };
  if (picture) return [await api.sendPhoto(chat, first.input, others, grammySignal(signal))];
  return [await api.sendDocument(chat, first.input, others, grammySignal(signal))];
}

function chatOf(channelId: string): number {
  if (/^-?\d{1,16}$/.test(channelId)) return Number(channelId);
  throw new SigilError(
    failure('not_found', `${JSON.stringify(channelId.slice(0, 80))} is no id of a chat on Telegram`),
  );
}

function tooLarge(says: string): SigilError {
  return new SigilError(failure('payload_too_large', says));
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function answer(status: number): WebhookResponse {
  return { status, headers: status === 503 ? { 'Retry-After': '5' } : {}, body: '' };
}

function jsonIn(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}

function grammySignal(signal: AbortSignal): GrammySignal {
  return signal as unknown as GrammySignal;
}

/** Resolves after so many milliseconds, or when the signal aborts. */
function pause(world: ConnectionOptions['world'], ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = world.after(ms, resolve);
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise.finally(cancel);
}
