// SPDX-License-Identifier: Apache-2.0
// What OpenAI's clients read: a whole completion, and one in chunks. Pure.

import type { PassEvent } from '../../actors/thread/protocol.ts';
import type { ChatFinish, ChatToolCall } from '../../providers/provider.ts';
import type { Usage } from '../../stores/records.ts';

/** What every part of an answer says of itself. */
export interface AnswerHead {
  /** `chatcmpl-…`. */
  readonly id: string;
  /** When it was asked for, in seconds of the epoch. */
  readonly created: number;
}

/** An answer as it grows, for whoever wants it whole. */
export class Gathered {
  model = '';
  content = '';
  thinking = '';
  readonly calls: ChatToolCall[] = [];

  take(event: PassEvent): void {
    if (typeof event === 'string') this.content += event;
    else if (event.type === 'thinking') this.thinking += event.text;
    else if (event.type === 'tool_call')
      this.calls.push({ id: event.id, name: event.name, arguments: event.arguments });
    else {
      // Another one answers: what the one before it said is nobody's.
      this.model = event.model;
      this.content = '';
      this.thinking = '';
      this.calls.length = 0;
    }
  }
}

export interface Ended {
  readonly finish: ChatFinish;
  readonly usage: Usage;
}

/** Tokens as OpenAI counts them: what a cache had to do with is part of the prompt. */
export function usageOf(usage: Usage) {
  const { input_tokens, output_tokens, cache_read_tokens: cached_tokens, cache_write_tokens } = usage;
  const prompt_tokens = input_tokens + cached_tokens + cache_write_tokens;
  return {
    prompt_tokens,
    completion_tokens: output_tokens,
    total_tokens: prompt_tokens + output_tokens,
    prompt_tokens_details: { cached_tokens, audio_tokens: 0 },
  };
}

const called = ({ id, name, arguments: given }: ChatToolCall) => ({
  id,
  type: 'function' as const,
  function: { name, arguments: given },
});

/** A whole answer. */
export function completion({ id, created }: AnswerHead, model: string, gathered: Gathered, { finish, usage }: Ended) {
  const { content, thinking, calls } = gathered;
  const message = {
    role: 'assistant' as const,
    content: content === '' && calls.length > 0 ? null : content,
    refusal: null,
    ...(thinking !== '' && { reasoning_content: thinking }),
    ...(calls.length > 0 && { tool_calls: calls.map(called) }),
  };
  return {
    id,
    object: 'chat.completion' as const,
    created,
    model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
    usage: usageOf(usage),
  };
}

/** Makes the chunks of one answer, in their order. */
export class Chunks {
  readonly #head: AnswerHead;
  readonly #counts: boolean;
  #model: string;
  #calls = 0;
  #begun = false;

  /** @param counts whether the last chunk is to tell the usage */
  constructor(head: AnswerHead, model: string, counts: boolean) {
    this.#head = head;
    this.#model = model;
    this.#counts = counts;
  }

  /** The first one, once; before what anybody says. */
  begin(): string {
    if (this.#begun) return '';
    this.#begun = true;
    return this.#chunk({ role: 'assistant', content: '', refusal: null });
  }

  take(event: PassEvent): string {
    if (typeof event === 'string') return this.begin() + this.#chunk({ content: event });
    if (event.type === 'thinking') return this.begin() + this.#chunk({ reasoning_content: event.text });
    if (event.type === 'tool_call') {
      const index = this.#calls;
      this.#calls += 1;
      return this.begin() + this.#chunk({ tool_calls: [{ index, ...called(event) }] });
    }
    this.#model = event.model;
    return '';
  }

  end({ finish, usage }: Ended): string {
    const counts = this.#counts ? data({ ...this.#base(), choices: [], usage: usageOf(usage) }) : '';
    return `${this.begin()}${this.#chunk({}, finish)}${counts}data: [DONE]\n\n`;
  }

  #base() {
    const { id, created } = this.#head;
    return { id, object: 'chat.completion.chunk' as const, created, model: this.#model };
  }

  #chunk(delta: Readonly<Record<string, unknown>>, finish_reason: ChatFinish | null = null): string {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason }];
    return data({ ...this.#base(), choices, ...(this.#counts && { usage: null }) });
  }
}

/** One event of a stream of OpenAI's: it has no name. JSON has no line breaks in it. */
export function data(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
