// SPDX-License-Identifier: Apache-2.0
// IRC: channels and private messages over irc-framework. The protocol has no ids, no answers and no history; what stands for
// them is said where it is made.

import type { Client, IrcLine, IrcMessageEvent } from 'irc-framework';
import { failure, SigilError } from '../../errors.ts';
import type {
  ChannelAdapter,
  ChannelCapabilities,
  ChannelInbound,
  ChannelOutbound,
  ChannelSink,
  PlatformSender,
  SentMessage,
} from '../adapter.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import { SETTLE } from '../in-flight.ts';
import { Intake } from '../intake.ts';
import type { ParseMarkdown } from '../text/document.ts';
import { loadMarkdown } from '../text/markdown.ts';
import { PLAIN } from '../text/marked-text.ts';
import { shownText } from '../text/shown.ts';
import { messageRefusal } from './numerics.ts';
import { Pacer } from './pacer.ts';
import { awaited, identify, join, type Lines, register } from './registration.ts';
import type { IrcSettings } from './settings.ts';
import {
  addressed,
  checkedTarget,
  lines,
  MAX_MESSAGE_LENGTH,
  parseMask,
  plainText,
  platformId,
  room,
} from './translate.ts';

/** How long a server may take to close what was ended, in milliseconds. */
const CLOSE = 1_000;
/** After a kick, in milliseconds: who was thrown out comes back, but not at once. */
const REJOIN = 5_000;
/** People and messages that are remembered, to know who somebody is and whom an answer is for. */
const REMEMBERED = 1_000;

export interface IrcOptions extends ConnectionOptions {
  readonly settings: IrcSettings;
}

export class IrcAdapter implements ChannelAdapter {
  readonly capabilities: ChannelCapabilities = {
    media: false,
    reactions: false,
    threads: false,
    editing: false,
    typing: false,
    voice: false,
    richText: 'none',
    maxMessageLength: MAX_MESSAGE_LENGTH,
    mediaTypes: [],
    dedupe: 'none',
  };
  readonly #options: IrcOptions;
  readonly #listeners = new Set<(line: IrcLine) => void>();
  readonly #ended = new AbortController();
  readonly #nicks = new BoundedMap<string, string>(REMEMBERED);
  readonly #askers = new BoundedMap<string, string>(REMEMBERED);
  readonly #pacer: Pacer;
  #client: Client | null = null;
  #parse: ParseMarkdown | null = null;
  #intake: Intake | null = null;
  #sink: ChannelSink | null = null;
  #online = false;
  #began = 0;
  #count = 0;
  #asked = 0;
  #rejoining: (() => void) | null = null;
  /** Ends when all that was given to `send` so far has settled. */
  #sending: Promise<unknown> = Promise.resolve();

  constructor(options: IrcOptions) {
    this.#options = options;
    const { flood_burst: burst, flood_interval: interval } = options.settings;
    this.#pacer = new Pacer(options.world, { burst, interval });
  }

  async start(sink: ChannelSink, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { settings, world, resolve } = this.#options;
    const given = async (written: string | undefined): Promise<string | undefined> => {
      if (written === undefined) return undefined;
      const text = await resolve(written);
      // A password is sent as part of a line: it must not begin another one.
      if (!/[\r\n\0]/.test(text)) return text;
      throw new SigilError(
        failure('channel_auth', 'a password for IRC has a line break; correct the secret it is kept in'),
      );
    };
    const [password, serverPassword, { default: library }, parse] = await Promise.all([
      given(settings.password),
      given(settings.server_password),
      import('irc-framework'),
      loadMarkdown(),
    ]);
    this.#parse = parse;
    const both = AbortSignal.any([signal, this.#ended.signal]);
    if (both.aborted) throw gone('it was stopped while it connected');
    const client = new library.Client();
    this.#client = client;
    this.#sink = sink;
    this.#began = world.now();
    const hold = (full: boolean) => {
      const socket = client.connection.transport?.socket;
      if (full) socket?.pause();
      else socket?.resume();
    };
    this.#intake = new Intake({ sink, world, hold });
    client.connection.on('message', (line) => {
      for (const listener of [...this.#listeners]) listener(line);
    });
    client.on('socket close', (error) => this.#closed(error ? error.message : 'the server closed it'));
    client.on('privmsg', (event) => this.#heard(event, event.message));
    client.on('action', (event) => this.#heard(event, `* ${event.nick} ${event.message}`));
    this.#lines((line) => this.#kicked(line));
    const registration = { client, settings, world, signal: both, password };
    try {
      const registered = register(registration, this.#lines);
      client.connect({
        host: settings.host,
        port: settings.port,
        tls: settings.tls,
        rejectUnauthorized: settings.tls_verify,
        nick: settings.nick,
        username: settings.username,
        gecos: settings.realname,
        password: serverPassword,
        ...(settings.auth === 'sasl'
          ? { account: { account: settings.account ?? settings.nick, password }, sasl_disconnect_on_fail: true }
          : { account: {} }),
        auto_reconnect: false,
        // It would answer CTCP VERSION by itself, to whoever asks and as often.
        version: null,
        ping_interval: settings.ping_interval,
        ping_timeout: settings.ping_timeout,
      });
      await registered;
      // A line and the question after it are one thing: the second would wait until the server confirmed the first.
      client.connection.transport?.socket?.setNoDelay(true);
      await identify(registration, this.#lines);
      await Promise.all(settings.channels.map((channel) => join(registration, channel, this.#lines)));
      both.throwIfAborted();
      this.#online = true;
    } catch (thrown) {
      this.#end('it could not be opened');
      throw thrown instanceof SigilError ? thrown : gone('it was stopped while it connected');
    }
  }

  send(outbound: ChannelOutbound, { signal }: { readonly signal: AbortSignal }): Promise<SentMessage> {
    const sent = this.#sending.then(() => this.#send(outbound, AbortSignal.any([signal, this.#ended.signal])));
    this.#sending = sent.catch(() => undefined);
    return sent;
  }

  async #send(
    { channelId, content, replyTo, idempotencyKey }: ChannelOutbound,
    signal: AbortSignal,
  ): Promise<SentMessage> {
    const target = checkedTarget(channelId);
    if (content.length > MAX_MESSAGE_LENGTH)
      throw new SigilError(
        failure('payload_too_large', `a message to IRC has at most ${MAX_MESSAGE_LENGTH} characters`),
      );
    const client = this.#client;
    const parse = this.#parse;
    if (client === null || parse === null || !this.#online) throw gone('it is not connected');
    const asker = replyTo === undefined ? undefined : this.#askers.get(replyTo);
    const shown = shownText(parse, content, PLAIN, MAX_MESSAGE_LENGTH);
    const text = asker === undefined ? shown : `${asker}: ${shown}`;
    // An empty line cannot be sent; a message of nothing else is nothing to send.
    try {
      for (const line of lines(text, room(client.user.nick, target))) {
        await this.#pacer.turn(signal);
        await this.#taken(client, `PRIVMSG ${target} :${line}`, target, signal);
      }
    } catch (thrown) {
      throw thrown instanceof SigilError ? thrown : gone('it ended before the message was taken');
    }
    // The server gives none; the key is as good, and is unique as well.
    return { platformMessageId: idempotencyKey };
  }

  /** Sends a line and asks the server something after it: when it answers that, it has taken the line or said why not. */
  async #taken(client: Client, line: string, target: string, signal: AbortSignal): Promise<void> {
    const token = `sent-${++this.#asked}`;
    const answered = awaited(this.#lines, signal, ({ command, params }) => {
      if (command === 'PONG' && params.at(-1) === token) return true;
      if (!client.caseCompare(params[1] ?? '', target)) return undefined;
      const refused = messageRefusal(command, params.at(-1) ?? '', target);
      if (refused !== null) throw new SigilError(refused);
      return undefined;
    });
    client.raw(line);
    client.raw(`PING ${token}`);
    await answered;
  }

  async identity(id: string): Promise<PlatformSender | null> {
    const client = this.#client;
    const mask = parseMask(id);
    // An account cannot be asked for: who was heard under it is, or else who has it for a nick.
    const nick = mask?.nick ?? this.#nicks.get(id) ?? id;
    if (client === null || !this.#online || !/^[^\s,:*?!@#&]{1,64}$/.test(nick)) return null;
    const found: { user?: string; host?: string; account?: string } = {};
    const told = awaited(this.#lines, this.#ended.signal, ({ command, params }) => {
      if (!client.caseCompare(params[1] ?? '', nick)) return undefined;
      if (command === '311') Object.assign(found, { user: params[2], host: params[3] });
      else if (command === '330') Object.assign(found, { account: params[2] });
      return command === '318' || command === '401' ? true : undefined;
    });
    await this.#pacer.turn(this.#ended.signal);
    client.raw(`WHOIS ${nick}`);
    await told.catch(() => undefined);
    const same = mask === null ? found.account === id : found.user === mask.user && found.host === mask.host;
    return same ? { platformId: id, displayName: nick } : null;
  }

  async stop(): Promise<void> {
    if (!this.#ended.signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = this.#options.world.after(SETTLE, resolve);
      await Promise.race([this.#sending, promise]);
      cancel();
    }
    this.#end('it was stopped');
    await this.#sending;
  }

  readonly #lines: Lines = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #heard(event: IrcMessageEvent, said: string): void {
    const client = this.#client;
    const intake = this.#intake;
    if (client === null || intake === null || event.from_server || event.nick === '') return;
    // Its own, when the network sends them back, and those who say of themselves that they are bots.
    if (client.caseCompare(event.nick, client.user.nick) || Object.hasOwn(event.tags, 'bot')) return;
    const direct = client.caseCompare(event.target, client.user.nick);
    const { content, named } = addressed(plainText(said), client.user.nick);
    if (content.trim() === '') return;
    const sender = { platformId: platformId(event), displayName: event.nick };
    this.#nicks.set(sender.platformId, event.nick);
    const at = event.time ?? this.#options.world.now();
    const messageId = event.tags['msgid'] ?? this.#key(event, at);
    if (!direct) this.#askers.set(messageId, event.nick);
    const message: ChannelInbound = {
      messageId,
      dedupeKey: messageId,
      channelId: client.caseLower(direct ? event.nick : event.target),
      direct,
      sender,
      content,
      attachments: [],
      mentionsAgent: named,
      at,
      metadata: { nick: event.nick, user: event.ident, host: event.hostname, account: event.account ?? null },
    };
    intake.add(message);
  }

  /**
   * For servers that give messages no id. They send nothing twice either, so a number will do; what a bouncer plays back it
   * may play back again, and is known by all there is of it.
   */
  #key(event: IrcMessageEvent, at: number): string {
    if (event.batch !== undefined) return `${at} ${event.nick} ${event.target} ${event.message}`;
    return `${this.#began}-${++this.#count}`;
  }

  #kicked({ command, params }: IrcLine): void {
    const client = this.#client;
    if (command !== 'KICK' || client === null || !client.caseCompare(params[1] ?? '', client.user.nick)) return;
    const channel = this.#options.settings.channels.find(({ name }) => client.caseCompare(name, params[0] ?? ''));
    if (channel === undefined || this.#rejoining !== null) return;
    this.#rejoining = this.#options.world.after(REJOIN, () => {
      this.#rejoining = null;
      join({ client, signal: this.#ended.signal }, channel, this.#lines).catch((thrown: unknown) => {
        // Somebody threw it out for good: the channel's actor says so, and tries again later.
        if (thrown instanceof SigilError) this.#lost(thrown);
      });
    });
  }

  #closed(reason: string): void {
    const quiet = this.#ended.signal.aborted;
    if (!quiet && this.#online) this.#lost(gone(reason));
    else this.#end(reason);
  }

  #lost(reason: SigilError): void {
    if (this.#ended.signal.aborted) return;
    this.#end(reason.message);
    this.#sink?.lost(reason);
  }

  #end(reason: string): void {
    const online = this.#online;
    this.#online = false;
    if (!this.#ended.signal.aborted) this.#ended.abort(gone(reason));
    this.#intake?.close();
    this.#rejoining?.();
    this.#rejoining = null;
    const client = this.#client;
    this.#client = null;
    if (client === null) return;
    const socket = client.connection.transport?.socket;
    if (socket !== null && socket !== undefined) {
      const cancel = this.#options.world.after(CLOSE, () => socket.destroy());
      socket.once('close', cancel);
      socket.on('error', () => undefined);
      if (online) socket.write('QUIT\r\n');
      client.connection.end();
      if (!online) socket.destroy();
      // What comes now is for nobody, and a socket whose data nobody reads never ends.
      else socket.resume();
    }
    client.removeAllListeners();
    this.#listeners.clear();
  }
}

function gone(why: string): SigilError {
  return new SigilError(failure('channel_network', `the connection to IRC is not there: ${why}`));
}
