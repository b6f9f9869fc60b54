// SPDX-License-Identifier: Apache-2.0
// E-mail: one folder read over IMAP, answers sent over SMTP and kept in a folder of their own.

import type { FetchMessageObject, ImapFlow } from 'imapflow';
import type { ParsedMail } from 'mailparser';
import type { Transporter } from 'nodemailer';
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
import { BoundedMap } from '../bounded-map.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import { InFlight, SETTLE } from '../in-flight.ts';
import type { ParseMarkdown } from '../text/document.ts';
import { matrixHtml } from '../text/html.ts';
import { loadMarkdown } from '../text/markdown.ts';
import { PLAIN } from '../text/marked-text.ts';
import { shownText } from '../text/shown.ts';
import { gone, imapFailure, smtpFailure } from './failures.ts';
import { imapServer, smtpServer } from './servers.ts';
import type { EmailSettings } from './settings.ts';
import {
  answering,
  isAddress,
  isAutomatic,
  MAX_MESSAGE_LENGTH,
  messageIdFor,
  referencesOf,
  replySubject,
  senderOf,
  withoutQuotes,
} from './translate.ts';

/** Mails that are being taken at once. */
const IN_HAND = 32;
/** Before what was not taken is offered again, in milliseconds. */
const RETRY = 1_000;
const REMEMBERED = 1_000;
/** How long a server may be silent, in milliseconds. */
const ANSWER = 20_000;

export interface EmailOptions extends ConnectionOptions {
  readonly settings: EmailSettings;
}

/** What an answer needs of the mail it answers. */
interface Answered {
  readonly subject: string;
  readonly references: readonly string[];
}

export class EmailAdapter implements ChannelAdapter {
  readonly capabilities: ChannelCapabilities = {
    media: true,
    reactions: false,
    threads: true,
    editing: false,
    typing: false,
    voice: false,
    richText: 'platform',
    maxMessageLength: MAX_MESSAGE_LENGTH,
    mediaTypes: ['*/*'],
    dedupe: 'lookup',
  };
  readonly #options: EmailOptions;
  readonly #ended = new AbortController();
  readonly #answered = new BoundedMap<string, Answered>(REMEMBERED);
  readonly #people = new BoundedMap<string, string>(REMEMBERED);
  readonly #own = new BoundedMap<string, true>(REMEMBERED);
  readonly #sending = new InFlight();
  /** Mails of this folder that are being taken, by UID. */
  readonly #inHand = new Map<number, Promise<void>>();
  #imap: ImapFlow | null = null;
  #smtp: Transporter | null = null;
  #sink: ChannelSink | null = null;
  #parse: ((source: Buffer) => Promise<ParsedMail>) | null = null;
  #markdown: ParseMarkdown | null = null;
  #online = false;
  #looking: Promise<void> | null = null;
  #again = false;
  #timer: () => void = () => undefined;

  constructor(options: EmailOptions) {
    this.#options = options;
  }

  get #account(): string {
    const { username, address } = this.#options.settings;
    return username ?? address;
  }

  async start(sink: ChannelSink, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { settings, resolve } = this.#options;
    const [password, { ImapFlow }, { simpleParser }, { createTransport }, markdown] = await Promise.all([
      resolve(settings.password),
      import('imapflow'),
      import('mailparser'),
      import('nodemailer'),
      loadMarkdown(),
    ]);
    this.#markdown = markdown;
    const both = AbortSignal.any([signal, this.#ended.signal]);
    if (both.aborted) throw gone('it was stopped while it connected');
    this.#sink = sink;
    this.#parse = (source) => simpleParser(source, { skipTextToHtml: true, skipImageLinks: true });
    const auth = { user: this.#account, pass: password };
    const imap = new ImapFlow(imapServer(settings, auth, ANSWER));
    this.#imap = imap;
    this.#smtp = createTransport({
      ...smtpServer(settings, auth, ANSWER),
      socketTimeout: ANSWER * 3,
      // A file of this machine or a page of the network is no part of an answer.
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    let reason = 'the server closed it';
    imap.on('error', (error: Error) => {
      reason = error.message;
    });
    imap.on('close', () => this.#online && this.#lost(gone(reason)));
    imap.on('exists', () => this.#look());
    const aborted = () => imap.close();
    both.addEventListener('abort', aborted, { once: true });
    try {
      await imap.connect();
      await imap.mailboxOpen(settings.inbox);
      await this.#smtp.verify().catch((thrown: unknown) => {
        throw smtpFailure(thrown, 'nobody', this.#account);
      });
      both.throwIfAborted();
      this.#online = true;
      this.#look();
    } catch (thrown) {
      const stopped = both.aborted;
      await this.#end(gone('it could not be opened'));
      throw stopped ? gone('it was stopped while it connected') : imapFailure(thrown, this.#account);
    } finally {
      both.removeEventListener('abort', aborted);
    }
  }

  send(outbound: ChannelOutbound, { signal }: { readonly signal: AbortSignal }): Promise<SentMessage> {
    return this.#sending.add(this.#send(outbound, signal));
  }

  async #send(outbound: ChannelOutbound, signal: AbortSignal): Promise<SentMessage> {
    const { channelId: to, threadId, replyTo, content, attachments, idempotencyKey } = outbound;
    const { settings } = this.#options;
    if (!isAddress(to)) throw new SigilError(failure('not_found', `${JSON.stringify(to.slice(0, 80))} is no address`));
    if (content.length > MAX_MESSAGE_LENGTH)
      throw new SigilError(failure('payload_too_large', `a mail has at most ${MAX_MESSAGE_LENGTH} characters`));
    const parse = this.#markdown;
    if (this.#smtp === null || parse === null || !this.#online || signal.aborted) throw gone('it is not connected');
    const answered = await this.#answeredBy(replyTo ?? threadId);
    const references = answering(threadId, answered?.references ?? [], replyTo);
    const messageId = messageIdFor(idempotencyKey, settings.address);
    const html = matrixHtml(parse(content));
    const { default: MailComposer } = await import('nodemailer/lib/mail-composer/index.js');
    const raw = await new MailComposer({
      from: { name: settings.name, address: settings.address },
      to: { name: '', address: to },
      subject: answered === undefined ? settings.subject : replySubject(answered.subject),
      messageId,
      ...(references.length === 0
        ? {}
        : { inReplyTo: replyTo ?? references.at(-1) ?? '', references: [...references] }),
      date: new Date(this.#options.world.now()),
      // So that no other robot answers this one.
      headers: { 'Auto-Submitted': 'auto-replied' },
      text: shownText(parse, content, PLAIN, MAX_MESSAGE_LENGTH),
      // For programs that show it; nothing in it is fetched from anywhere.
      ...(html === '' ? {} : { html }),
      attachments: attachments.map(({ name, mediaType, data }) => ({
        filename: name,
        contentType: mediaType,
        content: Buffer.from(data),
      })),
      disableFileAccess: true,
      disableUrlAccess: true,
    })
      .compile()
      .build();
    try {
      await this.#smtp.sendMail({ envelope: { from: settings.address, to: [to] }, raw });
    } catch (thrown) {
      throw smtpFailure(thrown, to, this.#account);
    }
    this.#own.set(messageId, true);
    this.#answered.set(messageId, { subject: answered?.subject ?? settings.subject, references });
    // It is sent, whether it can be kept or not; what is not kept is sent twice after a crash at worst.
    await this.#keep(raw).catch(() => undefined);
    this.#listen();
    return { platformMessageId: messageId };
  }

  async lookup(_channelId: string, idempotencyKey: string): Promise<SentMessage | null> {
    const messageId = messageIdFor(idempotencyKey, this.#options.settings.address);
    const { sent } = this.#options.settings;
    if (sent === '' || this.#imap === null || !this.#online) return null;
    const found = await this.#search(sent, messageId);
    return found === null ? null : { platformMessageId: messageId };
  }

  async identity(platformId: string): Promise<PlatformSender | null> {
    const known = this.#people.get(platformId);
    if (known !== undefined) return { platformId, displayName: known };
    if (!isAddress(platformId) || this.#imap === null || !this.#online) return null;
    const found = await this.#imap.search({ from: platformId }, { uid: true }).catch(() => false as const);
    return !found || found.length === 0 ? null : { platformId, displayName: platformId.split('@')[0] ?? platformId };
  }

  async stop(): Promise<void> {
    if (!this.#ended.signal.aborted) await this.#sending.settled(this.#options.world, this.#inHand.values());
    await this.#end(gone('it was stopped'));
    await this.#sending.over();
  }

  /** Looks into the folder now, or again when it is being looked into. */
  #look(): void {
    if (!this.#online) return;
    this.#again = true;
    this.#looking ??= this.#lookUntilQuiet().finally(() => {
      this.#looking = null;
      if (this.#again) this.#look();
      else this.#listen();
    });
  }

  async #lookUntilQuiet(): Promise<void> {
    this.#timer();
    try {
      while (this.#again && this.#online) {
        this.#again = false;
        await this.#unread();
      }
    } catch (thrown) {
      if (this.#online) this.#lost(imapFailure(thrown, this.#account));
      return;
    }
    if (!this.#online) return;
    this.#timer = this.#options.world.after(this.#options.settings.poll_interval * 1_000, () => this.#look());
  }

  /** Until something else is asked of the server it tells by itself what comes. An error of it closes the connection. */
  #listen(): void {
    if (this.#online && this.#looking === null) this.#imap?.idle().catch(() => undefined);
  }

  /** Hands on what is unread, in the order it came. */
  async #unread(): Promise<void> {
    const imap = this.#imap;
    if (imap === null) return;
    const found = await imap.search({ seen: false }, { uid: true });
    for (const uid of found || []) {
      if (!this.#online) return;
      if (this.#inHand.has(uid)) continue;
      while (this.#inHand.size >= IN_HAND) await Promise.race(this.#inHand.values());
      const mail = await imap.fetchOne(`${uid}`, { uid: true, size: true, internalDate: true }, { uid: true });
      if (!mail || !this.#online) continue;
      const message = await this.#inbound(imap, mail);
      this.#take(imap, uid, message);
    }
  }

  /** A mail is read once it is durable, and not before: what is unread comes again. */
  #take(imap: ImapFlow, uid: number, message: ChannelInbound | null): void {
    const taken = async (): Promise<void> => {
      try {
        if (message !== null) await this.#sink?.received(message);
        await imap.messageFlagsAdd(`${uid}`, ['\\Seen'], { uid: true });
      } catch {
        // Why is the sink's to tell. It stays unread, keeps its place for a moment, and is found again.
        await this.#pause(RETRY);
        this.#again = true;
      }
      this.#inHand.delete(uid);
      if (this.#again) this.#look();
      else this.#listen();
    };
    this.#inHand.set(uid, taken());
  }

  /** Resolves after so many milliseconds, or when the adapter ends. */
  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.world.after(ms, resolve);
    const ended = () => resolve();
    if (this.#ended.signal.aborted) resolve();
    this.#ended.signal.addEventListener('abort', ended, { once: true });
    await promise;
    cancel();
    this.#ended.signal.removeEventListener('abort', ended);
  }

  async #source(imap: ImapFlow, uid: number): Promise<ParsedMail | null> {
    const mail = await imap.fetchOne(`${uid}`, { uid: true, source: true }, { uid: true });
    if (!mail || mail.source === undefined || this.#parse === null) return null;
    return this.#parse(mail.source);
  }

  async #inbound(imap: ImapFlow, { uid, size, internalDate }: FetchMessageObject): Promise<ChannelInbound | null> {
    const { settings, world } = this.#options;
    if ((size ?? 0) > settings.max_size) return null;
    const mail = await this.#source(imap, uid);
    const sender = mail === null ? null : senderOf(mail);
    if (mail === null || sender === null) return null;
    if (sender.address === settings.address.toLowerCase() || isAutomatic(mail)) return null;
    const text = mail.text ?? (typeof mail.html === 'string' ? await plainText(mail.html) : '');
    const body = withoutQuotes(text);
    // Some say all they have to say in the subject.
    const content = body === '' ? (mail.subject ?? '').trim() : body;
    if (content === '' && mail.attachments.length === 0) return null;
    const references = referencesOf(mail);
    const messageId = mail.messageId ?? `<uid-${uid}.${imap.mailbox === false ? 0 : imap.mailbox.uidValidity}@imap>`;
    const replyTo = references.at(-1);
    this.#people.set(sender.address, sender.name);
    this.#answered.set(messageId, { subject: mail.subject ?? '', references: [...references, messageId] });
    return {
      messageId,
      dedupeKey: messageId,
      channelId: sender.address,
      threadId: references[0] ?? messageId,
      direct: true,
      sender: { platformId: sender.address, displayName: sender.name },
      content,
      attachments: mail.attachments.map((one, at) => this.#attachment(uid, at, one)),
      ...(replyTo === undefined ? {} : { replyTo }),
      mentionsAgent: true,
      at: internalDate === undefined ? world.now() : new Date(internalDate).getTime(),
      metadata: { subject: mail.subject ?? '', references, uid },
    };
  }

  /** It is read again when it is wanted: mails in hand would fill the memory with what nobody asks for. */
  #attachment(
    uid: number,
    at: number,
    { filename, contentType, size }: ParsedMail['attachments'][number],
  ): InboundAttachment {
    return {
      name: filename ?? `attachment-${at + 1}`,
      mediaType: contentType,
      size,
      fetch: async ({ most, signal }) => {
        if (size > most)
          throw new SigilError(
            failure('payload_too_large', `${filename ?? 'the attachment'} has ${size} bytes; ${most} are allowed`),
          );
        if (this.#imap === null || !this.#online || signal.aborted) throw gone('it is not connected');
        const mail = await this.#source(this.#imap, uid).catch((thrown: unknown) => {
          throw imapFailure(thrown, this.#account);
        });
        const found = mail?.attachments[at];
        if (found === undefined) throw new SigilError(failure('not_found', 'the mail is not in the folder any more'));
        return found.content;
      },
    };
  }

  /** The mail that is answered: as it was heard, or as the folder has it. */
  async #answeredBy(messageId: string | undefined): Promise<Answered | undefined> {
    if (messageId === undefined) return undefined;
    const known = this.#answered.get(messageId);
    if (known !== undefined || this.#imap === null) return known;
    const [uid] =
      (await this.#imap.search({ header: { 'message-id': messageId } }, { uid: true }).catch(() => false as const)) ||
      [];
    if (uid === undefined) return undefined;
    const mail = await this.#source(this.#imap, uid).catch(() => null);
    return mail === null ? undefined : { subject: mail.subject ?? '', references: [...referencesOf(mail), messageId] };
  }

  async #search(folder: string, messageId: string): Promise<number | null> {
    const { settings, resolve } = this.#options;
    const { ImapFlow } = await import('imapflow');
    const auth = { user: this.#account, pass: await resolve(settings.password) };
    // A connection has one folder open, and that of the first is where mail comes.
    const second = new ImapFlow(imapServer(settings, auth, ANSWER));
    second.on('error', () => undefined);
    try {
      await second.connect();
      if (!(await second.list()).some(({ path }) => path === folder)) return null;
      await second.mailboxOpen(folder, { readOnly: true });
      const found = await second.search({ header: { 'message-id': messageId } }, { uid: true });
      return (found || [])[0] ?? null;
    } catch (thrown) {
      throw imapFailure(thrown, this.#account);
    } finally {
      await second.logout().catch(() => second.close());
    }
  }

  async #keep(raw: Buffer): Promise<void> {
    const { sent } = this.#options.settings;
    const imap = this.#imap;
    if (sent === '' || imap === null) return;
    try {
      await imap.append(sent, raw, ['\\Seen']);
    } catch {
      await imap.mailboxCreate(sent);
      await imap.append(sent, raw, ['\\Seen']);
    }
  }

  #lost(reason: SigilError): void {
    if (this.#ended.signal.aborted) return;
    this.#online = false;
    this.#sink?.lost(reason);
    this.#end(reason).catch(() => undefined);
  }

  async #end(reason: SigilError): Promise<void> {
    const wasOnline = this.#online;
    this.#online = false;
    if (!this.#ended.signal.aborted) this.#ended.abort(reason);
    this.#timer();
    this.#smtp?.close();
    this.#smtp = null;
    const imap = this.#imap;
    this.#imap = null;
    if (imap === null) return;
    const cancel = this.#options.world.after(SETTLE, () => imap.close());
    if (wasOnline && imap.usable) await imap.logout().catch(() => undefined);
    cancel();
    imap.close();
  }
}

async function plainText(html: string): Promise<string> {
  const { convert } = await import('html-to-text');
  const quotes = ['blockquote', 'div.gmail_quote', 'div.gmail_signature'].map((selector) => ({
    selector,
    format: 'skip',
  }));
  return convert(html, { wordwrap: false, selectors: [...quotes, { selector: 'img', format: 'skip' }] });
}
