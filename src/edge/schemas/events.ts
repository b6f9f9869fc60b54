// SPDX-License-Identifier: Apache-2.0
// The data of server-sent events, by the events' names.

import { z } from 'zod';
import type { DeepReadonly } from '../../config/schema.ts';
import type { TurnEvent } from '../../stores/turn-events.ts';
import { ToolCall, Usage } from './answers.ts';
import { StateValue, Time } from './fields.ts';

/** The events of a turn. */
export const TURN_EVENTS = {
  turn_started: z
    .object({
      turn_id: z.string(),
      session_id: z.string(),
      workspace_id: z.string(),
      message_id: z.string(),
      message_ids: z.array(z.string()).describe('All messages it answers from its start, that one first.'),
      model: z.string(),
      queued_ms: z.number(),
    })
    .describe('The turn began.'),
  text_delta: z.object({ text: z.string() }).describe('More of the reply.'),
  thinking_delta: z.object({ text: z.string() }).describe("More of the model's thinking."),
  turn_restarted: z
    .object({ reason: z.enum(['resumed', 'failover']) })
    .describe("Forget this turn's text so far, it begins again; ids go on counting."),
  tool_call: ToolCall,
  approval_requested: z
    .object({
      id: z.string(),
      call_id: z.string(),
      tool: z.string(),
      arguments: z.string().describe('The JSON text the model wrote: what is approved.'),
      reason: z.string().describe('Why the tool asks; empty: it always does.'),
      expires_at: Time.describe('When it counts as denied.'),
    })
    .describe('A tool call waits until a person has allowed it.'),
  tool_result: z
    .object({ id: z.string(), name: z.string(), content: z.string(), is_error: z.boolean(), truncated: z.boolean() })
    .describe('What a tool call gave.'),
  usage: Usage,
  warning: z.object({ code: z.string(), message: z.string() }).describe('Something to know.'),
  done: z
    .object({
      turn_id: z.string(),
      reply_id: z.string(),
      finish_reason: z.enum(['stop', 'length', 'content_filter', 'cancelled']),
      content: z.string().describe('All text of the turn: exactly what its deltas add up to.'),
    })
    .describe('The turn ended well. The last event of a turn.'),
  error: z
    .object({ code: z.string(), message: z.string() })
    .describe('The turn failed, or the stream cannot go on. The last event.'),
} as const;

/** The events of the debug stream. */
export const TRACE_EVENTS = {
  transition: z
    .object({ at: Time, address: z.string(), event: z.string(), from_state: StateValue, to_state: StateValue })
    .describe('An actor went from one state to another, or stayed.'),
  dropped: z.object({ dropped: z.int() }).describe('So many transitions of the last second are not shown.'),
} as const;

const Moved = { at: Time, from: z.string(), to: z.string() };
const Spent = z.object({
  at: Time,
  scope: z.string().describe('`global` or the id of a workspace.'),
  limit: z.string().describe('`per_hour_tokens`, `per_hour_usd`, `per_day_tokens` or `per_day_usd`.'),
  used: z.number(),
  max: z.number(),
  resets_at: Time,
});
const Asked = {
  at: Time,
  id: z.string(),
  session_id: z.string(),
  workspace_id: z.string(),
  user_id: z.string(),
};

/** The events of the gateway's status. */
export const STATUS_EVENTS = {
  listening: z.object({ at: Time }).describe('From here on everything is told; first what came after `Last-Event-ID`.'),
  missed: z.object({ at: Time }).describe('Something may not have been told: read the status as a whole.'),
  gateway_state: z.object(Moved).describe('`starting`, `running`, `draining`, `stopped`.'),
  channel_state: z.object({ ...Moved, channel: z.string() }).describe('A channel connected, lost its connection, …'),
  provider_circuit: z
    .object({ ...Moved, provider: z.string() })
    .describe('`closed`: the provider is asked; `open`: it is left alone; `half_open`: it is being looked for.'),
  mcp_state: z.object({ ...Moved, server: z.string() }).describe('An MCP server came or went.'),
  thread_lost: z
    .object({ at: Time, thread: z.string(), reason: z.string() })
    .describe('A thread ended and is started again; `reason` as in the status.'),
  thread_started: z
    .object({ at: Time, thread: z.string(), life: z.int() })
    .describe('The next life of a thread is in use.'),
  quarantined: z
    .object({ at: Time, what: z.string(), code: z.string(), message: z.string(), advice: z.string() })
    .describe('A part is left out for now.'),
  released: z.object({ at: Time, what: z.string() }).describe('A part that was left out serves again.'),
  budget_near: Spent.describe('Four fifths of a limit are used.'),
  budget_exhausted: Spent.describe('A call was refused for a limit, for the first time since it was reset.'),
  config_applied: z.object({ at: Time, keys: z.array(z.string()) }).describe('A changed configuration is in force.'),
  config_refused: z
    .object({ at: Time, problems: z.array(z.string()) })
    .describe('A changed configuration is broken; the one before stays in force.'),
  agent_paused: z
    .object({ at: Time, since: Time, by: z.string(), reason: z.string() })
    .describe('No new turn begins from here on.'),
  agent_resumed: z.object({ at: Time }).describe('Turns begin again.'),
  backup_done: z.object({ at: Time, took_ms: z.number() }).describe('A backup was made.'),
  approval_requested: z
    .object({ ...Asked, tool: z.string(), expires_at: Time })
    .describe('A tool call waits for a person; told to those who may see its session.'),
  approval_decided: z
    .object({ ...Asked, decision: z.string() })
    .describe('It waits no longer: `approve`, `deny`, `expired` or `cancelled`.'),
  error: z
    .object({ code: z.string(), message: z.string() })
    .describe('The stream cannot go on: `slow_consumer`, `unauthenticated`. The last event.'),
} as const;

type Shown = {
  [E in keyof typeof TURN_EVENTS]: { event: E; data: z.output<(typeof TURN_EVENTS)[E]> };
}[keyof typeof TURN_EVENTS];

/** Turn events as the stores number them are what is sent: a change over there that is not made here does not compile. */
export const SAME = (event: TurnEvent): DeepReadonly<Shown> => event;
