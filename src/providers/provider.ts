// SPDX-License-Identifier: Apache-2.0
// The one contract every model provider keeps: a request in, one stream of events out, failures as its last event.

import type { Failure } from '../errors.ts';

export interface ChatToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text as the model wrote it. */
  readonly arguments: string;
}

export interface ChatMessage {
  readonly role: 'user' | 'assistant' | 'tool';
  readonly content: string;
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
  readonly thinking?: boolean;
}

export interface ChatRequest {
  readonly model: string;
  readonly systemPrompt: string;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ChatTool[];
  readonly options: ChatOptions;
}

export interface ChatUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
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
}

export interface ProviderAvailability {
  readonly available: boolean;
  readonly provider: string;
  readonly message: string;
}

export interface Provider {
  readonly name: string;
  available(): boolean;
  listModels(): Promise<readonly ModelInfo[]>;
  /** Streams one reply. An aborted signal ends it soon, with an `error` event or none; it never throws. */
  chat(request: ChatRequest, options: { readonly signal: AbortSignal }): AsyncIterable<readonly ChatEvent[]>;
  status(): ProviderAvailability;
  close(): Promise<void>;
}
