// SPDX-License-Identifier: Apache-2.0
// What requests may say. These schemas validate, give the types, and make the OpenAPI document.

import { z } from 'zod';
import { ATTACHMENTS_MOST } from '../../stores/attachments.ts';
import { GRAPH_DEPTH } from '../../stores/knowledge-store.ts';
import { Content, MessageId, Model, SessionId, WorkspaceId } from './fields.ts';

export const ChatRequest = z
  .strictObject({
    content: Content,
    workspace_id: WorkspaceId.optional(),
    session_id: SessionId.optional(),
    model: Model.optional(),
    message_id: MessageId.optional(),
    attachments: z
      .array(z.string().min(1).max(4_096))
      .max(ATTACHMENTS_MOST)
      .optional()
      .describe('Ids of files that were uploaded with `POST /api/v1/attachments`.'),
  })
  .describe('A message.');

export type ChatBody = z.output<typeof ChatRequest>;

export const NoBody = z.strictObject({}).describe('Nothing; may be left out.');

export const PauseRequest = z
  .strictObject({
    reason: z.string().max(1_000).optional().describe('Why, for those who look at the status.'),
  })
  .describe('A pause of the agent.');

export const BackupRequest = z
  .strictObject({
    with_secrets: z
      .boolean()
      .optional()
      .describe('Also what opens doors: the owner token and stored secrets. Needs `admin:*`.'),
  })
  .describe('What a backup is to hold.');

export const SecretRequest = z
  .strictObject({
    value: z
      .string()
      .min(1, { error: 'is empty' })
      .max(16_384, { error: 'is longer than 16384 bytes' })
      .describe('The secret itself, text of 16 KiB at most. It is shown nowhere again.'),
  })
  .describe('A secret to be kept.');

export const limit = z.coerce
  .number({ error: 'is not a number' })
  .int({ error: 'is not a whole number' })
  .min(1, { error: 'is less than 1' })
  .max(200, { error: 'is more than 200' })
  .default(50)
  .describe('Items on a page.');

export const cursor = z.string().min(1).max(16_384).optional().describe('`next_cursor` of the page before.');

export const PageQuery = z.object({ limit, cursor });

const query = z
  .string({ error: 'is missing: what is looked for' })
  .min(1, { error: 'is empty' })
  .max(16_384)
  .describe('What is looked for: words, "phrases in quotes"; signs mean nothing. Its first 4,096 characters count.');
const workspace = WorkspaceId.optional().describe("Where to look; the caller's personal workspace when absent.");
const session = SessionId.optional().describe('Only this session.');
const time = z.iso.datetime({ offset: true, error: 'is not an RFC 3339 time' }).optional();

export const MemorySearchQuery = z.object({
  q: query,
  workspace,
  session,
  role: z
    .enum(['user', 'assistant', 'system', 'tool'])
    .optional()
    .describe('Only what these said; what people and the agent said when absent.'),
  from: time.describe('Only from this time on.'),
  to: time.describe('Only before this time.'),
  match: z
    .enum(['all', 'any'])
    .default('any')
    .describe('`any`: when few messages hold all the words, those that hold some of them follow.'),
  limit,
  cursor,
});

export const MemoryRecallQuery = z.object({
  q: query,
  workspace,
  session,
  limit: limit.default(10).describe('Of each kind of thing.'),
});

export const CompactRequest = z
  .strictObject({
    workspace_id: WorkspaceId.optional().describe("The workspace; the caller's own when absent."),
    session_id: SessionId.optional().describe('Only this session.'),
  })
  .describe('What is to be summed up now.');

export const CompactionQuery = z.object({
  workspace: WorkspaceId.optional().describe("The workspace it is of; the caller's own when absent."),
});

const inWorkspace = WorkspaceId.optional().describe("The workspace; the caller's own when absent.");

export const FactsQuery = z.object({
  workspace: inWorkspace,
  entity: z.string().min(1).max(200).optional().describe('Only facts about the entity with this id.'),
  predicate: z.string().min(1).max(200).optional().describe('Only facts with this predicate.'),
  limit,
  cursor,
});

export const EntitiesQuery = z.object({
  workspace: inWorkspace,
  type: z.string().min(1).max(200).optional().describe('Only entities of this type.'),
  prefix: z.string().max(1_000).optional().describe('Only those whose name begins so, in any case.'),
  limit,
  cursor,
});

export const GraphQuery = z.object({
  workspace: inWorkspace,
  entity: z.string().min(1).max(200).describe('The id of the entity to begin at.'),
  depth: z.coerce
    .number({ error: 'is not a number' })
    .int({ error: 'is not a whole number' })
    .min(0, { error: 'is less than 0' })
    .max(GRAPH_DEPTH, { error: `is more than ${GRAPH_DEPTH}` })
    .default(2)
    .describe('Steps from there.'),
  type: z.string().min(1).max(200).optional().describe('Only along relationships of this type.'),
  direction: z.enum(['outgoing', 'incoming', 'both']).default('both').describe('Which way relationships are followed.'),
});

export const ExportQuery = z.object({
  format: z
    .enum(['jsonl', 'markdown'], { error: 'is not jsonl or markdown' })
    .default('jsonl')
    .describe('`jsonl` can be imported again; `markdown` is for people.'),
});

export const ImportQuery = z.object({
  workspace_id: WorkspaceId.optional().describe('Another workspace than the one in the file.'),
});

export const ActorsQuery = z.object({
  kind: z.string().max(64).optional().describe('Only actors of this kind.'),
  thread: z.string().max(64).optional().describe('Only actors of this thread.'),
  state: z.string().max(200).optional().describe('Only actors in this state.'),
  q: z.string().max(256).optional().describe('Only actors with this in their address.'),
  limit,
  cursor,
});

export const ActorQuery = z.object({
  reveal: z
    .enum(['true', 'false'])
    .default('false')
    .describe('`true` shows secrets and message text; needs `admin:*`.'),
});

export const TraceQuery = z.object({
  kind: z.string().max(64).optional().describe('Only actors of this kind.'),
  address: z.string().max(256).optional().describe('Only this actor.'),
});

export const WireQuery = z.object({
  provider: z.string().max(256).optional().describe('Only this provider.'),
});

export const ResumeQuery = z.object({
  last_event_id: z.string().optional().describe('As the header `Last-Event-ID`, for those who cannot send one.'),
});
