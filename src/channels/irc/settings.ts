// SPDX-License-Identifier: Apache-2.0
// The keys of a channel of the type `irc`.

import { z } from 'zod';

/** Nothing that ends an IRC line, or a word of one. */
const word = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\s\0:,][^\s\0,]*$/, 'has a space, a comma, a line break, or begins with a colon');
const line = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[^\r\n\0]*$/, 'has a line break');

/** Keys of `channels.NAME` with `type: irc`. */
export const ircSettings = z
  .object({
    host: z.string().min(1).max(255).describe('Name or address of the server.'),
    port: z.int().min(1).max(65_535).default(6697).describe('Its port; 6697 is the usual one with TLS.'),
    tls: z
      .boolean()
      .default(true)
      .describe('Speak TLS. Without it everything, the password too, can be read on its way.'),
    tls_verify: z.boolean().default(true).describe("Check the server's certificate."),
    nick: word(30).default('sigil').describe('Name of the agent there; people call it by this.'),
    username: word(10).default('sigil').describe('User name before the `@`.'),
    realname: line(100).default('Sigil').describe('What WHOIS shows as the real name.'),
    server_password: line(500).optional().describe('Password of the server itself, where it wants one.'),
    auth: z
      .enum(['none', 'sasl', 'nickserv'])
      .default('none')
      .describe('How the agent says whose account it is: while it connects, or to NickServ afterwards.'),
    account: word(100).optional().describe('Account for `auth`; unset = the nick.'),
    password: line(500).optional().describe('Password of the account.'),
    nickserv: word(100).default('NickServ').describe('Who is told the password with `auth: nickserv`.'),
    channels: z
      .array(z.strictObject({ name: word(64), key: word(64).optional() }))
      .max(100)
      .default([])
      .describe('Channels to join, each with its key where it has one.'),
    flood_burst: z.int().min(1).max(1_000).default(5).describe('Lines that may be sent at once after a silence.'),
    flood_interval: z
      .int()
      .min(0)
      .max(60_000)
      .default(1_000)
      .describe('Milliseconds from line to line after that; below 1000 many servers end the connection.'),
    ping_interval: z
      .int()
      .min(5)
      .max(600)
      .default(30)
      .describe('Seconds between two questions whether the server is there.'),
    ping_timeout: z
      .int()
      .min(10)
      .max(1_200)
      .default(120)
      .describe('Seconds of silence after which the connection is given up.'),
  })
  .refine(({ auth, password }) => auth === 'none' || password !== undefined, {
    message: 'is needed with `auth`',
    path: ['password'],
  });

export type IrcSettings = z.infer<typeof ircSettings>;
