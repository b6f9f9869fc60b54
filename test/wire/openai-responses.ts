// SPDX-License-Identifier: Apache-2.0
// OpenAI's Responses as they are on the wire.

import { z } from 'zod';
import type { WireFormat, WirePart, WireReply } from './format.ts';
import { interleaved, sse } from './format.ts';
import { bearer, dataUrl, models, refuse } from './openai-chat.ts';
import type { WireAnswer } from './server.ts';

type Event = Readonly<Record<string, unknown>> & { readonly type: string };

/** Items of an answer, one after the other; `first` is the place of the next. */
function eventsOf(
  part: WirePart,
  first: number,
): { readonly events: readonly (Event | string)[]; readonly items: readonly unknown[] } {
  const at = { output_index: first, item_id: `item_${first}` };
  switch (part.type) {
    case 'text': {
      const text = part.deltas.join('');
      const content = { type: 'output_text', text, annotations: [] };
      const item = { id: at.item_id, type: 'message', role: 'assistant', status: 'completed', content: [content] };
      return {
        items: [item],
        events: [
          { type: 'response.output_item.added', ...at, item: { ...item, status: 'in_progress', content: [] } },
          { type: 'response.content_part.added', ...at, content_index: 0, part: { ...content, text: '' } },
          ...part.deltas.map((delta) => ({ type: 'response.output_text.delta', ...at, content_index: 0, delta })),
          { type: 'response.output_text.done', ...at, content_index: 0, text },
          { type: 'response.content_part.done', ...at, content_index: 0, part: content },
          { type: 'response.output_item.done', ...at, item },
        ],
      };
    }
    case 'thinking': {
      const text = part.deltas.join('');
      const item = { id: at.item_id, type: 'reasoning', summary: [{ type: 'summary_text', text }] };
      const summary = { ...at, summary_index: 0 };
      return {
        items: [item],
        events: [
          { type: 'response.output_item.added', ...at, item: { ...item, summary: [] } },
          { type: 'response.reasoning_summary_part.added', ...summary, part: { type: 'summary_text', text: '' } },
          ...part.deltas.map((delta) => ({ type: 'response.reasoning_summary_text.delta', ...summary, delta })),
          { type: 'response.reasoning_summary_text.done', ...summary, text },
          { type: 'response.output_item.done', ...at, item },
        ],
      };
    }
    case 'tools': {
      const calls = part.calls.map(({ id, name, arguments: pieces }, index) => {
        const place = { output_index: first + index, item_id: `item_${first + index}` };
        const written = pieces.join('');
        const item = { id: place.item_id, type: 'function_call', call_id: id, name, arguments: written };
        const events: Event[] = [
          { type: 'response.output_item.added', ...place, item: { ...item, arguments: '', status: 'in_progress' } },
          ...pieces.map((delta) => ({ type: 'response.function_call_arguments.delta', ...place, delta })),
          { type: 'response.function_call_arguments.done', ...place, arguments: written },
          { type: 'response.output_item.done', ...place, item: { ...item, status: 'completed' } },
        ];
        return { item, events };
      });
      return { items: calls.map(({ item }) => item), events: interleaved(calls.map(({ events }) => events)) };
    }
    case 'error': {
      const code = part.kind === 'overloaded' ? 'server_is_overloaded' : 'server_error';
      return { items: [], events: [{ type: 'error', code, message: part.message, param: null }] };
    }
    case 'garbage':
      return { items: [], events: ['{"type":"response.output_text.delta","delta'] };
  }
}

/** Named events up to `response.completed` or what is in its place. */
export function responsesStream({ parts, finish, usage }: WireReply): WireAnswer {
  const events: (Event | string)[] = [];
  const output: unknown[] = [];
  const head = { id: 'resp_1', object: 'response', created_at: 1_760_000_000, model: 'wire-model', error: null };
  const running = { ...head, status: 'in_progress', output: [], usage: null };
  events.push({ type: 'response.created', response: running }, { type: 'response.in_progress', response: running });
  for (const part of parts) {
    const made = eventsOf(part, output.length);
    events.push(...made.events);
    output.push(...made.items);
  }
  const cut = finish === 'length' || finish === 'content_filter';
  const input_tokens = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  const response = {
    ...head,
    status: cut ? 'incomplete' : 'completed',
    incomplete_details: cut ? { reason: finish === 'length' ? 'max_output_tokens' : finish } : null,
    output,
    usage: {
      input_tokens,
      input_tokens_details: { cached_tokens: usage.cacheReadTokens },
      output_tokens: usage.outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: input_tokens + usage.outputTokens,
    },
  };
  if (!parts.some(({ type }) => type === 'error'))
    events.push({ type: cut ? 'response.incomplete' : 'response.completed', response });
  return sse(
    events.map((event, sequence_number) =>
      typeof event === 'string'
        ? { event: 'response.output_text.delta', data: event }
        : { event: event.type, data: JSON.stringify({ ...event, sequence_number }) },
    ),
  );
}

const inputText = z.strictObject({ type: z.literal('input_text'), text: z.string() });
const inputImage = z.strictObject({ type: z.literal('input_image'), image_url: z.string(), detail: z.literal('auto') });
const content = z.union([z.string(), z.array(z.union([inputText, inputImage])).min(1)]);
const Item = z.union([
  z.strictObject({ role: z.enum(['user', 'assistant']), content }),
  z.strictObject({ type: z.literal('function_call'), call_id: z.string(), name: z.string(), arguments: z.string() }),
  z.strictObject({ type: z.literal('function_call_output'), call_id: z.string(), output: z.string() }),
]);
const Body = z.strictObject({
  model: z.string(),
  stream: z.literal(true),
  store: z.literal(false),
  instructions: z.string().optional(),
  temperature: z.number().optional(),
  max_output_tokens: z.number().optional(),
  reasoning: z.strictObject({ summary: z.literal('auto') }).optional(),
  tools: z
    .array(
      z.strictObject({
        type: z.literal('function'),
        name: z.string(),
        description: z.string(),
        parameters: z.unknown(),
        strict: z.literal(false),
      }),
    )
    .min(1)
    .optional(),
  input: z.array(Item).min(1),
});

const textOf = (said: z.infer<typeof content>): string =>
  typeof said === 'string' ? said : said.map((part) => (part.type === 'input_text' ? part.text : '')).join('');

export const openAiResponses: WireFormat = {
  name: 'OpenAI Responses',
  toolName: /^[a-zA-Z0-9_-]{1,64}$/,
  says: { thinking: true, cacheWrites: false, stopSequences: false },
  isChat: ({ method, path }) => method === 'POST' && path.endsWith('/responses'),
  stream: responsesStream,
  refuse,
  models,
  sent: ({ body, headers }) => {
    const { input, ...sent } = Body.parse(body);
    return {
      key: bearer(headers.authorization),
      model: sent.model,
      streamed: sent.stream,
      system: sent.instructions,
      temperature: sent.temperature,
      maxTokens: sent.max_output_tokens,
      stopSequences: undefined,
      said: input.flatMap((item) => {
        if (!('role' in item)) return [];
        const text = textOf(item.content);
        return text === '' ? [] : [{ role: item.role, text }];
      }),
      images: input.flatMap((item) =>
        'role' in item && typeof item.content !== 'string'
          ? item.content.flatMap((part) => (part.type === 'input_image' ? [dataUrl(part.image_url)] : []))
          : [],
      ),
      toolCalls: input.flatMap((item) =>
        'type' in item && item.type === 'function_call'
          ? [{ id: item.call_id, name: item.name, arguments: item.arguments }]
          : [],
      ),
      toolResults: input.flatMap((item) =>
        'type' in item && item.type === 'function_call_output' ? [{ id: item.call_id, content: item.output }] : [],
      ),
      tools: (sent.tools ?? []).map(({ name, description, parameters }) => ({ name, description, schema: parameters })),
    };
  },
};
