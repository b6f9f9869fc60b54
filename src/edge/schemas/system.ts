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
    restart_pending: z.array(z.string()).describe('Changed configuration keys that wait for a restart.'),
  })
  .describe('A snapshot of the gateway.');

export type StatusAnswer = DeepReadonly<z.output<typeof Status>>;
export type CompactionsItem = DeepReadonly<z.output<typeof Compactions>>;
export type EmbeddingItem = DeepReadonly<z.output<typeof Embedding>>;
export type ThreadItem = DeepReadonly<z.output<typeof Thread>>;
export type ChannelItem = DeepReadonly<z.output<typeof Channel>>;

/** What actors say about themselves is answered as it is. */
export const SAME = {
  budget: (status: BudgetStatus): DeepReadonly<z.output<typeof Budget>> => status,
};
