// SPDX-License-Identifier: Apache-2.0
// The part of the configuration about the agent: providers, models, its manner, sessions and memory.

import { z } from 'zod';
import { duration, entryName, httpUrl, modelName, secret, shaped, text, whole, workspaceId } from './fields.ts';

const MOST_TOKENS = 1_000_000_000_000;
/** A number of tokens. */
export const tokens = () => whole(0, MOST_TOKENS);
/** An amount of USD. */
export const dollars = () => z.number().min(0).max(1_000_000_000);

/** `providers`: the language models' vendors, by name. */
export const providers = z
  .record(
    entryName(),
    z.strictObject({
      type: text(64).optional().describe("Kind of provider; unset = the entry's name."),
      api_key: secret().optional().describe("The vendor's key."),
      endpoint: httpUrl().optional().describe("Base URL, where it is not the vendor's own."),
      timeouts: z
        .strictObject({
          connect: duration('10ms', '10m').prefault('10s').describe('Until the connection stands.'),
          first_event: duration('10ms', '1h').prefault('60s').describe('Until the first event of an answer.'),
          gap: duration('10ms', '1h').prefault('60s').describe('Between two events of an answer.'),
        })
        .prefault({})
        .describe('How long to wait for it.'),
      max_retries: whole(0, 20).default(2).describe('Tries again after a failure that may pass.'),
      max_concurrency: whole(1, 10_000).default(16).describe('Calls at the same time.'),
      requests_per_minute: whole(0, 10_000_000).default(0).describe('0 = no limit.'),
      tokens_per_minute: tokens().default(0).describe('0 = no limit.'),
    }),
  )
  .default({})
  .describe('Name -> provider of language models.');

/** `models`: which model answers, what it costs, what may be spent. */
export const models = z
  .strictObject({
    default: modelName()
      .default('')
      .describe("`provider/model`; empty = the first configured provider's own default, or `sigil/offline`."),
    overrides: z.record(workspaceId(), modelName()).default({}).describe('Workspace -> `provider/model`.'),
    failover: z.array(modelName()).max(100).default([]).describe('Models tried in order when the first cannot answer.'),
    pricing: z
      .record(
        shaped(/^[^/\s]+\/\S+$/, '"provider/model"'),
        z.strictObject({
          input: dollars().describe('USD per million input tokens.'),
          output: dollars().describe('USD per million output tokens.'),
        }),
      )
      .default({})
      .describe('`provider/model` -> price, over the built-in table.'),
    budgets: z
      .strictObject({
        per_session_tokens: tokens().default(100_000).describe('Tokens a session may use; 0 = no limit.'),
        per_hour_tokens: tokens().default(0).describe('Tokens an hour; 0 = no limit.'),
        per_day_tokens: tokens().default(0).describe('Tokens a day; 0 = no limit.'),
        per_hour_usd: dollars().default(5).describe('USD an hour; 0 = no limit.'),
        per_day_usd: dollars().default(50).describe('USD a day; 0 = no limit.'),
        unknown_price: z
          .enum(['allow', 'deny'])
          .default('allow')
          .describe('Whether a model without a known price may be used.'),
      })
      .prefault({})
      .describe('Limits over all workspaces.'),
  })
  .prefault({})
  .describe('Models, prices and budgets.');

/** `agent`: who answers. */
export const agent = z
  .strictObject({
    persona: text(100_000).default('').describe('Added to the system prompt. `file:///path` reads it from a file.'),
    turn_timeout: duration('1s', '24h').prefault('10m').describe('Longest turn.'),
  })
  .prefault({})
  .describe("The agent's manner.");

/** Whether a person's direct messages share one session or keep one per channel. */
export const sessionMode = z.enum(['unified', 'per_channel']);

/** `sessions`: turns, tools within them, and what is remembered. */
export const sessions = z
  .strictObject({
    queue: z
      .enum(['followup', 'collect', 'steer', 'interrupt'])
      .default('followup')
      .describe('What a message does while a turn runs.'),
    max_tool_iterations: whole(1, 1000).default(5).describe('Model calls with tools per turn.'),
    max_tool_calls_per_turn: whole(1, 10_000).default(20).describe('Tool calls per turn.'),
    max_tool_calls_per_session: whole(1, 10_000_000).default(1000).describe('Tool calls per session.'),
    tool_timeout: duration('100ms', '24h').prefault('60s').describe('Longest tool call.'),
    mode: sessionMode.default('unified').describe('Default `session_mode` of a user.'),
    memory: z
      .strictObject({
        active_window: whole(1, 10_000).default(20).describe('Newest messages sent to the model.'),
        compaction: z
          .strictObject({
            strategy: z.enum(['summarize']).default('summarize').describe('How old messages are made smaller.'),
            summary_model: modelName()
              .default('')
              .describe("Model that summarizes; empty = the session's own. Others of `models.failover` follow it."),
            batch_size: whole(2, 10_000)
              .default(50)
              .describe('Messages that left the window before they are summed up together.'),
          })
          .prefault({})
          .describe('Compaction of old messages.'),
        recent_store: z
          .strictObject({
            max_messages: whole(1, 10_000_000)
              .default(1000)
              .describe('Messages kept in memory per session; older ones go once a summary stands for them.'),
          })
          .prefault({})
          .describe('Messages that left the window.'),
        summaries: z
          .strictObject({
            enabled: z
              .boolean()
              .default(true)
              .describe('Sum up what left the window. Without it the oldest messages leave memory unsummed.'),
            extract_facts: z.boolean().default(true).describe('Have facts taken from what is summed up.'),
          })
          .prefault({})
          .describe('Summaries.'),
        knowledge: z
          .strictObject({
            enabled: z
              .boolean()
              .default(true)
              .describe('Keep facts: what is asked to be remembered, and what summaries bring.'),
          })
          .prefault({})
          .describe('Facts.'),
        embeddings: z
          .strictObject({
            enabled: z.boolean().default(true).describe('Search by meaning.'),
            model: modelName()
              .default('sigil/hash-384')
              .describe('Embedding model, such as `openai/text-embedding-3-small`.'),
          })
          .prefault({})
          .describe('Vectors.'),
      })
      .prefault({})
      .describe('What is remembered.'),
  })
  .prefault({})
  .describe('Sessions.');
