// SPDX-License-Identifier: Apache-2.0
// What is answered about the gateway itself: health, status, and problems.

import { z } from 'zod';
import type { BudgetStatus } from '../../actors/budget/protocol.ts';
import type { DeepReadonly } from '../../config/schema.ts';
import { Counts, listOf, Time } from './fields.ts';
import { McpServer } from './mcp.ts';
import { LastError, Provider } from './providers.ts';

export const Health = z.object({ status: z.literal('ok') }).describe('The process serves.');
export const Ready = z.object({ status: z.literal('ready') }).describe('Stores are open and lanes run.');

export const Problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('What programs look at.'),
    advice: z.string().optional().describe('What to do next.'),
    errors: z
      .array(z.object({ path: z.string().describe('Where; empty for the whole body.'), message: z.string() }))
      .optional()
      .describe('Everything wrong with the request, for `validation_failed`.'),
  })
  .describe('Problem details (RFC 9457).');

const Channel = z
  .object({
    name: z.string(),
    type: z.string(),
    state: z.string().describe('`unreachable` when its actor did not answer.'),
    received: z.int(),
    refused: z.int(),
  })
  .describe('A channel.');

const Span = z.object({ tokens: z.number(), cost_usd: z.number() });

export const Budget = z
  .object({
    scope: z.string(),
    state: z.string().describe('`unreachable` when its actor did not answer; then everything is 0.'),
    limits: z.object({ hour: Span, day: Span }).describe('0 = no limit.'),
    used: z.object({ hour: Span, day: Span }),
    reserved: Span,
  })
  .describe('A budget.');

export const Embedding = z
  .object({
    model: z.string().describe('`provider/model`.'),
    dimensions: z.int(),
    state: z
      .enum(['idle', 'embedding', 'waiting'])
      .describe(
        '`waiting`: its last attempt failed; what is to be embedded is kept, and is found by its words meanwhile.',
      ),
    waiting: z.int().describe('Workspaces that lack something.'),
    workspaces: z.array(z.string()).describe('The first 50 of them.'),
    retry_at: Time.nullable().describe('When it is tried again; null while it does not rest.'),
    last_error: LastError,
  })
  .describe('A model that texts are embedded with.');

export const Compactions = z
  .object({
    running: z.int().describe('Sessions whose summary is being made or stored.'),
    failed: z.int().describe('Sessions that failed and are tried again by themselves.'),
    given_up: z.int().describe('Sessions not tried again until they have grown, or somebody asks.'),
    newest: z
      .array(
        z.object({
          workspace_id: z.string(),
          session_id: z.string(),
          state: z.enum(['failed', 'given_up']),
          attempts: z.int().describe('How often in a row it has failed.'),
          retry_at: Time.nullable().describe('When it is tried again; null: not by itself.'),
          code: z.string(),
          message: z.string(),
          at: Time,
        }),
      )
      .describe('The newest ten of those that failed.'),
  })
  .describe('How it is with the summing up of older messages. Where one fails nothing is lost: they stay as they are.');

export const Thread = z
  .object({
    name: z.string(),
    state: z
      .enum(['up', 'unreachable', 'quarantined', 'resting'])
      .describe(
        '`quarantined`: it ended too often and is tried again later; `resting`: nothing lives on it, it was not started.',
      ),
    role: z.string(),
    life: z.int().describe('Counts the threads that had this name.'),
    actors: z.int(),
    messages_in_per_s: z.number(),
    messages_out_per_s: z.number(),
    loop_delay_ms: z.object({ p50: z.number(), p99: z.number() }),
    heap_bytes: z.int(),
    utilisation: z.number().describe('Share of time its loop was busy in the last second, 0 to 1.'),
    restarts: z.int(),
    last_restart: z
      .object({ at: Time, reason: z.string().describe('`error`, `hung`, `out_of_memory` or `normal`.') })
      .nullable()
      .describe('When and why it was last replaced; null when it never was.'),
  })
  .describe('A thread; figures are 0 while it is unreachable.');

export const Threads = listOf(Thread);

export const Paused = z
  .object({
    since: Time,
    by: z.string().describe('The id of the user who paused it; empty once they are erased.'),
    reason: z.string().describe('Why, as they put it; empty when they did not say.'),
  })
  .nullable()
  .describe('That messages are taken and wait, and no new turn is begun; null while turns are begun.');

export const Agent = z.object({ paused: Paused }).describe('Whether the agent begins new turns.');
export const ConfigError = z
  .object({
    place: z.string().describe('The file it stands in, the environment variable or the flag.'),
    line: z.int().nullable().describe('From 1; null where it is no line’s.'),
    key: z.string().describe('The key; empty when it is about the whole file.'),
    found: z.string(),
    allowed: z.string(),
    message: z.string().describe('All of it in a sentence.'),
  })
  .describe('Something wrong with the configuration as it is written now.');

const configFields = {
  file: z.string().nullable().describe('The file it comes from; null while there is none.'),
  applied_at: Time.describe('Since when the configuration is in force.'),
  errors: z.array(ConfigError).describe('Why what is written now is not in force; empty when it is.'),
  errors_at: Time.nullable().describe('When they were found; null without any.'),
};
const RestartPending = z.array(z.string()).describe('Changed configuration keys that wait for a restart.');

export const ConfigInForce = z
  .object({
    config: z
      .record(z.string(), z.unknown())
      .describe('What is in force, as `sigil config show` prints it: every key, secrets as `***`.'),
    ...configFields,
    restart_pending: RestartPending,
  })
  .describe('The configuration that is in force, and what is known of the file.');

export const ConfigReloaded = z
  .object({
    applied: z.array(z.string()).describe('Keys that are another value from now on, on every thread.'),
    restart_pending: RestartPending,
    quarantined: z
      .array(z.object({ what: z.string(), code: z.string(), message: z.string(), advice: z.string() }))
      .describe('Entries that are set aside.'),
  })
  .describe('What came of reading the configuration again.');

export const Status = z
  .object({
    version: z.string(),
    commit: z.string(),
    uptime_s: z.int(),
    state: z.string().describe('`starting`, `running`, `draining`, `stopped` or `unreachable`.'),
    url: z.string().nullable().describe('Null without a TCP port.'),
    threads: z.array(Thread),
    actors: z.object({ total: z.int(), by_kind: Counts }),
    channels: z.array(Channel),
    providers: z.array(Provider),
    mcp: z.array(McpServer),
    budgets: z.array(Budget),
    embeddings: z.array(Embedding).describe('Models that something was embedded with since the start, or waits for.'),
    compactions: Compactions,
    quarantined: z
      .array(z.object({ what: z.string(), code: z.string(), message: z.string(), advice: z.string() }))
      .describe('Parts that were configured and do not run.'),
    restarts: z.array(z.object({ thread: z.string(), count: z.int(), last_at: Time, reason: z.string() })),
    restart_pending: RestartPending,
    config: z
      .object(configFields)
      .describe('Where the configuration comes from, and whether what is written is in force.'),
    paused: Paused,
  })
  .describe('A snapshot of the gateway.');

export type StatusAnswer = DeepReadonly<z.output<typeof Status>>;
export type AgentAnswer = DeepReadonly<z.output<typeof Agent>>;
export type PausedItem = DeepReadonly<z.output<typeof Paused>>;
export type ConfigAnswer = DeepReadonly<z.output<typeof ConfigInForce>>;
export type ReloadedAnswer = DeepReadonly<z.output<typeof ConfigReloaded>>;
export type CompactionsItem = DeepReadonly<z.output<typeof Compactions>>;
export type EmbeddingItem = DeepReadonly<z.output<typeof Embedding>>;
export type ThreadItem = DeepReadonly<z.output<typeof Thread>>;
export type ChannelItem = DeepReadonly<z.output<typeof Channel>>;

/** What actors say about themselves is answered as it is. */
export const SAME = {
  budget: (status: BudgetStatus): DeepReadonly<z.output<typeof Budget>> => status,
};
