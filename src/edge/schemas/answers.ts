// SPDX-License-Identifier: Apache-2.0
// What is answered about chat, turns, sessions and workspaces. Loaded only to make the OpenAPI document; the rest is types.

import { z } from 'zod';
import type { DeepReadonly } from '../../config/schema.ts';
import type { MessageRow, SessionRow, TurnRow } from '../../stores/session-store.ts';
import { listOf, Time } from './fields.ts';

export const Usage = z
  .object({
    input_tokens: z.int(),
    output_tokens: z.int(),
    cache_read_tokens: z.int(),
    cache_write_tokens: z.int(),
    cost_usd: z.number(),
  })
  .describe("The whole turn's tokens and cost.");

const callFields = {
  id: z.string(),
  name: z.string(),
  arguments: z.string().describe('The JSON text the model wrote.'),
};

export const ToolCall = z.object(callFields).describe('A tool call as the model asked for it.');

export const TurnToolCall = z
  .object({
    ...callFields,
    result: z
      .object({ content: z.string(), is_error: z.boolean(), truncated: z.boolean() })
      .nullable()
      .describe('Null while it runs.'),
  })
  .describe('A tool call and what came of it.');

const FinishReason = z.enum(['stop', 'length', 'content_filter', 'cancelled']);

export const Chat = z
  .object({
    session_id: z.string(),
    turn_id: z.string(),
    message_id: z.string().describe("The sender's key for its message."),
    reply_id: z.string().describe("The reply's id in the session."),
    content: z.string(),
    model: z.string(),
    usage: Usage,
    tool_calls: z.array(TurnToolCall),
    finish_reason: FinishReason,
  })
  .describe('The whole answer to a message.');

export type ChatAnswer = DeepReadonly<z.output<typeof Chat>>;

export const Turn = z
  .object({
    id: z.string(),
    session_id: z.string(),
    workspace_id: z.string(),
    user_id: z.string(),
    message_id: z.string(),
    status: z.enum(['queued', 'running', 'finished', 'failed']),
    model: z.string(),
    reply_id: z.string().nullable().describe('Null until it ended well.'),
    content: z.string(),
    finish_reason: FinishReason.nullable(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    usage: Usage,
    tool_calls: z.array(TurnToolCall),
    created_at: Time,
    started_at: Time.nullable(),
    ended_at: Time.nullable(),
  })
  .describe("A turn's record: what became of a message.");

export const Session = z
  .object({
    id: z.string(),
    workspace_id: z.string(),
    user_id: z.string(),
    channel: z.string().describe('The address of the channel it was opened on.'),
    title: z.string(),
    model: z.string().describe("The session's own model; empty: routed."),
    status: z.enum(['active', 'paused', 'archived']),
    turns: z.int(),
    messages: z.int(),
    created_at: Time,
    updated_at: Time,
  })
  .describe('A conversation.');

export const Message = z
  .object({
    id: z.string(),
    turn_id: z.string(),
    role: z.enum(['user', 'assistant', 'system', 'tool']),
    content: z.string(),
    origin: z.enum(['user_input', 'system', 'tool_output']),
    tool_calls: z.array(ToolCall).optional(),
    tool_call_id: z.string().optional(),
    created_at: Time,
  })
  .describe('A message of a session.');

const Snippet = z
  .object({
    text: z.string().describe('As it was said, with an ellipsis where something was left out.'),
    marks: z
      .array(z.tuple([z.int(), z.int()]))
      .describe('Where found words stand in it: first and past the last UTF-16 unit.'),
  })
  .describe('The part that shows what was looked for.');

export const FoundMessage = z
  .object({
    id: z.string(),
    session_id: z.string(),
    turn_id: z.string(),
    user_id: z.string().describe('Whose conversation it is from.'),
    role: z.enum(['user', 'assistant', 'system', 'tool']),
    origin: z.enum(['user_input', 'system', 'tool_output']),
    snippet: Snippet,
    created_at: Time,
  })
  .describe('A message that was found.');

export const FoundSummary = z
  .object({
    id: z.string(),
    session_id: z.string(),
    from: Time,
    to: Time,
    content: z.string(),
    snippet: Snippet,
    created_at: Time,
  })
  .describe('A summary that was found.');

export const Recalled = z
  .object({ messages: z.array(FoundMessage), summaries: z.array(FoundSummary) })
  .describe('What a text brings to mind, by kind, best first.');

export const Workspace = z
  .object({
    id: z.string(),
    description: z.string(),
    configured: z.boolean().describe('Whether it stands in the configuration.'),
  })
  .describe('A workspace.');

export const Cancelled = z
  .object({
    turn_id: z.string(),
    status: z.enum(['cancelling', 'ended']).describe('`ended`: there was nothing left to stop.'),
  })
  .describe('What became of the wish to stop a turn.');

export const Sessions = listOf(Session);
export const Messages = listOf(Message);
export const Workspaces = listOf(Workspace);
export const FoundMessages = listOf(FoundMessage);

export type FoundMessageItem = DeepReadonly<z.output<typeof FoundMessage>>;
export type FoundSummaryItem = DeepReadonly<z.output<typeof FoundSummary>>;

export type WorkspaceItem = DeepReadonly<z.output<typeof Workspace>>;

/** The rows as the stores give them are what is answered: a change over there that is not made here does not compile. */
export const SAME = {
  turn: (row: TurnRow): DeepReadonly<z.output<typeof Turn>> => row,
  session: (row: SessionRow): DeepReadonly<z.output<typeof Session>> => row,
  message: (row: MessageRow): DeepReadonly<Omit<z.output<typeof Message>, 'tool_calls' | 'tool_call_id'>> => row,
};
