// SPDX-License-Identifier: Apache-2.0
// Tells whoever looks what a provider sends and receives. While nobody does, a call costs one question whether somebody does.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { World } from '../world.ts';
import type { ChatEvent } from './provider.ts';
import type { WireChatEvent, WireEntry, WireHeader, WirePart, WirePurpose } from './wire-entry.ts';
import { BodyText, type HideKnown, shownHeaders, shownUrl } from './wire-hiding.ts';

/** One HTTP request and its answer, told as they go. */
export interface WireExchange {
  request(method: string, url: URL, headers: Iterable<WireHeader>, body: Uint8Array | undefined): void;
  answer(status: number, reason: string, headers: Iterable<WireHeader>): void;
  chunk(bytes: Uint8Array): void;
  /** @param why empty for an answer that came whole */
  answerEnd(why: string): void;
  noAnswer(why: string): void;
}

/** One call of a provider that somebody looks at. */
export interface TappedCall {
  /** Whatever is sent in there, and in what it begins, belongs to the call. */
  within<T>(run: () => T): T;
  event(event: ChatEvent): void;
  end(outcome: 'ended' | 'cancelled'): void;
}

export interface WireTap {
  /** A call that begins; undefined while nobody looks: then nothing is told of it, even if somebody looks later. */
  call(of: TappedCallOptions): TappedCall | undefined;
  /** For the provider's connections: a request that begins; undefined while nobody looks. */
  exchange(provider: string): WireExchange | undefined;
}

export interface TappedCallOptions {
  readonly provider: string;
  readonly purpose: WirePurpose;
  /** Empty where it is for no model. */
  readonly model: string;
  readonly turn_id: string | null;
}

export interface WireTapOptions {
  readonly world: Pick<World, 'now' | 'iso' | 'uuid'>;
  /** Whether somebody looks at this provider. */
  readonly heard: (provider: string) => boolean;
  readonly publish: (entry: WireEntry) => void;
  readonly hide: HideKnown;
  /** The same in plain data. */
  readonly hideData: <T>(data: T) => T;
}

/** An event with the names it has outside. */
function shownEvent(event: ChatEvent): WireChatEvent {
  switch (event.type) {
    case 'usage':
      return {
        type: event.type,
        input_tokens: event.inputTokens,
        output_tokens: event.outputTokens,
        cache_read_tokens: event.cacheReadTokens,
        cache_write_tokens: event.cacheWriteTokens,
        ...(event.estimated === true && { estimated: true }),
      };
    case 'done':
      return { type: event.type, finish_reason: event.finishReason };
    case 'error': {
      const { code, message, details = {} } = event.error;
      return { type: event.type, code, message, details };
    }
    default:
      return { ...event };
  }
}

/** Tells the entries of one call, numbered. */
class Told {
  readonly provider: string;
  readonly began: number;
  readonly #options: WireTapOptions;
  readonly #call: string;
  readonly #turn_id: string | null;
  #n = 0;
  #exchanges = 0;

  constructor(options: WireTapOptions, { provider, purpose, model, turn_id }: TappedCallOptions) {
    this.#options = options;
    this.provider = provider;
    this.began = options.world.now();
    this.#call = options.world.uuid();
    this.#turn_id = turn_id;
    this.tell({ kind: 'call', purpose, model });
  }

  get hide(): HideKnown {
    return this.#options.hide;
  }

  /** Milliseconds since then. */
  since(then: number): number {
    return Math.max(0, this.now() - then);
  }

  now(): number {
    return this.#options.world.now();
  }

  nextExchange(): number {
    this.#exchanges += 1;
    return this.#exchanges;
  }

  tell(part: WirePart): void {
    const { world, heard, publish } = this.#options;
    this.#n += 1;
    if (!heard(this.provider)) return;
    const at = world.iso(world.now());
    publish({ at, provider: this.provider, call: this.#call, turn_id: this.#turn_id, n: this.#n, ...part });
  }
}

function toldExchange(told: Told): WireExchange {
  const exchange = told.nextExchange();
  const { hide } = told;
  let sent = 0;
  let bytes = 0;
  const body = new BodyText(hide, (text, encoding) => told.tell({ kind: 'answer_body', exchange, encoding, text }));
  return {
    request: (method, url, headers, content) => {
      sent = told.now();
      const body_bytes = content?.byteLength ?? 0;
      const shown = { url: shownUrl(url, hide), headers: shownHeaders(headers, hide) };
      told.tell({ kind: 'request', exchange, method, ...shown, body_bytes });
      const pieces: Pick<WireEntry & { kind: 'request_body' }, 'encoding' | 'text'>[] = [];
      const whole = new BodyText(hide, (text, encoding) => pieces.push({ encoding, text }));
      if (content !== undefined) whole.push(content);
      whole.end();
      for (const [index, piece] of pieces.entries())
        told.tell({ kind: 'request_body', exchange, ...piece, last: index === pieces.length - 1 });
    },
    answer: (status, reason, headers) => {
      const after_ms = told.since(sent);
      told.tell({
        kind: 'answer',
        exchange,
        status,
        reason: hide(reason),
        headers: shownHeaders(headers, hide),
        after_ms,
      });
    },
    chunk: (chunk) => {
      bytes += chunk.byteLength;
      body.push(chunk);
    },
    answerEnd: (why) => {
      body.end();
      told.tell({ kind: 'answer_end', exchange, whole: why === '', body_bytes: bytes, why: hide(why) });
    },
    noAnswer: (why) => told.tell({ kind: 'no_answer', exchange, why: hide(why) }),
  };
}

export function createWireTap(options: WireTapOptions): WireTap {
  const { heard, hideData } = options;
  const calls = new AsyncLocalStorage<Told>();
  return {
    call: (of) => {
      if (!heard(of.provider)) return undefined;
      const told = new Told(options, of);
      return {
        within: (run) => calls.run(told, run),
        event: (event) => told.tell({ kind: 'event', event: hideData(shownEvent(event)) }),
        end: (outcome) => told.tell({ kind: 'end', outcome, took_ms: told.since(told.began) }),
      };
    },
    exchange: (provider) => {
      if (!heard(provider)) return undefined;
      // One that began before somebody looked is told on its own.
      const other = { provider, purpose: 'other', model: '', turn_id: null } as const;
      return toldExchange(calls.getStore() ?? new Told(options, other));
    },
  };
}
