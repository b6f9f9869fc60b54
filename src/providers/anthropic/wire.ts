// SPDX-License-Identifier: Apache-2.0
// What a Messages stream sends, as far as we read it: parsed once, here.

import { z } from 'zod';

const count = z.number().int().min(0);

const Usage = z.object({
  input_tokens: count.nullish(),
  output_tokens: count.nullish(),
  cache_read_input_tokens: count.nullish(),
  cache_creation_input_tokens: count.nullish(),
});

/** A block of a kind we do not know, a vendor's own tool say, is passed over. */
const Block = z.union([
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('thinking'), thinking: z.string(), signature: z.string().nullish() }),
  z.object({ type: z.literal('redacted_thinking'), data: z.string() }),
  z.object({ type: z.literal('tool_use'), id: z.string().min(1), name: z.string().min(1), input: z.unknown() }),
  z.object({ type: z.string().transform(() => 'other' as const) }),
]);

const Delta = z.union([
  z.object({ type: z.literal('text_delta'), text: z.string() }),
  z.object({ type: z.literal('thinking_delta'), thinking: z.string() }),
  z.object({ type: z.literal('signature_delta'), signature: z.string() }),
  z.object({ type: z.literal('input_json_delta'), partial_json: z.string() }),
  z.object({ type: z.string().transform(() => 'other' as const) }),
]);

export const ClaudeErrorBody = z.object({
  error: z.object({ type: z.string().nullish(), message: z.string().nullish() }),
  request_id: z.string().nullish(),
});

/** One event of the stream. Kinds that are added later are passed over, as the vendor asks. */
export const ClaudeEvent = z.union([
  z.object({ type: z.literal('content_block_delta'), index: count, delta: Delta }),
  z.object({ type: z.literal('content_block_start'), index: count, content_block: Block }),
  z.object({ type: z.literal('content_block_stop'), index: count }),
  z.object({ type: z.literal('message_start'), message: z.object({ usage: Usage }) }),
  z.object({
    type: z.literal('message_delta'),
    delta: z.object({
      stop_reason: z.string().nullish(),
      stop_details: z.object({ explanation: z.string().nullish() }).nullish(),
    }),
    usage: Usage.nullish(),
  }),
  z.object({ type: z.literal('message_stop') }),
  z.object({ type: z.literal('error') }).extend(ClaudeErrorBody.shape),
  z.object({
    type: z
      .string()
      .refine((type) => !KNOWN.has(type))
      .transform(() => 'other' as const),
  }),
]);

/** A known event without what belongs to it is a broken stream, not a new kind of event. */
const KNOWN: ReadonlySet<string> = new Set([
  ...['message_start', 'message_delta', 'message_stop', 'error'],
  ...['content_block_start', 'content_block_delta', 'content_block_stop'],
]);

export type ClaudeEvent = z.infer<typeof ClaudeEvent>;

const Capability = z.object({ supported: z.boolean() }).nullish();

/** A model as the vendor lists it; endpoints that speak like it may tell less. */
export const ListedModel = z.object({
  id: z.string().min(1),
  display_name: z.string().nullish(),
  max_input_tokens: z.number().int().positive().nullish().catch(null),
  max_tokens: z.number().int().positive().nullish().catch(null),
  capabilities: z.object({ image_input: Capability, thinking: Capability }).nullish().catch(null),
});
export type ListedModel = z.infer<typeof ListedModel>;
