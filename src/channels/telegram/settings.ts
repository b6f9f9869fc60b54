// SPDX-License-Identifier: Apache-2.0
// The keys of a channel of the type `telegram`.

import { z } from 'zod';

/** Keys of `channels.NAME` with `type: telegram`. */
export const telegramSettings = z
  .object({
    token: z.string().min(1).max(500).describe('Token of the bot, as @BotFather gives it.'),
    mode: z
      .enum(['polling', 'webhook'])
      .default('polling')
      .describe('Whether the gateway asks Telegram for messages, or Telegram brings them to `webhook_url`.'),
    webhook_url: z
      .url({ protocol: /^https$/ })
      .max(2_000)
      .optional()
      .describe(
        'With `mode: webhook`: the address Telegram reaches `/webhooks/NAME` of this gateway under; HTTPS only.',
      ),
    webhook_secret: z
      .string()
      .min(1)
      .max(500)
      .optional()
      .describe('What Telegram shows with each request, 1 to 256 of `A-Z a-z 0-9 _ -`; unset = made from the token.'),
    poll_timeout: z
      .int()
      .min(0)
      .max(50)
      .default(30)
      .describe('Seconds a question for messages may stay open while there are none.'),
    api_url: z
      .url({ protocol: /^https?$/ })
      .max(2_000)
      .default('https://api.telegram.org')
      .describe('Root of the Bot API, for a Bot API server of your own.'),
  })
  .refine(({ mode, webhook_url }) => mode === 'polling' || webhook_url !== undefined, {
    message: 'is needed with `mode: webhook`',
    path: ['webhook_url'],
  });

export type TelegramSettings = z.infer<typeof telegramSettings>;
