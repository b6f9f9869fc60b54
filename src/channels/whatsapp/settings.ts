// SPDX-License-Identifier: Apache-2.0
// The keys of a channel of the type `whatsapp`.

import { z } from 'zod';

const secret = z.string().min(1).max(1_000);
/** The version of the Graph API that is spoken; each is served for two years. */
const VERSION = 'v26.0';

/** Keys of `channels.NAME` with `type: whatsapp`. */
export const whatsappSettings = z.object({
  phone_number_id: z
    .string()
    .regex(/^\d{1,32}$/, 'is no id of a phone number; the app dashboard shows it beside the number')
    .describe('Id of the phone number in the app dashboard, not the number itself.'),
  access_token: secret.describe("A system user's token with `whatsapp_business_messaging`."),
  app_secret: secret.describe('Secret of the app, with which Meta signs what it sends.'),
  verify_token: secret.describe('Any words of yours, given to Meta beside the address of the webhook.'),
  api_root: z
    .url({ protocol: /^https?$/, error: 'is no http(s) URL' })
    .max(2_000)
    .default('https://graph.facebook.com')
    .describe('Where the Graph API is.'),
  api_version: z
    .string()
    .regex(/^v\d{1,3}\.\d$/, 'is no version such as v26.0')
    .default(VERSION)
    .describe('Version of the Graph API.'),
  media_hosts: z
    .array(z.string().min(1).max(255))
    .max(20)
    .default(['fbsbx.com', 'facebook.com', 'whatsapp.net', 'fbcdn.net'])
    .describe('Hosts, with those below them, attachments are fetched from with the token; `api_root` always is one.'),
  mark_read: z.boolean().default(true).describe('Show the agent has read a message once it is taken.'),
});

export type WhatsAppSettings = z.infer<typeof whatsappSettings>;
