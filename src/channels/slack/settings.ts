// SPDX-License-Identifier: Apache-2.0
// The keys of a channel of the type `slack`.

import { z } from 'zod';

/** Keys of `channels.NAME` with `type: slack`. */
export const slackSettings = z
  .object({
    bot_token: z
      .string()
      .min(1)
      .max(500)
      .describe('Token of the bot, `xoxb-…`, from the app\'s "OAuth & Permissions".'),
    mode: z
      .enum(['socket', 'events'])
      .default('socket')
      .describe('Whether the gateway connects to Slack, or Slack brings events to `/webhooks/NAME` of this gateway.'),
    app_token: z
      .string()
      .min(1)
      .max(500)
      .optional()
      .describe('With `mode: socket`: the app-level token, `xapp-…`, with `connections:write`.'),
    signing_secret: z
      .string()
      .min(1)
      .max(500)
      .optional()
      .describe('With `mode: events`: the signing secret, from the app\'s "Basic Information".'),
    api_url: z
      .url({ protocol: /^https?$/ })
      .max(2_000)
      .default('https://slack.com/api/')
      .describe('Root of the Web API.'),
  })
  .refine(({ mode, app_token }) => mode !== 'socket' || app_token !== undefined, {
    message: 'is needed with `mode: socket`',
    path: ['app_token'],
  })
  .refine(({ mode, signing_secret }) => mode !== 'events' || signing_secret !== undefined, {
    message: 'is needed with `mode: events`',
    path: ['signing_secret'],
  });

export type SlackSettings = z.infer<typeof slackSettings>;
