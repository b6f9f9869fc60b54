// SPDX-License-Identifier: Apache-2.0
// What clients of OpenAI's are answered with, for the document: in OpenAI's own words.

import { z } from 'zod';

const count = z.number().int().min(0);

const ToolCall = z.object({
  id: z.string(),
  type: z.literal('function'),
  function: z.object({ name: z.string(), arguments: z.string().describe('JSON, as the model wrote it.') }),
});

export const CompletionUsage = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_tokens_details: z.object({ cached_tokens: count, audio_tokens: count }),
});

const Finish = z.enum(['stop', 'length', 'content_filter', 'tool_calls']);

export const ChatCompletion = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: count.describe('Seconds of the epoch.'),
  model: z.string().describe('Who answered: another than was asked for where that one failed.'),
  choices: z.array(
    z.object({
      index: count,
      message: z.object({
        role: z.literal('assistant'),
        content: z.string().nullable(),
        refusal: z.null(),
        reasoning_content: z.string().optional().describe('What the model thought, where it tells.'),
        tool_calls: z.array(ToolCall).optional(),
      }),
      logprobs: z.null(),
      finish_reason: Finish,
    }),
  ),
  usage: CompletionUsage,
});

export const ChatCompletionChunk = z.object({
  id: z.string(),
  object: z.literal('chat.completion.chunk'),
  created: count,
  model: z.string(),
  choices: z.array(
    z.object({
      index: count,
      delta: z.object({
        role: z.literal('assistant').optional(),
        content: z.string().optional(),
        refusal: z.null().optional(),
        reasoning_content: z.string().optional(),
        tool_calls: z.array(ToolCall.extend({ index: count })).optional(),
      }),
      logprobs: z.null(),
      finish_reason: Finish.nullable(),
    }),
  ),
  usage: CompletionUsage.nullable().optional(),
});

/** An event has no name: each is a chunk, but for the last, which is the word `[DONE]`. */
export const CHUNK_EVENTS = { message: ChatCompletionChunk } as const;

export const OpenAiModel = z.object({
  id: z.string().describe('`provider/model`, or `workspace:<id>`.'),
  object: z.literal('model'),
  created: count.describe('0: nobody tells when a model was made.'),
  owned_by: z.string(),
});
export const OpenAiModels = z.object({ object: z.literal('list'), data: z.array(OpenAiModel) });

export const Embeddings = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      object: z.literal('embedding'),
      index: count,
      embedding: z.union([z.array(z.number()), z.string().describe('Little-endian float32, as base64.')]),
    }),
  ),
  model: z.string(),
  usage: z.object({ prompt_tokens: count, total_tokens: count }),
});

export const OpenAiError = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});
