// SPDX-License-Identifier: Apache-2.0
// What is answered about chat, turns, sessions and workspaces. Loaded only to make the OpenAPI document; the rest is types.

import { z } from 'zod';
import type { DeepReadonly } from '../../config/schema.ts';
import type { FactRow, GraphRow } from '../../stores/knowledge-queries.ts';
import type { MessageRow, SessionRow, TurnRow } from '../../stores/session-store.ts';
import { VECTOR_SOURCES } from '../../stores/vector-store.ts';
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
    message_ids: z.array(z.string()).describe('All messages this turn answers, in their order.'),
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
    message_ids: z.array(z.string()).describe('All messages it answers, in their order: that one first.'),
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
    attachments: z.array(z.string()).optional().describe('Files that came with it, each as `name (type, size)`.'),
    created_at: Time,
  })
  .describe('A message of a session.');

export const Upload = z
  .object({
    id: z.string().describe('For `attachments` of a message of the same user, for a day.'),
    name: z.string(),
    media_type: z.string().describe('As it was sent; what it is is told by its bytes.'),
    size: z.int().describe('In bytes.'),
  })
  .describe('A file that waits for its message.');

export type UploadAnswer = DeepReadonly<z.output<typeof Upload>>;

export const Entity = z
  .object({
    id: z.string(),
    type: z.string(),
    name: z.string(),
    properties: z.record(z.string(), z.unknown()),
    user_id: z.string().describe("Whose it is; empty: the whole workspace's."),
    created_at: Time,
    updated_at: Time,
  })
  .describe('A thing the workspace knows of.');

export const Relationship = z
  .object({
    id: z.string(),
    from_id: z.string(),
    to_id: z.string(),
    type: z.string(),
    metadata: z.record(z.string(), z.unknown()),
    created_at: Time,
  })
  .describe('How one entity stands to another.');

export const Fact = z
  .object({
    id: z.string(),
    entity_id: z.string(),
    entity_name: z.string().nullable().describe('Null when it is of something that has no entity.'),
    predicate: z.string(),
    value: z.string(),
    confidence: z.number().describe('0 to 1.'),
    source: z.string().describe("Where it comes from: a turn's or message's id, `import`."),
    user_id: z.string().describe("Who said it, if it is theirs; empty: the whole workspace's."),
    created_at: Time,
  })
  .describe('A fact.');

export const Graph = z
  .object({
    entities: z.array(Entity).describe('Nearest first.'),
    relationships: z.array(Relationship).describe('Those between these entities.'),
    truncated: z.boolean().describe('Whether a bound was reached: there is more than this.'),
  })
  .describe('The part of the graph around an entity.');
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

export const FoundSimilar = z
  .object({
    source: z.enum(VECTOR_SOURCES).describe('What the text is of.'),
    id: z.string().describe('The id of that message, summary or fact.'),
    session_id: z.string().describe('Empty: of no session.'),
    text: z.string().describe('Its beginning.'),
    score: z.number().describe('Cosine of its vector and the asked one, at most 1.'),
    created_at: Time,
  })
  .describe('A text that is alike, whether or not it has the words.');

export const Recalled = z
  .object({
    facts: z.array(Fact).describe('Those that hold all the words, last put first.'),
    entities: z.array(Entity).describe('The same of things.'),
    summaries: z.array(FoundSummary).describe('Best first.'),
    messages: z.array(FoundMessage).describe('Best first.'),
    similar: z
      .array(FoundSimilar)
      .describe('Best first; what is found by its words above is left out. Empty where nothing is embedded.'),
    similar_error: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .describe(
        'Why what is alike could not be looked for now, such as a vendor that does not answer; null when it could.',
      ),
  })
  .describe('What a text brings to mind.');

export const Compaction = z
  .object({
    id: z.string(),
    workspace_id: z.string(),
    status: z.enum(['running', 'done']),
    sessions: z.int().describe('Sessions that had something to be summed up.'),
    left: z.int().describe('Those of them that are not done.'),
    compactions: z.int().describe('Summaries written so far.'),
    messages: z.int().describe('Messages these stand for.'),
    facts: z.int().describe('Facts taken from them.'),
    failures: z.int().describe('Sessions that failed; they are tried again by themselves.'),
    failed: z
      .array(z.object({ session_id: z.string(), code: z.string(), message: z.string() }))
      .describe('The first 20 of them.'),
  })
  .describe('A compaction that somebody asked for. It can be asked about until a minute after it is done.');

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

export const Imported = z
  .object({
    session_id: z.string().describe("The file's own when it was free, else one that the same file always leads to."),
    workspace_id: z.string(),
    turns: z.int().describe('Turns in the file.'),
    imported: z.int().describe('Those of them the session did not have.'),
    seq: z.int(),
  })
  .describe('What an import made.');

export const Sessions = listOf(Session);
export const Messages = listOf(Message);
export const Workspaces = listOf(Workspace);
export const FoundMessages = listOf(FoundMessage);

export type FoundMessageItem = DeepReadonly<z.output<typeof FoundMessage>>;
export type FoundSimilarItem = DeepReadonly<z.output<typeof FoundSimilar>>;
export type CompactionAnswer = DeepReadonly<z.output<typeof Compaction>>;
export type FoundSummaryItem = DeepReadonly<z.output<typeof FoundSummary>>;
export const Entities = listOf(Entity);
export const Facts = listOf(Fact);

export type WorkspaceItem = DeepReadonly<z.output<typeof Workspace>>;

/** The rows as the stores give them are what is answered: a change over there that is not made here does not compile. */
export const SAME = {
  turn: (row: TurnRow): DeepReadonly<z.output<typeof Turn>> => row,
  session: (row: SessionRow): DeepReadonly<z.output<typeof Session>> => row,
  graph: (row: GraphRow): DeepReadonly<z.output<typeof Graph>> => row,
  fact: (row: FactRow): DeepReadonly<z.output<typeof Fact>> => row,
  message: (
    row: MessageRow,
  ): DeepReadonly<Omit<z.output<typeof Message>, 'tool_calls' | 'tool_call_id' | 'attachments'>> => row,
};
