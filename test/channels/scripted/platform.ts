// SPDX-License-Identifier: Apache-2.0
// A chat platform of the tests: it sends again what was not taken, shows what it was sent, and does with a connection what it is told.

import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { HANGS_MS } from '../../patience.ts';

/** What a person says. */
export interface Saying {
  readonly from: string;
  readonly text: string;
  readonly in?: string;
  readonly thread?: string;
  readonly direct?: boolean;
  readonly mention?: boolean;
  readonly files?: readonly ScriptedFile[];
}

/** A file of a message; `data` in base64, `size` as the platform says it. */
export interface ScriptedFile {
  readonly name: string;
  readonly type: string;
  readonly data: string;
  readonly size?: number;
}

/** A message of the agent's as it stands now. */
export interface Shown {
  readonly id: string;
  readonly in: string;
  readonly thread?: string;
  readonly key: string;
  text: string;
  edits: number;
  /** How often it was sent under its key: more than once only where the platform tells by that. */
  times: number;
  readonly replyTo?: string;
}

/** What becomes of a message that is sent. */
export type Fate =
  | 'take'
  /** Nothing is answered. */
  | 'hang'
  /** It is shown, and answered when `release` is called. */
  | 'hold'
  /** It is shown, and the connection breaks before that is said. */
  | 'take and break'
  | 'break'
  | { readonly refuse: { readonly code: string; readonly message: string; readonly retry_after_ms?: number } };

export interface ToAdapter {
  readonly say?: Readonly<Record<string, unknown>>;
  readonly answer?: number;
  readonly body?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly retry_after_ms?: number };
  readonly welcome?: boolean;
}

export interface FromAdapter {
  readonly hello?: { readonly channel: string; readonly token: string };
  readonly ack?: string;
  readonly ask?: number;
  readonly what?: 'send' | 'edit' | 'lookup' | 'typing';
  readonly body?: Readonly<Record<string, unknown>>;
}

/** One account on the platform; a channel is connected to it by its name. */
export class Account {
  readonly shown: Shown[] = [];
  readonly typed: string[] = [];
  readonly acked: string[] = [];
  /** Answers that are held back. */
  readonly held: (() => void)[] = [];
  /** What a message in this conversation comes to: the next ones in their order, then it is taken. */
  readonly fates = new Map<string, Fate[]>();
  /** The token that is right. */
  token = 'right';
  /** Whether messages are told apart by their keys. */
  window = false;
  logins = 0;
  socket: Socket | null = null;
  readonly #unacked = new Map<string, Record<string, unknown>>();
  #count = 0;
  #waiting: { readonly fits: () => boolean; readonly done: () => void }[] = [];

  /** @returns the key of the message */
  say(saying: Saying): string {
    this.#count += 1;
    const key = `said-${this.#count}`;
    const { from, text, direct = saying.in === undefined, mention = false, files = [] } = saying;
    const message = {
      ...{ messageId: key, dedupeKey: key, channelId: saying.in ?? `dm-${from}`, direct },
      ...(saying.thread === undefined ? {} : { threadId: saying.thread }),
      ...{ sender: { platformId: from, displayName: from }, content: text, mentionsAgent: mention, at: Date.now() },
      files,
    };
    this.#unacked.set(key, message);
    this.tell({ say: message });
    return key;
  }

  /** Sends a message again although it was taken. */
  again(key: string, text: string, from: string): void {
    const sender = { platformId: from, displayName: from };
    const message = { messageId: key, dedupeKey: key, channelId: `dm-${from}`, direct: true, sender, content: text };
    this.tell({ say: { ...message, mentionsAgent: false, at: Date.now() } });
  }

  tell(message: ToAdapter): void {
    this.socket?.write(`${JSON.stringify(message)}\n`);
  }

  /** The connection breaks. */
  break(): void {
    this.socket?.destroy();
    this.socket = null;
  }

  /** Resolves once it is so. */
  async until(fits: () => boolean, within = HANGS_MS): Promise<void> {
    if (fits()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = setTimeout(
      () => reject(new Error(`not so within ${within} ms: ${JSON.stringify(this.shown)}`)),
      within,
    );
    this.#waiting.push({ fits, done: resolve });
    await promise.finally(() => clearTimeout(late));
  }

  /** Answers what was held back. */
  release(): void {
    for (const answer of this.held.splice(0)) answer();
  }

  get unacked(): number {
    return this.#unacked.size;
  }

  texts(conversation?: string): readonly string[] {
    return this.shown.filter((one) => conversation === undefined || one.in === conversation).map(({ text }) => text);
  }

  hear(socket: Socket, { hello, ack, ask = 0, what, body = {} }: FromAdapter): void {
    if (hello !== undefined) this.#welcome(socket, hello.token);
    if (ack !== undefined) {
      this.#unacked.delete(ack);
      this.acked.push(ack);
    }
    const answer = (of: unknown): void => void socket.write(`${JSON.stringify({ answer: ask, body: of })}\n`);
    if (what === 'typing') {
      this.typed.push(String(body['channelId']));
      answer(null);
    }
    if (what === 'lookup') answer(this.shown.find(({ key }) => key === body['key'])?.id ?? null);
    if (what === 'edit') {
      const one = this.shown.find(({ id }) => id === body['id']);
      if (one !== undefined) {
        one.text = String(body['content']);
        one.edits += 1;
      }
      answer(null);
    }
    if (what === 'send') this.#send(socket, ask, body, answer);
    this.#look();
  }

  #send(socket: Socket, ask: number, body: Readonly<Record<string, unknown>>, answer: (of: unknown) => void): void {
    const place = String(body['channelId']);
    const fate = this.fates.get(place)?.shift() ?? 'take';
    if (fate === 'hang') return;
    if (fate === 'break') return this.break();
    if (typeof fate === 'object') return void socket.write(`${JSON.stringify({ answer: ask, error: fate.refuse })}\n`);
    const key = String(body['idempotencyKey']);
    const known = this.window ? this.shown.find((one) => one.key === key) : undefined;
    const id = known?.id ?? `m${this.shown.length + 1}`;
    if (known !== undefined) known.times += 1;
    else {
      this.shown.push({
        ...{ id, in: place, key, text: String(body['content']), edits: 0, times: 1 },
        ...(body['threadId'] === undefined ? {} : { thread: String(body['threadId']) }),
        ...(body['replyTo'] === undefined ? {} : { replyTo: String(body['replyTo']) }),
      });
    }
    if (fate === 'take and break') return this.break();
    if (fate === 'hold') return void this.held.push(() => answer(id));
    answer(id);
  }

  #welcome(socket: Socket, token: string): void {
    this.logins += 1;
    if (token !== this.token) {
      const error = { code: 'channel_auth', message: 'The platform does not know this token; correct `token`.' };
      socket.end(`${JSON.stringify({ answer: 0, error })}\n`);
      return;
    }
    this.socket = socket;
    this.tell({ welcome: true });
    for (const message of this.#unacked.values()) this.tell({ say: message });
  }

  #look(): void {
    const met = this.#waiting.filter(({ fits }) => fits());
    this.#waiting = this.#waiting.filter((one) => !met.includes(one));
    for (const { done } of met) done();
  }
}

export class ScriptedPlatform {
  readonly #server: Server;
  readonly #accounts = new Map<string, Account>();
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      let account: Account | undefined;
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        if (account?.socket === socket) account.socket = null;
      });
      const lines = createInterface({ input: socket });
      lines.on('error', () => undefined);
      lines.on('line', (line) => {
        const message = JSON.parse(line) as FromAdapter;
        if (message.hello !== undefined) account = this.account(message.hello.channel);
        account?.hear(socket, message);
      });
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get port(): number {
    const at = this.#server.address();
    if (at === null || typeof at === 'string') throw new Error('it does not listen');
    return at.port;
  }

  account(name: string): Account {
    const account = this.#accounts.get(name) ?? new Account();
    this.#accounts.set(name, account);
    return account;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
