// SPDX-License-Identifier: Apache-2.0
// The one contract every model provider keeps: a request in, one stream of events out, failures as its last event.

import type { Failure } from '../errors.ts';
import type { Price } from './pricing.ts';

export interface ChatToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text as the model wrote it. */
  readonly arguments: string;
}

/** The kinds of image every vendor takes. */
export const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const;

/** Something beside the text of a message. A model that cannot see refuses it: `capabilities.vision` says who can. */
export interface ChatAttachment {
  readonly kind: 'image';
  readonly mediaType: (typeof IMAGE_TYPES)[number];
  /** The file as it is, not as base64. */
  readonly data: Uint8Array;
}

/** An image that is kept and has still to be read: whoever makes the call does so before a provider sees the request. */
export interface ChatImage {
  readonly id: string;
  readonly mediaType: (typeof IMAGE_TYPES)[number];
}

export interface ChatMessage {
  readonly role: 'user' | 'assistant' | 'tool';
  readonly content: string;
  /** Of a person's message; elsewhere they are not sent. */
  readonly attachments?: readonly ChatAttachment[];
  /** No provider is given these: they become attachments first. */
  readonly images?: readonly ChatImage[];
  readonly toolCallId?: string;
  readonly toolName?: string;
  readonly toolCalls?: readonly ChatToolCall[];
  readonly origin: 'user_input' | 'system' | 'tool_output';
}

export interface ChatTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its arguments. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

export interface ChatOptions {
  /** Unset is not sent; 0 is. */
  readonly temperature?: number;
  readonly maxTokens?: number;
  readonly stopSequences?: readonly string[];
  /** Whether the model thinks aloud first, where it can; unset leaves it to the model. */
  readonly thinking?: boolean;
  /** The share of likely tokens that is chosen from, 0 to 1. Unset is not sent. */
  readonly topP?: number;
  /** The same seed asks for the same answer, where the vendor knows seeds; elsewhere it is not sent. */
  readonly seed?: number;
  /** Whether tools may, must not or must be called, or which one must; unset leaves it to the model. */
  readonly toolChoice?: ChatToolChoice;
  /** False: no more than one call in a reply, where the vendor can be told so. */
  readonly parallelToolCalls?: boolean;
  /** What the answer has to be, where it may not be any text. `carries` says which vendors can be told. */
  readonly responseFormat?: ChatResponseFormat;
}

export type ChatToolChoice = 'auto' | 'none' | 'required' | { readonly name: string };

export type ChatResponseFormat =
  | { readonly type: 'json_object' }
  | {
      readonly type: 'json_schema';
      readonly name: string;
      readonly description?: string;
      readonly schema: Readonly<Record<string, unknown>>;
      readonly strict?: boolean;
    };

export interface ChatRequest {
  /** What it is for, where that is not a turn of a conversation: vendors are not told, the built-in model goes by it. */
  readonly task?: 'summarize';
  readonly model: string;
  readonly systemPrompt: string;
  readonly messages: readonly ChatMessage[];
  /** Where the images are kept that have still to be read. */
  readonly images_in?: { readonly workspace_id: string; readonly session_id: string };
  readonly tools: readonly ChatTool[];
  readonly options: ChatOptions;
}

/** What a call used. The input is the sum of three: `inputTokens` are those that no cache had to do with. */
export interface ChatUsage {
  readonly inputTokens: number;
  /** What was thought counts as well. */
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** The vendor told no counts: these are characters divided by four. */
  readonly estimated?: true;
}

export type ChatFinish = 'stop' | 'length' | 'content_filter' | 'tool_calls';

/**
 * A stream's events. Exactly one `done` or `error` comes last. They travel in arrays: what came together, from one packet
 * of the network or one thought of the model, costs one step of the stream and not one for each.
 */
export type ChatEvent =
  | { readonly type: 'text_delta'; readonly text: string }
  | { readonly type: 'thinking_delta'; readonly text: string }
  /** Complete, not in parts. */
  | ({ readonly type: 'tool_call' } & ChatToolCall)
  | ({ readonly type: 'usage' } & ChatUsage)
  | { readonly type: 'done'; readonly finishReason: ChatFinish }
  | { readonly type: 'error'; readonly error: Failure };

export interface ModelInfo {
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  readonly capabilities: {
    readonly tools: boolean;
    readonly vision: boolean;
    readonly streaming: boolean;
    readonly thinking: boolean;
    readonly maxContextTokens: number;
    readonly maxOutputTokens: number;
  };
  /** What its vendor says that it costs now; absent where the vendor's list does not tell. */
  readonly price?: Price;
}

/** How long one call waits, in milliseconds, as `providers.NAME.timeouts` has it. */
export interface ProviderTimeouts {
  /** Until the connection stands, its name looked up and encryption agreed on. */
  readonly connect: number;
  /** Until the first sign of an answer, from when it was asked. */
  readonly first_event: number;
  /** Between two signs of life: events, and what a vendor sends to keep a silent stream open. */
  readonly gap: number;
}

/**
 * What a failure says something about, and so who can still be asked: this `request` fails everywhere, the `model` may be
 * replaced by another of the provider, the `key` by that of another entry, and of the `provider` all else fails too.
 */
export type FailureScope = 'request' | 'model' | 'key' | 'provider';

/** The `details` of every failure of a call. */
export interface ProviderFailureDetails {
  /** The provider's name, as configured. */
  readonly provider: string;
  readonly model?: string;
  readonly about: FailureScope;
  /** The HTTP status of the answer, when there was one. */
  readonly status?: number;
  /** How long the vendor asks to be left alone, in milliseconds. */
  readonly retry_after_ms?: number;
  /** The vendor's own name for it. */
  readonly vendor_code?: string;
}

export interface EmbedOptions {
  readonly model: string;
  /** Numbers in a vector, where the model lets one choose. */
  readonly dimensions?: number;
  readonly signal: AbortSignal;
}

/** One vector for each text, in their order. */
export interface Embedded {
  readonly vectors: readonly Float32Array[];
  readonly inputTokens: number;
}

export interface ProviderAvailability {
  readonly available: boolean;
  readonly provider: string;
  readonly message: string;
}

export interface Provider {
  readonly name: string;
  available(): boolean;
  /** The built-in table with what the vendor lists now; the table alone when it cannot be asked. Never throws. */
  listModels(): Promise<readonly ModelInfo[]>;
  /**
   * Why the vendor's own list could not be had when it was last asked for; undefined when it could, or was not asked for
   * yet. A provider that has nobody to ask does not have this.
   */
  listProblem?(): string | undefined;
  /**
   * Streams one reply. An aborted signal ends it soon, with an `error` event or none; it never throws. One call is one
   * request: whoever calls decides whether to try again.
   */
  chat(request: ChatRequest, options: { readonly signal: AbortSignal }): AsyncIterable<readonly ChatEvent[]>;
  /**
   * Turns texts into vectors, where the vendor can.
   *
   * @throws SigilError with the codes a chat would end with
   */
  embed?(texts: readonly string[], options: EmbedOptions): Promise<Embedded>;
  status(): ProviderAvailability;
  /** Its key may be another by now: the next call asks for it anew. Not there where it has none. */
  forgetKey?(): void;
  /** Ends what runs and closes its connections. */
  close(): Promise<void>;
}
