// SPDX-License-Identifier: Apache-2.0
// The keys of a channel of the type `matrix`.

import { z } from 'zod';

/** Keys of `channels.NAME` with `type: matrix`. */
export const matrixSettings = z.object({
  homeserver: z
    .url({ protocol: /^https?$/, error: 'is no http(s) URL' })
    .max(2_000)
    .describe("Address of the homeserver's client API, such as https://matrix.org."),
  access_token: z.string().min(1).max(2_000).describe("Token of the agent's account."),
  rooms: z
    .array(z.string().regex(/^[!#][^\s]{1,254}$/, 'is no room such as #harbour:example.com'))
    .max(100)
    .default([])
    .describe('Rooms to join when it starts, by id or alias.'),
  invites: z
    .enum(['accept', 'ignore'])
    .default('accept')
    .describe('What becomes of invitations. Who may talk to the agent is decided after that.'),
  notices: z
    .boolean()
    .default(false)
    .describe('Send `m.notice`, which other bots do not answer and which some programs show in grey.'),
});

export type MatrixSettings = z.infer<typeof matrixSettings>;
