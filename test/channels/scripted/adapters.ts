// SPDX-License-Identifier: Apache-2.0
// The adapter of the scripted platform, in the place of others' where an entry names it: `scripted: PORT`.

import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type {
  ChannelAdapter,
  ChannelCapabilities,
  ChannelInbound,
  ChannelOutbound,
  ChannelSink,
  InboundAttachment,
  SentMessage,
} from '../../../src/channels/adapter.ts';
import type { MakeAdapter } from '../../../src/composition/channel-adapters.ts';
import { type ErrorCode, type Failure, failure } from '../../../src/errors.ts';
import type { FromAdapter, ScriptedFile, ToAdapter } from './platform.ts';

type Entry = Readonly<Record<string, unknown>>;
type Thrown = (failure: Failure) => Error;

class ScriptedAdapter implements ChannelAdapter {
  readonly capabilities: ChannelCapabilities;
  readonly edit?: NonNullable<ChannelAdapter['edit']>;
  readonly #entry: Entry;
  readonly #token: string;
  readonly #thrown: Thrown;
  readonly #asked = new Map<number, { resolve: (body: unknown) => void; reject: (error: unknown) => void }>();
  #socket: Socket | null = null;
  #sink: ChannelSink | null = null;
  #ids = 0;
  #stopped = false;
  #welcomed: { resolve: () => void; reject: (error: unknown) => void } | null = null;

  constructor(entry: Entry, token: string, thrown: Thrown) {
    this.#entry = entry;
    this.#thrown = thrown;
    this.#token = token;
    const editing = entry['editing'] === true;
    this.capabilities = {
      ...{ media: false, reactions: false, threads: true, editing, typing: entry['typing'] === true, voice: false },
      ...{ richText: 'markdown', maxMessageLength: Number(entry['longest'] ?? 2_000), mediaTypes: [] },
      dedupe: (entry['dedupe'] ?? 'none') as ChannelCapabilities['dedupe'],
    };
    if (editing) {
      this.edit = async (channelId, id, content) => void (await this.#ask('edit', { channelId, id, content }));
    }
  }

  async start(sink: ChannelSink, { signal }: { signal: AbortSignal }): Promise<void> {
    if (this.#entry['hangs'] === true) return await new Promise(() => undefined);
    if (this.#entry['throws'] === true) throw new TypeError('the library of this platform is broken');
    this.#sink = sink;
    const socket = connect(Number(this.#entry['scripted']), '127.0.0.1');
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => this.#gone());
    signal.addEventListener('abort', () => socket.destroy());
    const lines = createInterface({ input: socket });
    lines.on('line', (line) => this.#hear(JSON.parse(line) as ToAdapter));
    lines.on('error', () => undefined);
    this.#write({ hello: { channel: String(this.#entry['account']), token: this.#token } });
    await new Promise<void>((resolve, reject) => {
      this.#welcomed = { resolve, reject };
    });
    this.#welcomed = null;
  }

  async send({ attachments: _, ...outbound }: ChannelOutbound): Promise<SentMessage> {
    return { platformMessageId: String(await this.#ask('send', outbound)) };
  }

  async typing(channelId: string): Promise<void> {
    await this.#ask('typing', { channelId });
  }

  async lookup(_: string, key: string): Promise<SentMessage | null> {
    const found = await this.#ask('lookup', { key });
    return found === null ? null : { platformMessageId: String(found) };
  }

  async identity(): Promise<null> {
    return null;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#socket?.destroy();
  }

  #ask(what: FromAdapter['what'] & string, body: object): Promise<unknown> {
    this.#ids += 1;
    const ask = this.#ids;
    return new Promise((resolve, reject) => {
      this.#asked.set(ask, { resolve, reject });
      this.#write({ ask, what, body: { ...body } });
    });
  }

  #hear({ say, answer, body, error, welcome }: ToAdapter): void {
    if (welcome === true) this.#welcomed?.resolve();
    if (say !== undefined) {
      const { files = [], ...said } = say as { readonly files?: readonly ScriptedFile[] };
      const message = { attachments: files.map(attachmentOf), metadata: {}, ...said } as unknown as ChannelInbound;
      // What is not taken is sent again when the connection is made anew; or soon, as a platform with a queue does it.
      const hand = (): void => {
        this.#sink?.received(message).then(
          () => this.#write({ ack: message.dedupeKey }),
          () => this.#stopped || setTimeout(hand, 50).unref(),
        );
      };
      hand();
    }
    if (answer === undefined) return;
    const failed = error === undefined ? null : this.#thrown(failureOf(error));
    if (answer === 0 && failed !== null) this.#welcomed?.reject(failed);
    const asked = this.#asked.get(answer);
    this.#asked.delete(answer);
    if (failed === null) asked?.resolve(body);
    else asked?.reject(failed);
  }

  #gone(): void {
    const error = this.#thrown(failure('channel_network', 'the scripted platform is gone'));
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
    if (this.#welcomed !== null) this.#welcomed.reject(error);
    else if (!this.#stopped) this.#sink?.lost(error);
  }

  #write(message: FromAdapter): void {
    this.#socket?.write(`${JSON.stringify(message)}\n`);
  }
}

function attachmentOf({ name, type, data, size }: ScriptedFile): InboundAttachment {
  const fetch = (): Promise<Uint8Array> => Promise.resolve(Buffer.from(data, 'base64'));
  return { name, mediaType: type, size: size ?? null, fetch };
}

function failureOf({ code, message, retry_after_ms }: NonNullable<ToAdapter['error']>) {
  return failure(code as ErrorCode, message, retry_after_ms === undefined ? undefined : { retry_after_ms });
}

export function adapters(next: MakeAdapter, thrown: Thrown): MakeAdapter {
  return async (type, entry, options) =>
    entry['scripted'] === undefined
      ? await next(type, entry, options)
      : new ScriptedAdapter(entry, await options.resolve(String(entry['token'] ?? 'right')), thrown);
}
