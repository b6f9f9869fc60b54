// SPDX-License-Identifier: Apache-2.0
// What OpenAI's clients send, as far as it is read: unknown fields are passed over, as OpenAI itself does, wrong ones are not.

import { z } from 'zod';

/** Messages of one request, and tools. */
const MESSAGES_MOST = 2_048;
const TOOLS_MOST = 128;
/** OpenAI takes four; other vendors more. */
const STOPS_MOST = 16;
/** Texts of one request for vectors, as OpenAI has it. */
const TEXTS_MOST = 2_048;

const text = z.string().refine((value) => value.isWellFormed(), { error: 'is not well-formed Unicode' });
const TextPart = z.object({ type: z.literal('text'), text });
const RefusalPart = z.object({ type: z.literal('refusal'), refusal: text });
const ImagePart = z.object({
  type: z.literal('image_url'),
  image_url: z.object({ url: z.string().describe('A `data:` URL of an image. Others are not fetched, and refused.') }),
});
const textOnly = z.union([text, z.array(TextPart).min(1)]);

const ToolCall = z.object({
  id: z.string().min(1).max(512),
  type: z.literal('function').default('function'),
  function: z.object({ name: z.string().min(1).max(256), arguments: text }),
});

const Message = z.discriminatedUnion('role', [
  z.object({ role: z.literal('system'), content: textOnly }),
  z.object({ role: z.literal('developer'), content: textOnly }),
  z.object({
    role: z.literal('user'),
    content: z.union([text, z.array(z.discriminatedUnion('type', [TextPart, ImagePart])).min(1)]),
  }),
  z.object({
    role: z.literal('assistant'),
    content: z.union([text, z.array(z.discriminatedUnion('type', [TextPart, RefusalPart]))]).nullish(),
    tool_calls: z.array(ToolCall).max(TOOLS_MOST).nullish(),
  }),
  z.object({ role: z.literal('tool'), content: textOnly, tool_call_id: z.string().min(1).max(512) }),
]);

const Schema = z.record(z.string(), z.unknown());
const Tool = z.object({
  type: z.literal('function'),
  function: z.object({
    name: z.string().regex(/^[a-zA-Z0-9_.-]{1,128}$/, { error: 'is not a name of a function' }),
    description: text.nullish(),
    parameters: Schema.nullish(),
  }),
});

const ToolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
]);

const ResponseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({
      name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, { error: 'is not a name of a schema' }),
      description: text.nullish(),
      schema: Schema.nullish(),
      strict: z.boolean().nullish(),
    }),
  }),
]);

const tokens = z.number().int().min(1).max(10_000_000).nullish();

/** The one value of what would change the shape of an answer. */
const only = (value: unknown, says: string) =>
  z.unknown().refine((given) => given === undefined || given === null || Object.is(given, value), { error: says });

export const ChatCompletionRequest = z.object({
  model: z.string().min(1).max(512).describe('`provider/model`, or `workspace:<id>` for the whole agent.'),
  messages: z.array(Message).min(1).max(MESSAGES_MOST),
  tools: z.array(Tool).max(TOOLS_MOST).nullish().describe('Not with `workspace:<id>`: the agent has its own.'),
  tool_choice: ToolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: ResponseFormat.nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  max_tokens: tokens,
  max_completion_tokens: tokens,
  stop: z.union([text, z.array(text).max(STOPS_MOST)]).nullish(),
  seed: z.number().int().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  n: only(1, 'must be 1: one answer is given').optional(),
  logprobs: only(false, 'is not supported').optional(),
  audio: only(undefined, 'is not supported').optional(),
  functions: only(undefined, 'is not supported: use `tools`').optional(),
  function_call: only(undefined, 'is not supported: use `tool_choice`').optional(),
});
export type ChatCompletionRequest = z.infer<typeof ChatCompletionRequest>;

const NOT_EMPTY = { error: 'is empty' } as const;

export const EmbeddingRequest = z.object({
  model: z.string().min(1).max(512).describe('`provider/model`, as `sigil/hash-384`.'),
  input: z
    .union([text.min(1, NOT_EMPTY), z.array(text.min(1, NOT_EMPTY)).min(1, NOT_EMPTY).max(TEXTS_MOST)], {
      error:
        'must be a text or a list of texts: lists of tokens are not taken, since which words they are only OpenAI knows',
    })
    .describe('A text, or a list of them. Tokens are not taken.'),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.number().int().min(1).max(16_384).nullish(),
});
export type EmbeddingRequest = z.infer<typeof EmbeddingRequest>;
