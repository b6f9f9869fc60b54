// SPDX-License-Identifier: Apache-2.0
// OpenAI's chat completions as they are on the wire, and as most servers of models speak them.

import { z } from 'zod';
import type { WireFormat, WirePart, WireRefusal, WireReply } from './format.ts';
import { interleaved, sse } from './format.ts';
import { json } from './server.ts';

const HEAD = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_760_000_000, model: 'wire-model' };

type Chunk = Readonly<Record<string, unknown>>;
const chunk = (delta: Chunk, finish_reason: string | null = null): Chunk => ({
  ...HEAD,
  choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  usage: null,
});

function chunksOf(part: WirePart): readonly (Chunk | string)[] {
  switch (part.type) {
    case 'text':
      return part.deltas.map((content) => chunk({ content }));
    case 'thinking':
      return part.deltas.map((reasoning_content) => chunk({ reasoning_content }));
    case 'tools':
      return interleaved(
        part.calls.map(({ id, name, arguments: pieces }, index) => [
          { index, id, type: 'function', function: { name, arguments: '' } },
          ...pieces.map((piece) => ({ index, function: { arguments: piece } })),
        ]),
      ).map((call) => chunk({ tool_calls: [call] }));
    case 'error': {
      const code = part.kind === 'overloaded' ? 'overloaded' : 'server_error';
      return [{ error: { message: part.message, type: 'server_error', code } }];
    }
    case 'garbage':
      return ['{"id":"chatcmpl-1","choices":[{"delta":{"con'];
  }
}

/** `data:` events up to the final `[DONE]`. */
export function chatStream({ parts, finish, usage }: WireReply): ReturnType<typeof sse> {
  const failed = parts.some(({ type }) => type === 'error');
  const cached_tokens = usage.cacheReadTokens;
  const prompt_tokens = usage.inputTokens + cached_tokens + usage.cacheWriteTokens;
  const counts = {
    prompt_tokens,
    completion_tokens: usage.outputTokens,
    total_tokens: prompt_tokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
  const end = [chunk({}, finish), { ...HEAD, choices: [], usage: counts }, '[DONE]'];
  const all = [chunk({ role: 'assistant', content: '', refusal: null }), ...parts.flatMap(chunksOf)];
  return sse(
    [...all, ...(failed ? [] : end)].map((data) => ({ data: typeof data === 'string' ? data : JSON.stringify(data) })),
  );
}

/** What OpenAI and those who speak like it answer, by its status, kind and code. */
const REFUSALS: Readonly<Record<WireRefusal, readonly [number, string, string | null, string]>> = {
  bad_key: [401, 'invalid_request_error', 'invalid_api_key', 'Incorrect API key provided.'],
  forbidden: [403, 'invalid_request_error', 'unsupported_country_region_territory', 'Country not supported.'],
  no_model: [404, 'invalid_request_error', 'model_not_found', 'The model `wire-model` does not exist.'],
  timeout: [408, 'timeout', null, 'Request timeout.'],
  too_large: [413, 'invalid_request_error', null, 'Request body is too large.'],
  context_length: [
    400,
    'invalid_request_error',
    'context_length_exceeded',
    "This model's maximum context length is 8192 tokens.",
  ],
  bad_request: [400, 'invalid_request_error', 'unsupported_value', "Unsupported value: 'temperature'."],
  rate_limit: [429, 'requests', 'rate_limit_exceeded', 'Rate limit reached for requests.'],
  internal: [500, 'server_error', null, 'The server had an error.'],
  unavailable: [503, 'server_error', null, 'The engine is currently overloaded.'],
  overloaded: [529, 'overloaded_error', null, 'Overloaded.'],
};

export const refuse: WireFormat['refuse'] = (refusal, headers) => {
  const [status, type, code, message] = REFUSALS[refusal];
  return json(status, { error: { message, type, param: null, code } }, headers);
};

export const models: WireFormat['models'] = (ids) =>
  json(200, {
    object: 'list',
    data: ids.map((id) => ({ id, object: 'model', created: 1_760_000_000, owned_by: 'wire' })),
  });

/** The key a request came with. */
export function bearer(authorization: string | undefined): string | undefined {
  return authorization?.replace(/^Bearer /, '');
}

/** The image in a data URL. */
export function dataUrl(url: string): { readonly mediaType: string; readonly base64: string } {
  const [, mediaType = '', base64 = ''] = /^data:([^;]+);base64,(.*)$/s.exec(url) ?? [];
  return { mediaType, base64 };
}

const textPart = z.object({ type: z.literal('text'), text: z.string() });
const imagePart = z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) });
const content = z.union([z.string(), z.array(z.union([textPart, imagePart]))]).nullish();
const Body = z.strictObject({
  model: z.string(),
  stream: z.literal(true),
  stream_options: z.strictObject({ include_usage: z.literal(true) }),
  temperature: z.number().optional(),
  max_tokens: z.number().optional(),
  max_completion_tokens: z.number().optional(),
  stop: z.array(z.string()).optional(),
  top_p: z.number().optional(),
  seed: z.number().optional(),
  tool_choice: z.unknown().optional(),
  parallel_tool_calls: z.boolean().optional(),
  response_format: z.unknown().optional(),
  reasoning: z.unknown().optional(),
  reasoning_effort: z.string().optional(),
  tools: z
    .array(
      z.strictObject({
        type: z.literal('function'),
        function: z.strictObject({ name: z.string(), description: z.string(), parameters: z.unknown() }),
      }),
    )
    .min(1)
    .optional(),
  messages: z.array(
    z.discriminatedUnion('role', [
      z.strictObject({ role: z.literal('system'), content }),
      z.strictObject({ role: z.literal('user'), content }),
      z.strictObject({
        role: z.literal('assistant'),
        content,
        tool_calls: z
          .array(
            z.strictObject({
              id: z.string(),
              type: z.literal('function'),
              function: z.strictObject({ name: z.string(), arguments: z.string() }),
            }),
          )
          .min(1)
          .optional(),
      }),
      z.strictObject({ role: z.literal('tool'), tool_call_id: z.string(), content: z.string() }),
    ]),
  ),
});

type Content = z.infer<typeof content>;
const textOf = (said: Content): string =>
  typeof said === 'string' ? said : (said ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
const imagesOf = (said: Content) =>
  typeof said === 'string'
    ? []
    : (said ?? []).flatMap((part) => (part.type === 'image_url' ? [dataUrl(part.image_url.url)] : []));

export const openAiChat: WireFormat = {
  name: 'OpenAI chat completions',
  toolName: /^[a-zA-Z0-9_-]{1,64}$/,
  says: { thinking: true, cacheWrites: false, stopSequences: true },
  isChat: ({ method, path }) => method === 'POST' && path.endsWith('/chat/completions'),
  stream: chatStream,
  refuse,
  models,
  sent: ({ body, headers }) => {
    const { messages, ...sent } = Body.parse(body);
    return {
      key: bearer(headers.authorization),
      model: sent.model,
      streamed: sent.stream,
      system: messages[0]?.role === 'system' ? textOf(messages[0].content) : undefined,
      temperature: sent.temperature,
      maxTokens: sent.max_completion_tokens ?? sent.max_tokens,
      stopSequences: sent.stop,
      said: messages.flatMap((message) => {
        const { role } = message;
        if (role !== 'user' && role !== 'assistant') return [];
        const text = textOf(message.content);
        return text === '' ? [] : [{ role, text }];
      }),
      images: messages.flatMap((message) => (message.role === 'user' ? imagesOf(message.content) : [])),
      toolCalls: messages.flatMap((message) =>
        message.role === 'assistant'
          ? (message.tool_calls ?? []).map((call) => ({ id: call.id, ...call.function }))
          : [],
      ),
      toolResults: messages.flatMap((message) =>
        message.role === 'tool' ? [{ id: message.tool_call_id, content: message.content }] : [],
      ),
      tools: (sent.tools ?? []).map(({ function: { name, description, parameters } }) => ({
        name,
        description,
        schema: parameters,
      })),
    };
  },
};
