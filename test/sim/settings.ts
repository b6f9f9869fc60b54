// SPDX-License-Identifier: Apache-2.0
// The configuration of a simulated gateway: the defaults with what the plan says.

import { type Config, ConfigSchema } from '../../src/config/schema.ts';
import type { Plan, PlannedChat } from './plan.ts';
import { CHANNEL } from './rules.ts';

/** A circuit that stays open for half a minute would be open when everything has long come to its end. */
process.env['SIGIL_CIRCUIT_TIMES'] = JSON.stringify({ first: 400, longest: 4_000, probe_again: 100 });

/** The same for a summary that fails: it is given up before everything has come to its end. */
process.env['SIGIL_COMPACTION_TIMES'] = JSON.stringify({ call: 20_000, first: 200, longest: 2_000, attempts: 3 });

let defaults: Config | undefined;

/** The providers that may take the place of the first. */
export function sparesOf({ settings }: Plan): readonly string[] {
  return Array.from({ length: settings.spares ?? 0 }, (_, at) => `spare-${at + 1}`);
}

/** Whoever a plan may have speak. */
const USERS: Config['users'] = [0, 1, 2].map((user) => ({
  id: `user-${user}`,
  name: '',
  role: 'member' as const,
  identities: [{ channel: CHANNEL, platform_id: `p${user}` }],
}));

export function configOf(plan: Plan): Config {
  // Not of the configuration: nobody is to set it.
  if (plan.settings.keys === undefined) delete process.env['SIGIL_KEYS'];
  else process.env['SIGIL_KEYS'] = JSON.stringify(plan.settings.keys);
  defaults ??= ConfigSchema.parse({ providers: { scripted: { type: 'sigil' } } });
  const { settings } = plan;
  const { providers, models, sessions, gateway, agent } = defaults;
  const scripted = providers['scripted'];
  if (scripted === undefined) throw new Error('the scripted provider is not in its own configuration');
  const spares = sparesOf(plan);
  return {
    ...defaults,
    users: USERS,
    gateway: {
      ...gateway,
      mailbox_capacity: settings.mailbox_capacity,
      session_idle_timeout: settings.idle_timeout,
      awake_max: settings.awake_max,
    },
    providers: Object.fromEntries(
      ['scripted', ...spares].map((name) => [
        name,
        { ...scripted, max_concurrency: settings.max_concurrency, max_retries: settings.retries ?? 0 },
      ]),
    ),
    models: {
      ...models,
      default: 'scripted/offline',
      failover: spares.map((name) => `${name}/offline`),
      budgets: {
        ...models.budgets,
        per_session_tokens: settings.per_session_tokens,
        per_hour_tokens: settings.per_hour_tokens,
        per_hour_usd: 0,
        per_day_usd: 0,
      },
    },
    ...(plan.chat === undefined ? {} : { channels: { [CHANNEL]: channelOf(plan.chat) } }),
    approvals: { timeout: settings.approval_timeout ?? defaults.approvals.timeout },
    agent: { ...agent, turn_timeout: settings.turn_timeout },
    sessions: {
      ...sessions,
      memory: memoryOf(sessions.memory, settings.compaction),
      queue: settings.queue,
      tool_timeout: settings.tool_timeout,
      max_tool_iterations: settings.max_tool_iterations,
    },
  };
}

function channelOf({ redeliver }: PlannedChat): Config['channels'][string] {
  return ConfigSchema.shape.channels.parse({ [CHANNEL]: { type: CHANNEL, pairing: 'pair_on_request', redeliver } })[
    CHANNEL
  ] as Config['channels'][string];
}

type Memory = Config['sessions']['memory'];

function memoryOf(memory: Memory, compaction: Plan['settings']['compaction']): Memory {
  // The pool is real workers with a time of their own, which no seed repeats.
  const here = { ...memory, embeddings: { ...memory.embeddings, enabled: false } };
  if (compaction === undefined) return here;
  const { window, batch, keep } = compaction;
  return {
    ...here,
    active_window: window,
    compaction: { ...memory.compaction, batch_size: batch },
    recent_store: { max_messages: keep },
  };
}
