// SPDX-License-Identifier: Apache-2.0
// OpenAI's Responses: our request in their words, and their stream in ours. Nothing is kept at OpenAI's.

import type { OpenAI } from 'openai';
import { z } from 'zod';
import type { VendorSse } from '../event-stream.ts';
import type { Asked } from '../failures.ts';
import type { ChatEvent, ChatMessage, ChatRequest } from '../provider.ts';
import type { ReplyReader } from '../stream-call.ts';
import type { ToolNames } from '../tool-names.ts';
import { estimatedUsage } from '../usage.ts';
import { dataUrl } from './data-url.ts';
import { StreamedError, streamedFailure } from './refusal.ts';
import { ToolCalls } from './tool-calls.ts';

type Body = OpenAI.Responses.ResponseCreateParamsStreaming;
type Item = OpenAI.Responses.ResponseInputItem;

/** The least it takes as the most an answer may have. */
const LEAST_OUTPUT = 16;

/** The body of a request. It knows no stop sequences and no seed. */
export function responsesBody(request: ChatRequest, names: ToolNames): Body {
  const { model, systemPrompt, messages, tools, options } = request;
  const { temperature, maxTokens, thinking, topP, toolChoice, parallelToolCalls, responseFormat } = options;
  return {
    model,
    input: messages.flatMap((message) => toItems(message, names)),
    stream: true,
    store: false,
    ...(systemPrompt !== '' && { instructions: systemPrompt }),
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, inputSchema }) => ({
        type: 'function' as const,
        name: names.sent(name),
        description,
        parameters: inputSchema,
        // Strict takes schemas only in which everything is required.
        strict: false,
      })),
    }),
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { max_output_tokens: Math.max(LEAST_OUTPUT, maxTokens) }),
    ...(topP !== undefined && { top_p: topP }),
    ...(tools.length > 0 &&
      toolChoice !== undefined && {
        tool_choice:
          typeof toolChoice === 'string'
            ? toolChoice
            : { type: 'function' as const, name: names.sent(toolChoice.name) },
      }),
    ...(tools.length > 0 && parallelToolCalls !== undefined && { parallel_tool_calls: parallelToolCalls }),
    ...(responseFormat !== undefined && { text: { format: responseFormat } }),
    ...(thinking === true && { reasoning: { summary: 'auto' as const } }),
  };
}

function toItems(message: ChatMessage, names: ToolNames): Item[] {
  const { role, content, attachments = [], toolCalls = [] } = message;
  if (role === 'tool') return [{ type: 'function_call_output', call_id: message.toolCallId ?? '', output: content }];
  if (role === 'assistant') {
    const calls = toolCalls.map((call) => ({
      type: 'function_call' as const,
      call_id: call.id,
      name: names.sent(call.name),
      arguments: call.arguments,
    }));
    return content === '' ? calls : [{ role, content }, ...calls];
  }
  if (attachments.length === 0) return [{ role, content }];
  const text = content === '' ? [] : [{ type: 'input_text' as const, text: content }];
  const images = attachments.map((image) => ({
    type: 'input_image' as const,
    image_url: dataUrl(image),
    detail: 'auto' as const,
  }));
  return [{ role, content: [...text, ...images] }];
}

const count = z.number().int().min(0).nullish();
const Usage = z.object({
  input_tokens: count,
  output_tokens: count,
  input_tokens_details: z.object({ cached_tokens: count, cache_write_tokens: count }).nullish(),
});
const place = z.number().int().min(0);
const OutputItem = z.object({
  type: z.string(),
  call_id: z.string().nullish(),
  name: z.string().nullish(),
  arguments: z.string().nullish(),
});
const Over = z.object({
  response: z.object({
    usage: Usage.nullish(),
    output: z.array(OutputItem).nullish(),
    incomplete_details: z.object({ reason: z.string().nullish() }).nullish(),
    error: StreamedError.nullish(),
  }),
});
const TextDelta = z.object({ delta: z.string() });
const ArgumentsDelta = z.object({ output_index: place, delta: z.string() });
const ItemEvent = z.object({ output_index: place, item: OutputItem });
const SummaryPart = z.object({ summary_index: place });
const Named = z.object({ type: z.string() });

/** Reads one answer. */
export function responsesReader(
  asked: Asked,
  request: ChatRequest,
  names: ToolNames,
  newId: () => string,
): ReplyReader<VendorSse> {
  const calls = new ToolCalls(newId, names.ours);
  let written = 0;

  const said = (type: 'text_delta' | 'thinking_delta', text: string): readonly ChatEvent[] => {
    written += text.length;
    return text === '' ? [] : [{ type, text }];
  };
  const end = (over: z.infer<typeof Over>['response'], cut?: 'length' | 'content_filter'): readonly ChatEvent[] => {
    // Some servers stream no items, and only say at the end what they were.
    if (calls.none) {
      for (const [index, item] of (over.output ?? []).entries())
        if (item.type === 'function_call') calls.set(index, callOf(item));
    }
    const made = cut === undefined ? calls.events() : [];
    return [
      ...made,
      over.usage ? usageOf(over.usage) : estimatedUsage(request, written, made),
      { type: 'done', finishReason: cut ?? (made.length > 0 ? 'tool_calls' : 'stop') },
    ];
  };

  return {
    read: ({ data }) => {
      const json: unknown = JSON.parse(data);
      switch (Named.parse(json).type) {
        case 'response.output_text.delta':
        case 'response.refusal.delta':
          return said('text_delta', TextDelta.parse(json).delta);
        case 'response.reasoning_summary_text.delta':
        case 'response.reasoning_text.delta':
          return said('thinking_delta', TextDelta.parse(json).delta);
        case 'response.reasoning_summary_part.added':
          return SummaryPart.parse(json).summary_index > 0 ? said('thinking_delta', '\n\n') : [];
        case 'response.output_item.added': {
          const { item, output_index } = ItemEvent.parse(json);
          if (item.type === 'function_call') calls.add(output_index, { ...callOf(item), arguments: '' });
          return [];
        }
        case 'response.function_call_arguments.delta': {
          const { output_index, delta } = ArgumentsDelta.parse(json);
          calls.add(output_index, { arguments: delta });
          return [];
        }
        case 'response.output_item.done': {
          const { item, output_index } = ItemEvent.parse(json);
          if (item.type === 'function_call') calls.set(output_index, callOf(item));
          return [];
        }
        case 'response.completed':
          return end(Over.parse(json).response);
        case 'response.incomplete': {
          const { response } = Over.parse(json);
          return end(response, response.incomplete_details?.reason === 'content_filter' ? 'content_filter' : 'length');
        }
        case 'response.failed': {
          const { error } = Over.parse(json).response;
          return [{ type: 'error', error: streamedFailure(asked, error ?? {}) }];
        }
        case 'error':
          return [{ type: 'error', error: streamedFailure(asked, errorIn(json)) }];
        default:
          // It says much that is said again, and learns new events every few months.
          return [];
      }
    },
    close: () => [],
  };
}

/** In the event itself, or one level below: both are met. */
function errorIn(json: unknown): z.infer<typeof StreamedError> {
  const nested = z.object({ error: StreamedError }).safeParse(json);
  return nested.success ? nested.data.error : { ...StreamedError.parse(json), type: null };
}

const callOf = ({ call_id, name, arguments: written }: z.infer<typeof OutputItem>) => ({
  id: call_id,
  name,
  arguments: written,
});

function usageOf({ input_tokens, output_tokens, input_tokens_details }: z.infer<typeof Usage>): ChatEvent {
  const cacheReadTokens = input_tokens_details?.cached_tokens ?? 0;
  const cacheWriteTokens = input_tokens_details?.cache_write_tokens ?? 0;
  return {
    type: 'usage',
    inputTokens: Math.max(0, (input_tokens ?? 0) - cacheReadTokens - cacheWriteTokens),
    outputTokens: output_tokens ?? 0,
    cacheReadTokens,
    cacheWriteTokens,
  };
}
