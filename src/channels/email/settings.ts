// SPDX-License-Identifier: Apache-2.0
// The keys of a channel of the type `email`.

import { z } from 'zod';

const host = z.string().min(1).max(255);
const port = z.int().min(1).max(65_535);
const security = z.enum(['tls', 'starttls', 'none']);

/** Keys of `channels.NAME` with `type: email`. */
export const emailSettings = z.object({
  address: z
    .string()
    .max(320)
    .regex(/^[^\s@<>,;"]+@[^\s@<>,;"]+$/, 'is no address such as sigil@example.com')
    .describe('Address people write to and are answered from.'),
  name: z
    .string()
    .max(100)
    .regex(/^[^\r\n]*$/, 'has a line break')
    .default('Sigil')
    .describe('Name beside the address.'),
  username: z.string().max(320).optional().describe('Account of the mail server; unset = the address.'),
  password: z.string().min(1).max(500).describe('Its password; many vendors want one made for programs.'),
  imap: z
    .strictObject({ host, port: port.default(993), security: security.default('tls') })
    .describe('Where mail is read.'),
  smtp: z
    .strictObject({ host, port: port.default(465), security: security.default('tls') })
    .describe('Where mail is sent.'),
  inbox: z.string().min(1).max(200).default('INBOX').describe('Folder that is read.'),
  sent: z
    .string()
    .max(200)
    .default('Sent')
    .describe(
      'Folder that keeps what was sent: what may have been sent before a crash is looked for there. Empty = none.',
    ),
  subject: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^\r\n]*$/, 'has a line break')
    .default('Message from Sigil')
    .describe('Subject of a mail that answers none.'),
  max_size: z
    .int()
    .min(10_000)
    .max(100_000_000)
    .default(25_000_000)
    .describe('Largest mail that is read, in bytes; a larger one is passed by.'),
  poll_interval: z
    .int()
    .min(5)
    .max(3_600)
    .default(60)
    .describe('Seconds between two looks into the folder, besides what the server says by itself.'),
});

export type EmailSettings = z.infer<typeof emailSettings>;
