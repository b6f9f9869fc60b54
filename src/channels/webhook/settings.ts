// SPDX-License-Identifier: Apache-2.0
// The keys of a channel of the type `webhook`.

import { z } from 'zod';

/** Keys of `channels.NAME` with `type: webhook`. */
export const webhookSettings = z.object({
  url: z
    .url({ protocol: /^https?$/, error: 'is no http(s) URL' })
    .max(2_000)
    .refine((url) => !/^[a-z]+:\/\/[^/?#]*@/i.test(url), 'has a name or password in it')
    .describe("Where the agent's messages are posted, and nowhere else."),
  secret: z
    .string()
    .min(1)
    .max(500)
    .describe('What both sides sign with: at least 24 bytes, as they are or as `whsec_` and base64.'),
  tolerance: z
    .int()
    .min(1)
    .max(3_600)
    .default(300)
    .describe('Seconds a request may be old, or ahead of our clock; older ones are refused as replayed.'),
  takes: z
    .array(z.enum(['edits', 'typing', 'reactions']))
    .max(3)
    .default([])
    .describe('What else than messages is posted there.'),
  check: z.boolean().default(true).describe('Post a `ping` when the channel starts, which is to be answered with 2xx.'),
  deduplicates: z
    .boolean()
    .default(true)
    .describe('Whoever is there drops what comes again under the same `Idempotency-Key`.'),
  max_message_length: z.int().min(100).max(200_000).default(40_000).describe('Longest text of one message.'),
});

export type WebhookSettings = z.infer<typeof webhookSettings>;
