// SPDX-License-Identifier: Apache-2.0
// A scripted answer as data that no vendor has a say in, and what a vendor's format makes of it and of our requests.

import type { ChatFinish, ChatToolCall, ChatUsage } from '../../src/providers/provider.ts';
import type { WireAnswer, WireRequest } from './server.ts';

/** A tool call as it is streamed: its arguments in pieces. */
export interface WireToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: readonly string[];
}

export type WirePart =
  /** One event of the vendor's for each delta. */
  | { readonly type: 'text'; readonly deltas: readonly string[] }
  | { readonly type: 'thinking'; readonly deltas: readonly string[] }
  /** Calls made at once, their pieces mixed where the format can. */
  | { readonly type: 'tools'; readonly calls: readonly WireToolCall[] }
  /** The vendor gives up in the middle of its stream, which ends with it. */
  | { readonly type: 'error'; readonly kind: 'overloaded' | 'internal'; readonly message: string }
  /** Some bytes that are no event of its. */
  | { readonly type: 'garbage' };

/** What is streamed. */
export interface WireReply {
  readonly parts: readonly WirePart[];
  /** `tool_calls` is a matter of course when there are some. */
  readonly finish: ChatFinish;
  readonly usage: ChatUsage;
}

/** What every vendor may refuse a request for. */
export type WireRefusal =
  | 'bad_key'
  | 'forbidden'
  | 'no_model'
  | 'timeout'
  | 'too_large'
  | 'context_length'
  | 'bad_request'
  | 'rate_limit'
  | 'internal'
  | 'unavailable'
  | 'overloaded';

/** A request of ours as its format says it. What was not sent is undefined. */
export interface WireSent {
  readonly key: string | undefined;
  readonly model: string;
  readonly streamed: boolean;
  readonly system: string | undefined;
  readonly temperature: number | undefined;
  readonly maxTokens: number | undefined;
  readonly stopSequences: readonly string[] | undefined;
  /** Texts of people and of the model, in their order. */
  readonly said: readonly { readonly role: 'user' | 'assistant'; readonly text: string }[];
  readonly images: readonly { readonly mediaType: string; readonly base64: string }[];
  readonly toolCalls: readonly ChatToolCall[];
  readonly toolResults: readonly { readonly id: string; readonly content: string }[];
  readonly tools: readonly { readonly name: string; readonly description: string; readonly schema: unknown }[];
}

/** One vendor's way to write things. */
export interface WireFormat {
  readonly name: string;
  /** What it can say; tests of the rest are not declared. */
  readonly says: { readonly thinking: boolean; readonly cacheWrites: boolean; readonly stopSequences: boolean };
  /** What its API takes as the name of a tool. */
  readonly toolName: RegExp;
  /** What is left of a tool's schema where the vendor does not take all of it. */
  readonly taken?: (schema: Readonly<Record<string, unknown>>) => unknown;
  /** Whether a request is one for an answer of a model. */
  readonly isChat: (request: WireRequest) => boolean;
  readonly stream: (reply: WireReply) => WireAnswer;
  readonly refuse: (refusal: WireRefusal, headers?: Readonly<Record<string, string>>) => WireAnswer;
  /** The list of models. */
  readonly models: (ids: readonly string[]) => WireAnswer;
  readonly sent: (request: WireRequest) => WireSent;
}

/** Server-sent events as text: each with its name where it has one. */
export function sse(events: readonly { readonly event?: string; readonly data: string }[]): WireAnswer {
  const body = events.map(({ event, data }) => `${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`);
  return { headers: { 'content-type': 'text/event-stream; charset=utf-8' }, body: body.join('') };
}

/** Takes the first piece of each, then the second of each, and so on. */
export function interleaved<Item>(lists: readonly (readonly Item[])[]): readonly Item[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) =>
    lists.flatMap((list) => (index < list.length ? list.slice(index, index + 1) : [])),
  ).flat();
}
