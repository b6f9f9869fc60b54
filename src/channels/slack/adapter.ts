// SPDX-License-Identifier: Apache-2.0
// Slack: people, channels and threads over the Web API and socket mode packages that bolt is made of, or events brought over
// HTTP. Bolt itself would add a web server (express) and an OAuth flow, neither of which is used.

import type { SocketModeClient } from '@slack/socket-mode';
import type { WebClient } from '@slack/web-api';
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
  WebhookRequest,
  WebhookResponse,
} from '../adapter.ts';
import { ApiClient } from '../api-client.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import { InFlight } from '../in-flight.ts';
import { Intake } from '../intake.ts';
import { OwnSockets } from '../own-sockets.ts';
import { Taking } from '../taking.ts';
import type { ParseMarkdown } from '../text/document.ts';
import { loadMarkdown } from '../text/markdown.ts';
import { delivery, inbound, type Me, type SlackEvent, type SlackFile } from './events.ts';
import { gone, slackError, slackFailure, wrongKey } from './failures.ts';
import { MAX_TEXT, shownAs } from './message.ts';
import type { SlackSettings } from './settings.ts';
import { isSlacks } from './signature.ts';

/** Files of one message; Slack takes more, people do not. */
const MAX_FILES = 10;
const MAX_ATTACHED = 100_000_000;
/** How long Slack may take over an answer, over who somebody is, and over the first connection, in milliseconds. */
const LIMITS = { answer: 20_000, name: 5_000, connect: 30_000, close: 1_000 };
/** As many events may wait for the name of who sent them. */
const MOST_NAMELESS = 256;
const REMEMBERED = 1_000;
/** Reactions go by names of Slack's own. */
const REACTIONS: Readonly<Record<string, string>> = {
  '👍': '+1',
  '👎': '-1',
  '👀': 'eyes',
  '✅': 'white_check_mark',
  '❌': 'x',
  '⏳': 'hourglass_flowing_sand',
  '❤️': 'heart',
  '🎉': 'tada',
};

const authTest = z.object({ user_id: z.string() });
const posted = z.object({ ts: z.string() });
const uploaded = z.object({
  files: z.array(z.object({ files: z.array(z.object({ id: z.string().optional() })).optional() })).optional(),
});
const person = z.object({
  user: z.object({
    name: z.string().optional(),
    real_name: z.string().optional(),
    profile: z.object({ display_name: z.string().optional() }).optional(),
  }),
});

/** Libraries that would write to the console by themselves, what they are given with it. */
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setLevel: () => undefined,
  getLevel: () => 'error' as never,
  setName: () => undefined,
};

export interface SlackOptions extends ConnectionOptions {
  readonly settings: SlackSettings;
}

interface Connection {
  readonly web: WebClient;
  readonly token: string;
  readonly parse: ParseMarkdown;
  readonly me: Me;
}

export class SlackAdapter implements ChannelAdapter {
  readonly capabilities: ChannelCapabilities = {
    media: true,
    reactions: true,
    threads: true,
    editing: true,
    typing: false,
    voice: false,
    richText: 'platform',
    maxMessageLength: MAX_TEXT,
    mediaTypes: ['*/*'],
    dedupe: 'none',
  };
  readonly #options: SlackOptions;
  readonly #files = new ApiClient('Slack');
  readonly #ended = new AbortController();
  readonly #names = new BoundedMap<string, string>(REMEMBERED);
  readonly #sending = new InFlight();
  #connection: Connection | null = null;
  #requests: OwnSockets | null = null;
  #sockets: OwnSockets | null = null;
  #socket: SocketModeClient | null = null;
  #secret: string | null = null;
  #sink: ChannelSink | null = null;
  #intake: Intake | null = null;
  #taking: Taking | null = null;
  #online = false;
  /** Ends when all that came so far has a name: order is kept. */
  #naming: Promise<unknown> = Promise.resolve();
  #nameless = 0;
  #full = false;

  constructor(options: SlackOptions) {
    this.#options = options;
  }

  async start(sink: ChannelSink, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { settings, world, resolve } = this.#options;
    const given = (written: string | undefined) => (written === undefined ? undefined : resolve(written));
    const [token, appToken, secret, { WebClient: Web }, parse, requests] = await Promise.all([
      resolve(settings.bot_token),
      given(settings.app_token),
      given(settings.signing_secret),
      import('@slack/web-api'),
      loadMarkdown(),
      OwnSockets.open(),
    ]);
    this.#requests = requests;
    const both = AbortSignal.any([signal, this.#ended.signal]);
    try {
      if (both.aborted) throw gone('it was stopped while it connected');
      // They become headers.
      if (!/^[\x21-\x7e]+$/.test(token)) throw wrongKey('bot_token', 'it has characters no token has');
      const web = new Web(token, this.#webOptions(requests));
      const { user_id: user } = authTest.parse(await within(web.auth.test(), both));
      this.#connection = { web, token, parse, me: { user } };
      this.#sink = sink;
      this.#taking = new Taking(sink);
      this.#intake = new Intake({ sink, world, hold: (full) => this.#hold(full) });
      this.#online = true;
      if (settings.mode === 'socket') await this.#listen(appToken ?? '', both);
      else this.#secret = secret ?? null;
      both.throwIfAborted();
    } catch (thrown) {
      await this.#end('it could not be opened');
      throw slackFailure(thrown, 'the question who the bot is');
    }
  }

  #webOptions({ fetch }: OwnSockets) {
    return {
      slackApiUrl: this.#options.settings.api_url,
      fetch,
      logger: silent,
      timeout: LIMITS.answer,
      // When to come again is for the outbox to know.
      rejectRateLimitedCalls: true,
      retryConfig: { retries: 0 },
      // The token goes nowhere else; where files are uploaded to, it is not needed.
      allowAbsoluteUrls: true,
    };
  }

  async #listen(appToken: string, signal: AbortSignal): Promise<void> {
    if (!/^[\x21-\x7e]+$/.test(appToken)) throw wrongKey('app_token', 'it has characters no token has');
    const { SocketModeClient: Socket } = await import('@slack/socket-mode');
    const sockets = await OwnSockets.open();
    this.#sockets = sockets;
    const requests = this.#requests ?? sockets;
    const socket = new Socket({
      appToken,
      logger: silent,
      autoReconnectEnabled: false,
      clientOptions: this.#webOptions(requests),
      dispatcher: sockets.agent,
    });
    this.#socket = socket;
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => undefined);
    const late = this.#options.world.after(LIMITS.connect, () => failed.reject(gone('the socket does not open')));
    let stands = false;
    // Slack ends every socket after some hours, too, and says so; the next one hears what this one did not acknowledge.
    socket.on('disconnected', () => {
      failed.reject(gone('the socket closed'));
      if (stands) this.#lost(gone('the socket closed'));
    });
    socket.on('error', () => failed.reject(gone('the socket broke')));
    socket.on('slack_event', ({ ack, type, body }: { ack: () => Promise<void>; type: string; body: unknown }) => {
      // It fails where the socket is gone: Slack then sends the same again.
      const acknowledge = () => void ack().catch(() => undefined);
      const said = type === 'events_api' ? delivery.safeParse(body).data?.event : undefined;
      if (said === undefined) acknowledge();
      else this.#came(said, acknowledge);
    });
    try {
      const starting = socket.start();
      starting.catch(() => undefined);
      await within(Promise.race([starting, failed.promise]), signal);
      stands = true;
    } catch (thrown) {
      throw slackFailure(thrown, 'the socket', 'app_token');
    } finally {
      late();
    }
  }

  /** One behind the other: who sent something is asked for, and what they say next waits for it. */
  #came(said: SlackEvent, taken: () => void): void {
    const me = this.#connection?.me;
    const heard = me === undefined ? null : inbound(said, me);
    if (heard === null) {
      taken();
      return;
    }
    this.#nameless += 1;
    this.#hold(this.#full);
    const named = this.#naming.then(async () => {
      const message = await this.#named(heard, said);
      this.#nameless -= 1;
      this.#hold(this.#full);
      this.#intake?.add(message, taken);
    });
    this.#naming = named.catch(() => undefined);
  }

  #hold(full: boolean): void {
    this.#full = full;
    this.#sockets?.hold(full || this.#nameless > MOST_NAMELESS);
  }

  async #named({ user, ...heard }: NonNullable<ReturnType<typeof inbound>>, said: SlackEvent): Promise<ChannelInbound> {
    const known = this.#names.get(user);
    // Without `users:read`, or an answer in time, the id has to do.
    const displayName = known ?? (await this.#ask(user).catch(() => null)) ?? user;
    this.#names.set(user, displayName);
    const attachments = said.files.map(
      (file): InboundAttachment => ({
        name: file.name ?? file.id,
        mediaType: file.mimetype ?? '',
        size: file.size ?? null,
        fetch: (limits) => this.#fetch(file, limits),
      }),
    );
    return { ...heard, sender: { platformId: user, displayName }, attachments };
  }

  /** @returns what somebody calls themselves */
  async #ask(user: string): Promise<string> {
    const { promise, reject } = Promise.withResolvers<never>();
    const cancel = this.#options.world.after(LIMITS.name, () => reject(gone('it does not say who that is')));
    try {
      const answer = await Promise.race([
        within(this.#connected().web.users.info({ user }), this.#ended.signal),
        promise,
      ]);
      const { name, real_name, profile } = person.parse(answer).user;
      return profile?.display_name || real_name || name || user;
    } finally {
      cancel();
    }
  }

  async webhook(request: WebhookRequest): Promise<WebhookResponse> {
    const [taking, secret, me] = [this.#taking, this.#secret, this.#connection?.me];
    if (taking === null || me === undefined || this.#ended.signal.aborted) return answer(503);
    if (secret === null || !isSlacks(request, secret, this.#options.world.now())) return answer(401);
    const told = delivery.safeParse(jsonIn(request.body)).data;
    if (told?.type === 'url_verification') return { ...answer(200), body: told.challenge ?? '' };
    const said = told?.event;
    const heard = said === undefined ? null : inbound(said, me);
    // What is no message is taken too: Slack would only bring it again.
    if (said === undefined || heard === null) return answer(200);
    const named = this.#naming.then(() => this.#named(heard, said));
    this.#naming = named.catch(() => undefined);
    return answer((await taking.all([await named])) ? 200 : 503);
  }

  async #fetch(
    file: SlackFile,
    { most, signal }: { readonly most: number; readonly signal: AbortSignal },
  ): Promise<Uint8Array> {
    const { token } = this.#connected();
    if ((file.size ?? 0) > most) throw tooLarge(`the file has more than ${most} bytes`);
    const url = new URL(file.url_private_download ?? file.url_private ?? 'about:blank');
    const own = new URL(this.#options.settings.api_url);
    // The token is shown to nobody but Slack.
    if (url.origin !== own.origin && !(url.protocol === 'https:' && /(?:^|\.)slack\.com$/.test(url.hostname)))
      throw new SigilError(failure('forbidden', 'the file is not where Slack keeps files'));
    const both = AbortSignal.any([signal, this.#ended.signal]);
    const headers = { Authorization: `Bearer ${token}` };
    const {
      status,
      headers: told,
      body,
    } = await this.#files.request({ method: 'GET', url, headers, signal: both, most });
    // Who may not have it is shown the page to sign in.
    if (status !== 200 || (/^text\/html/.test(told['content-type'] ?? '') && file.mimetype !== 'text/html'))
      throw new SigilError(
        failure(
          status >= 500 ? 'channel_network' : 'channel_refused',
          `Slack does not give the file (${status}); the app needs the scope files:read`,
        ),
      );
    return body;
  }

  send(outbound: ChannelOutbound, { signal }: { readonly signal: AbortSignal }): Promise<SentMessage> {
    return this.#sending.add(this.#send(outbound, AbortSignal.any([signal, this.#ended.signal])));
  }

  async #send(outbound: ChannelOutbound, signal: AbortSignal): Promise<SentMessage> {
    const { channelId, threadId, replyTo, content, attachments } = outbound;
    const { web } = this.#connected();
    checkLength(content);
    if (attachments.length > MAX_FILES) throw tooLarge(`a message to Slack has at most ${MAX_FILES} files`);
    if (attachments.some(({ data }) => data.length > MAX_ATTACHED))
      throw tooLarge(`a file to Slack has at most ${MAX_ATTACHED} bytes`);
    // An answer to a message is its thread, but between two people, where all of it is one.
    const thread = threadId ?? (channelId.startsWith('D') ? undefined : replyTo);
    const place = thread === undefined ? {} : { thread_ts: thread };
    const about = `the message to ${channelId}`;
    let id = '';
    if (content.trim() !== '') {
      const sent = await this.#shown(content, about, signal, (form) =>
        // Whoever looks at an address for a preview tells it to its owner; a model may have been talked into writing it.
        web.chat.postMessage({ channel: channelId, ...form, ...place, unfurl_links: false, unfurl_media: false }),
      );
      id = posted.parse(sent).ts;
    }
    if (attachments.length > 0) {
      const files = attachments.map(({ name, data }) => ({ file: Buffer.from(data), filename: name }));
      const told = await this.#asked(about, signal, () =>
        web.filesUploadV2({ channel_id: channelId, ...place, file_uploads: files } as never),
      );
      // Slack does not say under which id a file is a message.
      id ||= uploaded.safeParse(told).data?.files?.[0]?.files?.[0]?.id ?? '';
    }
    return { platformMessageId: id };
  }

  async edit(
    channelId: string,
    platformMessageId: string,
    content: string,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<void> {
    const { web } = this.#connected();
    checkLength(content);
    const both = AbortSignal.any([signal, this.#ended.signal]);
    await this.#sending.add(
      this.#shown(content, `the change of a message to ${channelId}`, both, (form) =>
        web.chat.update({ channel: channelId, ts: platformMessageId, ...form }),
      ),
    );
  }

  /** Gives the text as blocks; as mrkdwn alone where Slack does not take those. */
  async #shown<T>(
    content: string,
    about: string,
    signal: AbortSignal,
    give: (form: { readonly text: string; readonly blocks?: never[] }) => Promise<T>,
  ): Promise<T> {
    const { text, full, blocks } = shownAs(content, this.#connected().parse);
    return this.#asked(about, signal, async () => {
      if (blocks.length === 0) return give({ text: full });
      try {
        return await give({ text, blocks: blocks as never[] });
      } catch (thrown) {
        if (!/^invalid_blocks/.test(slackError(thrown) ?? '')) throw thrown;
        return give({ text: full });
      }
    });
  }

  async react(channelId: string, platformMessageId: string, reaction: string): Promise<void> {
    const { web } = this.#connected();
    const name = REACTIONS[reaction] ?? reaction.replaceAll(':', '');
    await this.#asked('the reaction', this.#ended.signal, () =>
      web.reactions.add({ channel: channelId, timestamp: platformMessageId, name }),
    );
  }

  async identity(platformId: string): Promise<PlatformSender | null> {
    if (!/^[UW][A-Z0-9]{1,30}$/.test(platformId)) return null;
    try {
      const displayName = this.#names.get(platformId) ?? (await this.#ask(platformId));
      return { platformId, displayName };
    } catch (thrown) {
      if (slackError(thrown) === 'user_not_found') return null;
      throw slackFailure(thrown, `the question who ${platformId} is`);
    }
  }

  async stop(): Promise<void> {
    if (!this.#ended.signal.aborted) await this.#sending.settled(this.#options.world);
    await this.#end('it was stopped');
    await this.#sending.over();
  }

  #connected(): Connection {
    if (this.#connection === null || !this.#online) throw gone('it is not connected');
    return this.#connection;
  }

  async #asked<T>(about: string, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    try {
      return await within(ask(), signal);
    } catch (thrown) {
      throw slackFailure(thrown, about);
    }
  }

  #lost(reason: SigilError): void {
    if (this.#ended.signal.aborted) return;
    this.#sink?.lost(reason);
    this.#end(reason.message).catch(() => undefined);
  }

  async #end(reason: string): Promise<void> {
    this.#online = false;
    if (!this.#ended.signal.aborted) this.#ended.abort(gone(reason));
    this.#intake?.close();
    this.#files.close();
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = this.#options.world.after(LIMITS.close, resolve);
      // A socket that is not read from would not hear that the other side closes, too.
      this.#sockets?.hold(false);
      await Promise.race([socket.disconnect().catch(() => undefined), promise]);
      cancel();
    }
    await this.#sockets?.close();
    await this.#requests?.close();
  }
}

/** The library's calls cannot be ended: who waits for one can. */
async function within<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const aborted = () => reject(signal.reason instanceof SigilError ? signal.reason : gone('it was stopped'));
  if (signal.aborted) aborted();
  signal.addEventListener('abort', aborted, { once: true });
  promise.catch(() => undefined);
  call.catch(() => undefined);
  try {
    return await Promise.race([call, promise]);
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}

function checkLength(content: string): void {
  if (content.length > MAX_TEXT) throw tooLarge(`a message to Slack has at most ${MAX_TEXT} characters`);
}

function tooLarge(says: string): SigilError {
  return new SigilError(failure('payload_too_large', says));
}

function answer(status: number): WebhookResponse {
  return { status, headers: { 'Content-Type': 'text/plain' }, body: '' };
}

function jsonIn(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}
