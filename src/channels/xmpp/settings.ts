// SPDX-License-Identifier: Apache-2.0
// The keys of a channel of the type `xmpp`.

import { z } from 'zod';

const address = z
  .string()
  .min(3)
  .max(3_071)
  .regex(/^[^\s@/]+@[^\s@/]+$/, 'is no address such as sigil@example.com');

/** Keys of `channels.NAME` with `type: xmpp`. */
export const xmppSettings = z.object({
  jid: address.describe('Address of the account, such as sigil@example.com.'),
  password: z.string().min(1).max(500).describe('Its password.'),
  host: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe("Name or address of the server; unset = what the address's domain says."),
  port: z.int().min(1).max(65_535).default(5222).describe('Its port, with `host`.'),
  tls: z
    .enum(['starttls', 'direct', 'none'])
    .default('starttls')
    .describe('How the connection is made private; without it the password can be read on its way.'),
  resource: z.string().min(1).max(100).default('sigil').describe('Name of this connection among those of the account.'),
  nick: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[^/\r\n]+$/, 'has a slash or a line break')
    .default('sigil')
    .describe('Name of the agent in rooms; people call it by this.'),
  rooms: z
    .array(z.strictObject({ jid: address, password: z.string().max(500).optional() }))
    .max(100)
    .default([])
    .describe('Rooms to join, each with its password where it has one.'),
  ping_interval: z
    .int()
    .min(5)
    .max(600)
    .default(60)
    .describe('Seconds between two questions whether the server is there.'),
});

export type XmppSettings = z.infer<typeof xmppSettings>;
