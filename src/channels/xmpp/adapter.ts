// SPDX-License-Identifier: Apache-2.0
// XMPP: people and rooms over @xmpp/client.

import type { Client } from '@xmpp/client';
import type { Element } from '@xmpp/xml';
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
import { InFlight } from '../in-flight.ts';
import { Intake } from '../intake.ts';
import type { ParseMarkdown } from '../text/document.ts';
import { loadMarkdown } from '../text/markdown.ts';
import { PLAIN } from '../text/marked-text.ts';
import { shownText } from '../text/shown.ts';
import { Acknowledged } from './acknowledged.ts';
import { connectFailure, gone, stanzaFailure } from './failures.ts';
import type { XmppSettings } from './settings.ts';
import {
  addressed,
  bare,
  bodyOf,
  delayedAt,
  isSaid,
  MAX_MESSAGE_LENGTH,
  NS,
  resourceOf,
  stanzaKey,
  xmlText,
} from './translate.ts';

/** How long a server may take over anything, in milliseconds. */
const ANSWER = 20_000;
const REMEMBERED = 1_000;

export interface XmppOptions extends ConnectionOptions {
  readonly settings: XmppSettings;
}

type Xml = typeof import('@xmpp/client').xml;

export class XmppAdapter implements ChannelAdapter {
  readonly capabilities: ChannelCapabilities = {
    media: false,
    reactions: false,
    threads: false,
    editing: false,
    typing: true,
    voice: false,
    richText: 'none',
    maxMessageLength: MAX_MESSAGE_LENGTH,
    mediaTypes: [],
    dedupe: 'none',
  };
  readonly #options: XmppOptions;
  readonly #ended = new AbortController();
  readonly #listeners = new Set<(stanza: Element) => void>();
  readonly #acknowledged = new Acknowledged();
  /** Who was heard, by platform id. */
  readonly #people = new BoundedMap<string, string>(REMEMBERED);
  /** Who said a message, by its id: an answer names them. */
  readonly #authors = new BoundedMap<string, string>(REMEMBERED);
  /** Ids of what was sent. */
  readonly #own = new BoundedMap<string, true>(REMEMBERED);
  /** The bare address of who is in a room, where the room says. */
  readonly #occupants = new BoundedMap<string, string>(REMEMBERED * 10);
  readonly #sending = new InFlight();
  #xmpp: Client | null = null;
  #parse: ParseMarkdown | null = null;
  #xml: Xml | null = null;
  #sink: ChannelSink | null = null;
  #intake: Intake | null = null;
  #online = false;
  #began = 0;
  #count = 0;
  #pinging: () => void = () => undefined;

  constructor(options: XmppOptions) {
    this.#options = options;
  }

  async start(sink: ChannelSink, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { settings, world, resolve } = this.#options;
    const [password, { client, xml }, parse] = await Promise.all([
      resolve(settings.password),
      import('@xmpp/client'),
      loadMarkdown(),
    ]);
    this.#parse = parse;
    const both = AbortSignal.any([signal, this.#ended.signal]);
    if (both.aborted) throw gone('it was stopped while it connected');
    const [username = '', domain = ''] = settings.jid.split('@');
    const scheme = settings.tls === 'direct' ? 'xmpps' : 'xmpp';
    const xmpp = client({
      ...(settings.host === undefined ? {} : { service: `${scheme}://${settings.host}:${settings.port}` }),
      domain,
      resource: settings.resource,
      credentials: async (authenticate, mechanisms, _fast, entity) => {
        if (settings.tls !== 'none' && !entity.isSecure())
          throw new SigilError(
            failure(
              'channel_refused',
              'the XMPP server offers no TLS; with `tls: none` everything can be read on its way',
            ),
          );
        const mechanism =
          mechanisms.find((one) => one.startsWith('SCRAM')) ?? mechanisms.find((one) => one === 'PLAIN');
        if (mechanism === undefined)
          throw new SigilError(failure('channel_refused', 'the XMPP server takes no password'));
        await authenticate({ username, password }, mechanism, xml('user-agent', {}));
      },
    });
    this.#xmpp = xmpp;
    this.#xml = xml;
    this.#sink = sink;
    this.#began = world.now();
    // It would connect anew by itself, whenever it likes.
    xmpp.reconnect.stop();
    // What the server may forget is what is durable here, not what the library has read. And it is counted from the very
    // element on: the library begins a moment later, by when it may have missed some.
    const acknowledged = this.#acknowledged;
    Object.defineProperty(xmpp.streamManagement, 'inbound', {
      get: () => acknowledged.count,
      set: () => undefined,
    });
    xmpp.on('nonza', (nonza: Element) => {
      if (nonza.is('enabled', NS.streamManagement)) acknowledged.reset();
    });
    const hold = (full: boolean) => {
      const socket = socketOf(xmpp);
      if (full) socket?.pause();
      else socket?.resume();
    };
    this.#intake = new Intake({ sink, world, hold });
    const broken = Promise.withResolvers<never>();
    broken.promise.catch(() => undefined);
    xmpp.on('error', (error: Error) => {
      broken.reject(error);
      if (this.#online) this.#lost(gone(error.message));
    });
    xmpp.on('disconnect', () => {
      broken.reject(gone('the server closed it'));
      if (this.#online) this.#lost(gone('the server closed it'));
    });
    // A character in two pieces of what comes is two broken ones otherwise; until here all was ASCII.
    xmpp.on('online', () => socketOf(xmpp)?.setEncoding('utf8'));
    xmpp.on('stanza', (stanza: Element) => this.#stanza(stanza));
    const aborted = () => broken.reject(gone('it was stopped while it connected'));
    both.addEventListener('abort', aborted, { once: true });
    const late = world.after(ANSWER, () => broken.reject(gone(`the server did not answer within ${ANSWER / 1000} s`)));
    try {
      await Promise.race([xmpp.start(), broken.promise]);
      await xmpp.send(xml('presence', {}));
      await Promise.race([
        Promise.all(settings.rooms.map((room) => this.#join(xmpp, xml, room, both))),
        broken.promise,
      ]);
      both.throwIfAborted();
      this.#online = true;
      this.#ping(xmpp, xml);
    } catch (thrown) {
      await this.#end(gone('it could not be opened'));
      throw connectFailure(thrown, settings.jid);
    } finally {
      late();
      both.removeEventListener('abort', aborted);
    }
  }

  send(outbound: ChannelOutbound, { signal }: { readonly signal: AbortSignal }): Promise<SentMessage> {
    return this.#sending.add(this.#send(outbound, AbortSignal.any([signal, this.#ended.signal])));
  }

  async #send(
    { channelId, content, replyTo, idempotencyKey: id }: ChannelOutbound,
    signal: AbortSignal,
  ): Promise<SentMessage> {
    if (content.length > MAX_MESSAGE_LENGTH)
      throw new SigilError(
        failure('payload_too_large', `a message to XMPP has at most ${MAX_MESSAGE_LENGTH} characters`),
      );
    const [xmpp, xml, parse] = [this.#xmpp, this.#xml, this.#parse];
    if (xmpp === null || xml === null || parse === null || !this.#online) throw gone('it is not connected');
    const room = this.#isRoom(channelId);
    const author = replyTo === undefined ? undefined : this.#authors.get(replyTo);
    const message = xml('message', { to: channelId, type: room ? 'groupchat' : 'chat', id });
    message.append(xml('body', {}, xmlText(shownText(parse, content, PLAIN, MAX_MESSAGE_LENGTH))));
    message.append(xml('origin-id', { xmlns: NS.ids, id }));
    message.append(xml('active', { xmlns: NS.chatStates }));
    if (author !== undefined) message.append(xml('reply', { xmlns: NS.reply, to: author, id: replyTo ?? '' }));
    this.#own.set(id, true);
    const asked = `${id} taken?`;
    const domain = bare(this.#options.settings.jid).split('@')[1] ?? '';
    // A room sends it back; elsewhere the server answers what is asked after it, and an error comes before that.
    const taken = this.#awaited(signal, (stanza) => {
      const { attrs, name } = stanza;
      if (name === 'message' && attrs['id'] === id && bare(String(attrs['from'])) === bare(channelId)) {
        if (attrs['type'] === 'error') throw new SigilError(stanzaFailure(stanza.getChild('error'), channelId));
        if (room && attrs['type'] === 'groupchat') return true;
      }
      return !room && name === 'iq' && attrs['id'] === asked ? true : undefined;
    });
    try {
      await xmpp.send(message);
      if (!room) await xmpp.send(xml('iq', { type: 'get', to: domain, id: asked }, xml('ping', { xmlns: NS.ping })));
      await taken;
    } catch (thrown) {
      taken.catch(() => undefined);
      throw thrown instanceof SigilError ? thrown : gone('it ended before the message was taken');
    }
    return { platformMessageId: id };
  }

  async typing(channelId: string): Promise<void> {
    const [xmpp, xml] = [this.#xmpp, this.#xml];
    if (xmpp === null || xml === null || !this.#online) return;
    const type = this.#isRoom(channelId) ? 'groupchat' : 'chat';
    await xmpp
      .send(xml('message', { to: channelId, type }, xml('composing', { xmlns: NS.chatStates })))
      .catch(() => undefined);
  }

  async identity(platformId: string): Promise<PlatformSender | null> {
    const known = this.#people.get(platformId);
    if (known !== undefined) return { platformId, displayName: known };
    const [xmpp, xml] = [this.#xmpp, this.#xml];
    if (xmpp === null || xml === null || !this.#online || !/^[^\s@/#]+@[^\s@/#]+$/.test(platformId)) return null;
    // Servers say of few accounts that they are there to who is no friend of theirs: null may also mean that.
    const found = await xmpp.iqCaller.get(xml('query', { xmlns: NS.disco }), platformId, ANSWER).catch(() => undefined);
    const account = found?.getChildren('identity').some((one: Element) => one.attrs['category'] === 'account') ?? false;
    return account ? { platformId, displayName: platformId.split('@')[0] ?? platformId } : null;
  }

  async stop(): Promise<void> {
    if (!this.#ended.signal.aborted) await this.#sending.settled(this.#options.world);
    await this.#end(gone('it was stopped'));
    await this.#sending.over();
  }

  #isRoom(channelId: string): boolean {
    return this.#options.settings.rooms.some(({ jid }) => channelId === bare(jid));
  }

  async #join(
    xmpp: Client,
    xml: Xml,
    { jid, password }: XmppSettings['rooms'][number],
    signal: AbortSignal,
  ): Promise<void> {
    const { nick } = this.#options.settings;
    const joined = this.#awaited(signal, (stanza) => {
      if (stanza.name !== 'presence' || bare(String(stanza.attrs['from'])) !== bare(jid)) return undefined;
      if (stanza.attrs['type'] === 'error') {
        const condition = stanza.getChild('error')?.getChildElements()[0]?.name ?? 'no reason given';
        const code = condition === 'conflict' ? 'channel_network' : 'channel_refused';
        throw new SigilError(
          failure(code, `the room ${jid} cannot be joined as ${nick}: ${condition}; correct it under \`rooms\``),
        );
      }
      const self = stanza
        .getChild('x', NS.mucUser)
        ?.getChildren('status')
        .some(({ attrs }) => attrs['code'] === '110');
      return self === true ? true : undefined;
    });
    // What was said before is history: who comes into a room answers none of it.
    const x = xml('x', { xmlns: NS.muc }, xml('history', { maxstanzas: '0' }));
    if (password !== undefined) x.append(xml('password', {}, await this.#options.resolve(password)));
    await xmpp.send(xml('presence', { to: `${bare(jid)}/${nick}` }, x));
    await joined;
  }

  #stanza(stanza: Element): void {
    const durable = this.#acknowledged.arrive();
    const message = stanza.name === 'message' ? this.#inbound(stanza) : null;
    if (stanza.name === 'presence') this.#presence(stanza);
    for (const listener of [...this.#listeners]) listener(stanza);
    if (message === null) durable();
    else this.#intake?.add(message, durable);
  }

  #presence(stanza: Element): void {
    const from = String(stanza.attrs['from'] ?? '');
    if (!this.#isRoom(bare(from))) return;
    const x = stanza.getChild('x', NS.mucUser);
    const real = x?.getChild('item')?.attrs['jid'];
    this.#occupants.set(`${bare(from)}/${resourceOf(from)}`, real === undefined ? '' : bare(String(real)));
    const self = x?.getChildren('status').some(({ attrs }) => attrs['code'] === '110') === true;
    if (this.#online && self && stanza.attrs['type'] === 'unavailable')
      this.#lost(new SigilError(failure('channel_network', `it was thrown out of the room ${bare(from)}`)));
  }

  #inbound(stanza: Element): ChannelInbound | null {
    const { settings, world } = this.#options;
    const from = String(stanza.attrs['from'] ?? '');
    if (from === '' || !isSaid(stanza)) return null;
    const [account, place, nick] = [bare(settings.jid), bare(from), resourceOf(from)];
    const inRoom = this.#isRoom(place);
    const group = stanza.attrs['type'] === 'groupchat';
    // Its own: sent back by a room, or from another connection of the account; and what a room itself says.
    if (place === account || (inRoom && (nick === '' || nick === settings.nick)) || (group && !inRoom)) return null;
    if (group && stanza.getChild('delay', NS.delay)) return null;
    const sender = inRoom
      ? this.#occupant(stanza, place, nick)
      : { platformId: place, displayName: place.split('@')[0] ?? place };
    const { content, named } = addressed(bodyOf(stanza), settings.nick);
    if (content.trim() === '') return null;
    const key = stanzaKey(stanza, [account, ...(inRoom ? [place] : [])]) ?? `${this.#began}-${++this.#count}`;
    const kept = group
      ? stanza.getChildren('stanza-id', NS.ids).find(({ attrs }) => bare(String(attrs['by'])) === place)
      : undefined;
    const messageId = String(kept?.attrs['id'] ?? stanza.attrs['id'] ?? key);
    const replyTo = stanza.getChild('reply', NS.reply)?.attrs['id'];
    this.#people.set(sender.platformId, sender.displayName);
    this.#authors.set(messageId, from);
    return {
      messageId,
      dedupeKey: key,
      // In a room somebody is only their place in it: a word between two goes back there.
      channelId: inRoom && !group ? `${place}/${nick}` : place,
      direct: !group,
      sender,
      content,
      attachments: [],
      ...(replyTo === undefined ? {} : { replyTo: String(replyTo) }),
      mentionsAgent: named || (replyTo !== undefined && this.#own.get(String(replyTo)) === true),
      at: delayedAt(stanza) ?? world.now(),
      metadata: { from, type: stanza.attrs['type'] ?? 'normal', id: stanza.attrs['id'] ?? null },
    };
  }

  /**
   * Who somebody in a room is: their address where the room shows it; else the id the room keeps for them (XEP-0421); else
   * their nick there, which another may take after them. The three look different, so none passes for another.
   */
  #occupant(stanza: Element, room: string, nick: string): PlatformSender {
    const real = this.#occupants.get(`${room}/${nick}`);
    const id = stanza.getChild('occupant-id', NS.occupant)?.attrs['id'];
    const anonymous = id === undefined ? `${room}/${nick}` : `${room}#${id}`;
    return { platformId: real === undefined || real === '' ? anonymous : real, displayName: nick };
  }

  #awaited(signal: AbortSignal, read: (stanza: Element) => true | undefined): Promise<true> {
    const { promise, resolve, reject } = Promise.withResolvers<true>();
    const aborted = () => reject(signal.reason);
    const late = this.#options.world.after(ANSWER, () => reject(gone(`no answer within ${ANSWER / 1000} s`)));
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    const listener = (stanza: Element) => {
      try {
        if (read(stanza)) resolve(true);
      } catch (thrown) {
        reject(thrown);
      }
    };
    this.#listeners.add(listener);
    return promise.finally(() => {
      late();
      this.#listeners.delete(listener);
      signal.removeEventListener('abort', aborted);
    });
  }

  #ping(xmpp: Client, xml: Xml): void {
    this.#pinging = this.#options.world.after(this.#options.settings.ping_interval * 1_000, () => {
      xmpp.iqCaller.get(xml('ping', { xmlns: NS.ping }), undefined, ANSWER).then(
        () => this.#online && this.#ping(xmpp, xml),
        // An error is an answer too: a server that knows no pings is there.
        (thrown: unknown) => {
          if (!this.#online) return;
          if (thrown instanceof Error && thrown.name === 'StanzaError') this.#ping(xmpp, xml);
          else this.#lost(gone('the server does not answer'));
        },
      );
    });
  }

  #lost(reason: SigilError): void {
    if (this.#ended.signal.aborted) return;
    this.#sink?.lost(reason);
    this.#end(reason).catch(() => undefined);
  }

  async #end(reason: SigilError): Promise<void> {
    this.#online = false;
    if (!this.#ended.signal.aborted) this.#ended.abort(reason);
    this.#pinging();
    this.#intake?.close();
    const xmpp = this.#xmpp;
    this.#xmpp = null;
    if (xmpp === null) return;
    const socket = socketOf(xmpp);
    socket?.resume();
    // The library gives the server two seconds to close the stream; then the socket goes whatever it says.
    await xmpp.stop().catch(() => undefined);
    socketOf(xmpp)?.destroy();
    socket?.destroy();
  }
}

/** The library's socket, or the one it wraps for TLS. */
function socketOf(xmpp: Client): import('node:net').Socket | null {
  const outer: unknown = Reflect.get(xmpp, 'socket');
  if (typeof outer !== 'object' || outer === null) return null;
  const inner: unknown = Reflect.get(outer, 'socket');
  const socket = typeof inner === 'object' && inner !== null ? inner : outer;
  return 'setEncoding' in socket ? (socket as import('node:net').Socket) : null;
}
