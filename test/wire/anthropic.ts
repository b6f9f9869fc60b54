// SPDX-License-Identifier: Apache-2.0
// Anthropic's Messages API as it is on the wire (https://platform.claude.com/docs/en/build-with-claude/streaming).

import { z } from 'zod';
import type { ChatFinish } from '../../src/providers/provider.ts';
import type { WireFormat, WirePart, WireRefusal } from './format.ts';
import { interleaved, sse } from './format.ts';
import { json } from './server.ts';

type Event = Readonly<Record<string, unknown>> & { readonly type: string };

const REQUEST_ID = 'req_011CSHoEeqs5C35K2UUqR7Fy';
const named = (event: Event): { event: string; data: string } => ({ event: event.type, data: JSON.stringify(event) });
const delta = (index: number, of: Event): Event => ({ type: 'content_block_delta', index, delta: of });
const block = (index: number, content_block: Event, deltas: readonly Event[]): readonly Event[] => [
  { type: 'content_block_start', index, content_block },
  ...deltas.map((of) => delta(index, of)),
  { type: 'content_block_stop', index },
];

/** The events of a part whose first block has this index. */
function eventsOf(part: WirePart, index: number): readonly { event: string; data: string }[] {
  switch (part.type) {
    case 'text':
      return block(
        index,
        { type: 'text', text: '' },
        part.deltas.map((text) => ({ type: 'text_delta', text })),
      ).map(named);
    case 'thinking':
      return block(index, { type: 'thinking', thinking: '', signature: '' }, [
        ...part.deltas.map((thinking) => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pki' },
      ]).map(named);
    case 'tools': {
      const blocks = part.calls.map(({ id, name, arguments: pieces }, at) =>
        block(index + at, { type: 'tool_use', id, name, input: {} }, [
          // The vendor begins with an empty piece.
          ...['', ...pieces].map((partial_json) => ({ type: 'input_json_delta', partial_json })),
        ]),
      );
      return interleaved(blocks).map(named);
    }
    case 'error': {
      const type = part.kind === 'overloaded' ? 'overloaded_error' : 'api_error';
      return [named({ type: 'error', error: { type, message: part.message }, request_id: REQUEST_ID })];
    }
    case 'garbage':
      return [{ event: 'content_block_delta', data: '{"type":"content_block_delta","index":0,"del' }];
  }
}

const STOPS: Readonly<Record<ChatFinish, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  content_filter: 'refusal',
  tool_calls: 'tool_use',
};

const REFUSALS: Readonly<Record<WireRefusal, readonly [number, string, string]>> = {
  bad_key: [401, 'authentication_error', 'invalid x-api-key'],
  forbidden: [403, 'permission_error', 'Your API key does not have permission to use the specified resource.'],
  no_model: [404, 'not_found_error', 'model: wire-model'],
  timeout: [504, 'timeout_error', 'The request timed out.'],
  too_large: [413, 'request_too_large', 'Request exceeds the maximum size'],
  context_length: [400, 'invalid_request_error', 'prompt is too long: 208310 tokens > 200000 maximum'],
  bad_request: [400, 'invalid_request_error', 'messages: at least one message is required'],
  rate_limit: [429, 'rate_limit_error', 'This request would exceed your rate limit of 50 requests per minute.'],
  internal: [500, 'api_error', 'Internal server error'],
  unavailable: [503, 'api_error', 'Service unavailable'],
  overloaded: [529, 'overloaded_error', 'Overloaded'],
};

const cache_control = z.strictObject({ type: z.literal('ephemeral') }).optional();
const text = z.strictObject({ type: z.literal('text'), text: z.string().regex(/\S/), cache_control });
const Content = z.discriminatedUnion('type', [
  text,
  z.strictObject({
    type: z.literal('image'),
    source: z.strictObject({ type: z.literal('base64'), media_type: z.string(), data: z.string() }),
  }),
  z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string().min(1) }),
  z.strictObject({ type: z.literal('redacted_thinking'), data: z.string().min(1) }),
  z.strictObject({
    type: z.literal('tool_use'),
    id: z.string().regex(/^[a-zA-Z0-9_-]+$/),
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
    input: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({ type: z.literal('tool_result'), tool_use_id: z.string(), content: z.string().optional() }),
]);

/** What the API takes of what we may send; anything else it answers with 400. */
export const AnthropicBody = z.strictObject({
  model: z.string(),
  stream: z.literal(true),
  max_tokens: z.number().int().positive(),
  system: z.array(text).min(1).optional(),
  temperature: z.number().min(0).max(1).optional(),
  stop_sequences: z.array(z.string().regex(/\S/)).min(1).optional(),
  thinking: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('adaptive'), display: z.literal('summarized') }),
      z.strictObject({ type: z.literal('enabled'), budget_tokens: z.number().int().min(1024) }),
      z.strictObject({ type: z.literal('disabled') }),
      z.strictObject({ type: z.literal('between_tools') }),
    ])
    .optional(),
  tools: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
        description: z.string(),
        input_schema: z.looseObject({ type: z.literal('object') }),
        cache_control,
      }),
    )
    .min(1)
    .optional(),
  messages: z
    .array(z.strictObject({ role: z.enum(['user', 'assistant']), content: z.array(Content).min(1) }))
    .min(1)
    .refine(([first]) => first?.role === 'user', 'the first message must be of the user')
    .refine((all) => all.every(({ role }, at) => role !== all[at - 1]?.role), 'roles must take turns')
    .refine(answered, 'each call needs its result in the message after it, and before any text'),
});

type Messages = readonly { readonly role: string; readonly content: readonly z.infer<typeof Content>[] }[];

function answered(messages: Messages): boolean {
  return messages.every(({ content }, at) => {
    const calls = content.flatMap((one) => (one.type === 'tool_use' ? [one.id] : []));
    const after = messages[at + 1]?.content ?? [];
    const results = after.flatMap((one) => (one.type === 'tool_result' ? [one.tool_use_id] : []));
    const leading = after.findIndex(({ type }) => type !== 'tool_result');
    const first = leading < 0 || leading >= results.length;
    return first && results.length === calls.length && calls.every((id) => results.includes(id));
  });
}

export const anthropicMessages: WireFormat = {
  name: 'Anthropic messages',
  toolName: /^[a-zA-Z0-9_-]{1,64}$/,
  says: { thinking: true, cacheWrites: true, stopSequences: true },
  isChat: ({ method, path }) => method === 'POST' && path === '/v1/messages',
  stream: ({ parts, finish, usage }) => {
    const counts = {
      input_tokens: usage.inputTokens,
      cache_creation_input_tokens: usage.cacheWriteTokens,
      cache_read_input_tokens: usage.cacheReadTokens,
    };
    const message = {
      ...{ id: 'msg_1nZdL29xx5MUA1yADyHTEsnR8uuvGzszyY', type: 'message', role: 'assistant', content: [] },
      ...{ model: 'wire-model', stop_reason: null, stop_sequence: null },
      usage: { ...counts, output_tokens: 1 },
    };
    let index = 0;
    const inside = parts.flatMap((part) => {
      const events = eventsOf(part, index);
      index += part.type === 'tools' ? part.calls.length : 1;
      return events;
    });
    const stop = { stop_reason: STOPS[finish], stop_sequence: null };
    const end: readonly Event[] = [
      { type: 'message_delta', delta: stop, usage: { output_tokens: usage.outputTokens } },
      { type: 'message_stop' },
    ];
    const failed = parts.some(({ type }) => type === 'error');
    const begin: readonly Event[] = [{ type: 'message_start', message }, { type: 'ping' }];
    const answer = sse([...begin.map(named), ...inside, ...(failed ? [] : end.map(named))]);
    return { ...answer, headers: { ...answer.headers, 'request-id': REQUEST_ID } };
  },
  refuse: (refusal, headers) => {
    const [status, type, message] = REFUSALS[refusal];
    const body = { type: 'error', error: { type, message }, request_id: REQUEST_ID };
    return json(status, body, { 'request-id': REQUEST_ID, ...headers });
  },
  models: (ids) =>
    json(200, {
      data: ids.map((id) => ({ type: 'model', id, display_name: id, created_at: '2026-01-01T00:00:00Z' })),
      has_more: false,
      first_id: ids[0] ?? null,
      last_id: ids.at(-1) ?? null,
    }),
  sent: ({ body, headers }) => {
    const { messages, ...sent } = AnthropicBody.parse(body);
    const blocks = messages.flatMap(({ role, content }) => content.map((one) => ({ role, one })));
    return {
      key: headers.authorization?.replace(/^Bearer /, ''),
      model: sent.model,
      streamed: sent.stream,
      system: sent.system?.map((one) => one.text).join(''),
      temperature: sent.temperature,
      maxTokens: sent.max_tokens,
      stopSequences: sent.stop_sequences,
      said: blocks.flatMap(({ role, one }) => (one.type === 'text' ? [{ role, text: one.text }] : [])),
      images: blocks.flatMap(({ one }) =>
        one.type === 'image' ? [{ mediaType: one.source.media_type, base64: one.source.data }] : [],
      ),
      toolCalls: blocks.flatMap(({ one }) =>
        one.type === 'tool_use' ? [{ id: one.id, name: one.name, arguments: JSON.stringify(one.input) }] : [],
      ),
      toolResults: blocks.flatMap(({ one }) =>
        one.type === 'tool_result' ? [{ id: one.tool_use_id, content: one.content ?? '' }] : [],
      ),
      tools: (sent.tools ?? []).map(({ name, description, input_schema: schema }) => ({ name, description, schema })),
    };
  },
};
