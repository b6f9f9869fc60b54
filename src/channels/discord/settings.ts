// SPDX-License-Identifier: Apache-2.0
// The keys of a channel of the type `discord`.

import { z } from 'zod';

/** Keys of `channels.NAME` with `type: discord`. */
export const discordSettings = z.object({
  token: z.string().min(1).max(500).describe('Token of the bot, from the developer portal of Discord.'),
  message_content: z
    .boolean()
    .default(true)
    .describe(
      'Ask for the text of messages that do not call the bot; it must be allowed in the developer portal as well (Message Content Intent).',
    ),
  api_url: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .default('https://discord.com/api')
    .describe('Root of the API.'),
});

export type DiscordSettings = z.infer<typeof discordSettings>;
