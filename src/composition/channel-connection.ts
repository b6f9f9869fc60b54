// SPDX-License-Identifier: Apache-2.0
// A chat channel's connection: its adapter with time limits around every promise, so that one that hangs or throws is its own trouble.

import type { DoneAnswer, Platform, Refusal, SentAnswer } from '../actors/channel/outbox-ports.ts';
import type {
  ChannelAdapter,
  ChannelInbound,
  ChannelOutbound,
  WebhookRequest,
  WebhookResponse,
} from '../channels/adapter.ts';
import { splitMarkdown } from '../channels/text/split.ts';
import { type Failure, failure, SigilError } from '../errors.ts';
import type { World } from '../world.ts';
import type { MakeAdapter } from './channel-adapters.ts';

export interface ConnectionParts {
  readonly name: string;
  readonly type: string;
  readonly world: World;
  readonly make: (entry: Readonly<Record<string, unknown>>) => ReturnType<MakeAdapter>;
  /** Hides secrets. */
  readonly hide: (text: string) => string;
  readonly connected: () => void;
  readonly lost: (error: Failure) => void;
  readonly received: (message: ChannelInbound, done: (error: Failure | null) => void) => void;
  /** It threw where nobody waits for it. */
  readonly odd: (error: Failure, doing: string) => void;
}

/** How long each may take, in milliseconds; what takes longer is told to end and left alone. */
const WITHIN = { start: 60_000, send: 60_000, edit: 30_000, lookup: 60_000, typing: 10_000, stop: 10_000 } as const;
/** After these nobody knows whether the platform has taken a message. */
const DOUBTFUL: ReadonlySet<string> = new Set(['channel_network', 'deadline_exceeded', 'thread_lost', 'internal']);
/** Least time between two changes of what people see, in milliseconds. */
const CHANGE_EVERY = 1_000;

export class ChannelConnection {
  readonly #parts: ConnectionParts;
  #adapter: ChannelAdapter | null = null;
  /** The newest adapter's platform: it stays known while there is no connection. */
  #platform: Platform | null = null;
  #giveUp = new AbortController();
  #online = false;
  /** Ends when what there was before is gone. */
  #gone: Promise<unknown> = Promise.resolve();

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  get platform(): Platform | null {
    return this.#platform;
  }

  /** Lets go of what there is, and connects. */
  connect(entry: Readonly<Record<string, unknown>>): void {
    this.disconnect();
    const mine = new AbortController();
    this.#giveUp = mine;
    const heard = (run: () => void): void => {
      if (!mine.signal.aborted) run();
    };
    const begin = async (): Promise<void> => {
      await this.#gone;
      if (mine.signal.aborted) return;
      const adapter = await this.#parts.make(entry);
      if (mine.signal.aborted) return;
      this.#adapter = adapter;
      this.#platform = platformOf(adapter);
      const sink = {
        received: (message: ChannelInbound) => this.#received(message, mine.signal),
        lost: (reason: unknown) => heard(() => this.#parts.lost(this.#failureOf(reason))),
      };
      await this.#limited('start', (signal) => adapter.start(sink, { signal }), WITHIN.start, mine.signal);
    };
    begin().then(
      () =>
        heard(() => {
          this.#online = true;
          this.#parts.connected();
        }),
      (thrown: unknown) => heard(() => this.#parts.lost(this.#failureOf(thrown))),
    );
  }

  disconnect(): void {
    this.#online = false;
    this.#giveUp.abort();
    const { world, odd } = this.#parts;
    const adapter = this.#adapter;
    this.#adapter = null;
    if (adapter === null) return;
    const stopped = new Promise<void>((resolve) => {
      const late = world.after(WITHIN.stop, () => {
        odd(failure('deadline_exceeded', `It did not stop within ${WITHIN.stop / 1_000} s and is left alone.`), 'stop');
        resolve();
      });
      const over = (): void => {
        late();
        resolve();
      };
      Promise.resolve()
        .then(() => adapter.stop())
        .then(over, (thrown: unknown) => {
          odd(this.#failureOf(thrown), 'stop');
          over();
        });
    });
    this.#gone = Promise.all([this.#gone, stopped]);
  }

  /** Ends once nothing is left of it, or what is left is left alone. */
  async ended(): Promise<void> {
    await this.#gone;
  }

  send(outbound: ChannelOutbound, answered: (answer: SentAnswer) => void): void {
    this.#do(
      'send',
      WITHIN.send,
      (adapter, signal) => adapter.send(outbound, { signal }),
      (outcome) =>
        answered('value' in outcome ? { ok: true, platform_message_id: outcome.value.platformMessageId } : outcome),
    );
  }

  edit(channel_id: string, id: string, content: string, answered: (answer: DoneAnswer) => void): void {
    this.#do(
      'edit',
      WITHIN.edit,
      async (adapter, signal) => await adapter.edit?.(channel_id, id, content, { signal }),
      (outcome) => answered('value' in outcome ? { ok: true } : outcome),
    );
  }

  remove(channel_id: string, id: string, answered: (answer: DoneAnswer) => void): void {
    this.#do(
      'remove',
      WITHIN.edit,
      async (adapter, signal) => await adapter.remove?.(channel_id, id, { signal }),
      (outcome) => answered('value' in outcome ? { ok: true } : outcome),
    );
  }

  lookup(
    channel_id: string,
    key: string,
    answered: (answer: { readonly ok: true; readonly found: string | null } | Refusal) => void,
  ): void {
    this.#do(
      'lookup',
      WITHIN.lookup,
      async (adapter) => (await adapter.lookup?.(channel_id, key)) ?? null,
      (outcome) =>
        answered('value' in outcome ? { ok: true, found: outcome.value?.platformMessageId ?? null } : outcome),
    );
  }

  typing(channel_id: string, thread_id: string | undefined): void {
    // Its failure is not worth telling: the next message says more.
    this.#do(
      'typing',
      WITHIN.typing,
      async (adapter) => await adapter.typing?.(channel_id, thread_id),
      () => undefined,
    );
  }

  webhook(request: WebhookRequest, within: number, answered: (answer: WebhookResponse | Failure) => void): void {
    if (this.#adapter?.webhook === undefined) {
      return answered(failure('channel_refused', `The channel ${this.#parts.name} takes no requests.`));
    }
    this.#do(
      'webhook',
      within,
      async (adapter, signal) => {
        const response = await adapter.webhook?.(request, { signal });
        if (response === undefined) throw new SigilError(failure('channel_refused', 'It takes no requests.'));
        return response;
      },
      (outcome) => answered('value' in outcome ? outcome.value : outcome.error),
    );
  }

  #received(message: ChannelInbound, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = (error: Failure): void => reject(new SigilError(error));
      // One that was told to end may still hand on what it heard: nobody would know of it.
      if (signal.aborted) return refuse(failure('draining', 'This connection is over.'));
      this.#parts.received(message, (error) => (error === null ? resolve() : refuse(error)));
    });
  }

  #do<T>(
    what: string,
    within: number,
    run: (adapter: ChannelAdapter, signal: AbortSignal) => Promise<T>,
    answered: (outcome: { readonly value: T } | Refusal) => void,
  ): void {
    const adapter = this.#adapter;
    if (adapter === null || !this.#online) {
      const error = failure('channel_network', `The channel ${this.#parts.name} is not connected.`);
      return this.#parts.world.soon(() => answered({ ok: false, error, doubt: false }));
    }
    this.#limited(what, (signal) => run(adapter, signal), within, this.#giveUp.signal).then(
      (value) => answered({ value }),
      (thrown: unknown) => {
        const error = this.#failureOf(thrown);
        answered({ ok: false, error, doubt: DOUBTFUL.has(error.code) });
      },
    );
  }

  /** Aborts and rejects when it takes too long, whether or not it heeds that. */
  #limited<T>(what: string, run: (signal: AbortSignal) => Promise<T>, within: number, ends: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const controller = new AbortController();
      const end = (error: Failure): void => {
        over();
        controller.abort();
        reject(new SigilError(error));
      };
      const late = this.#parts.world.after(within, () =>
        end(failure('deadline_exceeded', `The platform did not answer (${what}) within ${within / 1_000} s.`)),
      );
      const aborted = (): void => end(failure('channel_network', 'The connection was ended.'));
      const over = (): void => {
        late();
        ends.removeEventListener('abort', aborted);
      };
      ends.addEventListener('abort', aborted);
      if (ends.aborted) return aborted();
      Promise.resolve()
        .then(() => run(controller.signal))
        .then(
          (value) => {
            over();
            resolve(value);
          },
          (thrown: unknown) => {
            over();
            reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
          },
        );
    });
  }

  /** What an adapter throws that is no failure of ours is trouble that may pass. */
  #failureOf(thrown: unknown): Failure {
    const { hide } = this.#parts;
    if (thrown instanceof SigilError) return { ...thrown.failure, message: hide(thrown.failure.message) };
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    return failure('channel_network', hide(`The adapter failed: ${text}`));
  }
}

function platformOf({ capabilities, edit, remove, typing }: ChannelAdapter): Platform {
  const { maxMessageLength, dedupe } = capabilities;
  return {
    editing: capabilities.editing && edit !== undefined,
    removing: remove !== undefined,
    typing: capabilities.typing && typing !== undefined,
    change_every: CHANGE_EVERY,
    split: (text) => (text.trim() === '' ? [] : splitMarkdown(text, maxMessageLength)),
    dedupe,
  };
}
