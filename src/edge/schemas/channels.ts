// SPDX-License-Identifier: Apache-2.0
// What is answered about channels. Loaded only to make the OpenAPI document; the rest is types.

import { z } from 'zod';
import type { DeepReadonly } from '../../config/schema.ts';
import { listOf, Time } from './fields.ts';

export const ChannelDetails = z
  .object({
    name: z.string(),
    type: z.string(),
    state: z
      .enum(['stopped', 'connecting', 'online', 'backing_off', 'failed', 'draining', 'quarantined', 'unreachable'])
      .describe(
        '`failed`: connecting again cannot help before `advice` is followed; `quarantined`: its entry is left out, or it was taken out with something left to say; `unreachable`: its actor did not answer.',
      ),
    since: Time.nullable(),
    received: z.int().describe('Messages taken since its actor began.'),
    refused: z.int().describe('Messages that were not.'),
    sent: z.int().describe('Messages its platform has taken since its actor began.'),
    waiting: z.int().describe('What is to be said and has not been.'),
    oldest_ms: z.int().describe('How long the oldest of that has waited.'),
    dead_letters: z.int().describe('What was given up, ever.'),
    last_error: z.object({ code: z.string(), message: z.string(), at: Time }).nullable(),
    retry_at: Time.nullable().describe('When it connects again; null when nothing is waited for.'),
    advice: z.string().nullable().describe('What to do about it.'),
  })
  .describe('A channel; figures are 0 for what it does not have.');

export const Channels = listOf(ChannelDetails);

export const ChannelState = z.object({ state: z.string() }).describe('Where its connection stands now.');

export const DeadLetter = z
  .object({
    key: z.string().describe('The id of the turn or the approval, or the key of the message it answers.'),
    kind: z.enum(['reply', 'failure', 'approval', 'notice']),
    session_id: z.string(),
    user_id: z.string(),
    channel_id: z.string().describe('The conversation on the platform.'),
    queued_at: Time,
    failed_at: Time,
    code: z.string(),
    message: z.string(),
    outcome_unknown: z.boolean().describe('Some of it may have been seen.'),
  })
  .describe('Something a channel did not say, and will not. Its text is in its session.');

export const DeadLetters = listOf(DeadLetter);

export type ChannelDetailsItem = DeepReadonly<z.output<typeof ChannelDetails>>;
