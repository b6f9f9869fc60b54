// SPDX-License-Identifier: Apache-2.0
// OpenAI's chat completions: our request in their words, and their stream in ours. Most servers of models speak it.

import type { OpenAI } from 'openai';
import { z } from 'zod';
import type { VendorSse } from '../event-stream.ts';
import type { Asked } from '../failures.ts';
import type {
  ChatEvent,
  ChatFinish,
  ChatMessage,
  ChatRequest,
  ChatResponseFormat,
  ChatToolChoice,
} from '../provider.ts';
import type { ReplyReader } from '../stream-call.ts';
import type { ToolNames } from '../tool-names.ts';
import { estimatedUsage } from '../usage.ts';
import { dataUrl } from './data-url.ts';
import { StreamedError, streamedFailure } from './refusal.ts';
import { ToolCalls } from './tool-calls.ts';

type Body = OpenAI.ChatCompletionCreateParamsStreaming;
type Message = OpenAI.ChatCompletionMessageParam;

/** Where servers that speak it differ. */
export interface ChatDialect {
  /** What the most tokens of an answer are called. */
  readonly maxTokens: 'max_tokens' | 'max_completion_tokens';
  /** What asks for thinking, or for none of it. */
  readonly thinking?: (wanted: boolean) => Readonly<Record<string, unknown>>;
}

/** The body of a request. */
export function chatBody(request: ChatRequest, dialect: ChatDialect, names: ToolNames): Body {
  const { model, systemPrompt, messages, tools, options } = request;
  const { temperature, maxTokens, stopSequences = [], thinking, topP, seed, toolChoice, parallelToolCalls } = options;
  const system: Message[] = systemPrompt === '' ? [] : [{ role: 'system', content: systemPrompt }];
  return {
    model,
    messages: [...system, ...messages.map((message) => toMessage(message, names))],
    stream: true,
    stream_options: { include_usage: true },
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, inputSchema }) => ({
        type: 'function' as const,
        function: { name: names.sent(name), description, parameters: inputSchema },
      })),
    }),
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { [dialect.maxTokens]: maxTokens }),
    ...(stopSequences.length > 0 && { stop: [...stopSequences] }),
    ...(topP !== undefined && { top_p: topP }),
    ...(seed !== undefined && { seed }),
    // Without tools both are refused.
    ...(tools.length > 0 && toolChoice !== undefined && { tool_choice: toolChoiceOf(toolChoice, names) }),
    ...(tools.length > 0 && parallelToolCalls !== undefined && { parallel_tool_calls: parallelToolCalls }),
    ...(options.responseFormat !== undefined && { response_format: formatOf(options.responseFormat) }),
    ...(thinking !== undefined && dialect.thinking?.(thinking)),
  };
}

function toolChoiceOf(choice: ChatToolChoice, names: ToolNames): OpenAI.ChatCompletionToolChoiceOption {
  return typeof choice === 'string' ? choice : { type: 'function', function: { name: names.sent(choice.name) } };
}

function formatOf(format: ChatResponseFormat): NonNullable<Body['response_format']> {
  if (format.type === 'json_object') return format;
  const { type, ...json_schema } = format;
  return { type, json_schema };
}

function toMessage(message: ChatMessage, names: ToolNames): Message {
  const { role, content, attachments = [], toolCalls = [] } = message;
  if (role === 'tool') return { role, tool_call_id: message.toolCallId ?? '', content };
  if (role === 'assistant') {
    if (toolCalls.length === 0) return { role, content };
    const calls = toolCalls.map((call) => ({
      id: call.id,
      type: 'function' as const,
      function: { name: names.sent(call.name), arguments: call.arguments },
    }));
    return { role, content: content === '' ? null : content, tool_calls: calls };
  }
  if (attachments.length === 0) return { role, content };
  const text = content === '' ? [] : [{ type: 'text' as const, text: content }];
  const images = attachments.map((image) => ({ type: 'image_url' as const, image_url: { url: dataUrl(image) } }));
  return { role, content: [...text, ...images] };
}

const count = z.number().int().min(0).nullish();
const Usage = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: z.object({ cached_tokens: count, cache_write_tokens: count }).nullish(),
});
const Delta = z.object({
  content: z.string().nullish(),
  refusal: z.string().nullish(),
  /** Thinking, as DeepSeek and llama.cpp call it, and as OpenRouter and vLLM do. */
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
  tool_calls: z
    .array(
      z.object({
        index: z.number().int().min(0).nullish(),
        id: z.string().nullish(),
        function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
      }),
    )
    .nullish(),
});
const Chunk = z.object({
  choices: z.array(z.object({ delta: Delta.nullish(), finish_reason: z.string().nullish() })).nullish(),
  usage: Usage.nullish(),
  error: z.union([StreamedError, z.string()]).nullish(),
});

const FINISHES: ReadonlyMap<string, ChatFinish> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['content_filter', 'content_filter'],
]);

/** Reads one answer. */
export function chatReader(
  asked: Asked,
  request: ChatRequest,
  names: ToolNames,
  newId: () => string,
): ReplyReader<VendorSse> {
  const calls = new ToolCalls(newId, names.ours);
  let usage: z.infer<typeof Usage> | undefined;
  let finish: string | undefined;
  let written = 0;

  const end = (): readonly ChatEvent[] => {
    const cut = FINISHES.get(finish ?? '') ?? 'stop';
    // An answer that was cut off may have cut off its calls: they are not made.
    const made = cut === 'stop' ? calls.events() : [];
    return [
      ...made,
      usage === undefined ? estimatedUsage(request, written, made) : usageOf(usage),
      { type: 'done', finishReason: made.length > 0 ? 'tool_calls' : cut },
    ];
  };

  return {
    read: ({ data }) => {
      if (data === '[DONE]') return end();
      const chunk = Chunk.parse(JSON.parse(data));
      if (chunk.error !== undefined && chunk.error !== null) {
        const said = typeof chunk.error === 'string' ? { message: chunk.error } : chunk.error;
        return [{ type: 'error', error: streamedFailure(asked, said) }];
      }
      if (chunk.usage) usage = chunk.usage;
      const events: ChatEvent[] = [];
      for (const { delta, finish_reason } of chunk.choices ?? []) {
        if (finish_reason) finish = finish_reason;
        if (!delta) continue;
        const thought = delta.reasoning_content || delta.reasoning;
        if (thought) events.push({ type: 'thinking_delta', text: thought });
        const text = (delta.content ?? '') + (delta.refusal ?? '');
        if (text !== '') events.push({ type: 'text_delta', text });
        written += (thought?.length ?? 0) + text.length;
        for (const { index, id, function: called } of delta.tool_calls ?? [])
          calls.add(index ?? undefined, { id, name: called?.name, arguments: called?.arguments });
      }
      return events;
    },
    // Some servers leave the last line out; why it finished they all say.
    close: () => (finish === undefined ? [] : end()),
  };
}

function usageOf({ prompt_tokens, completion_tokens, prompt_tokens_details }: z.infer<typeof Usage>): ChatEvent {
  const cacheReadTokens = prompt_tokens_details?.cached_tokens ?? 0;
  const cacheWriteTokens = prompt_tokens_details?.cache_write_tokens ?? 0;
  return {
    type: 'usage',
    inputTokens: Math.max(0, (prompt_tokens ?? 0) - cacheReadTokens - cacheWriteTokens),
    outputTokens: completion_tokens ?? 0,
    cacheReadTokens,
    cacheWriteTokens,
  };
}
