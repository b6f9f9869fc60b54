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

type Shown = {
  [E in keyof typeof TURN_EVENTS]: { event: E; data: z.output<(typeof TURN_EVENTS)[E]> };
}[keyof typeof TURN_EVENTS];

/** Turn events as the stores number them are what is sent: a change over there that is not made here does not compile. */
export const SAME = (event: TurnEvent): DeepReadonly<Shown> => event;
