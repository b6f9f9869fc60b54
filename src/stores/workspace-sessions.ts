// SPDX-License-Identifier: Apache-2.0
// Sessions over their two sides: changes are records of their streams, answers come from the view of them.

import { failure, SigilError } from '../errors.ts';
import type { NewSession, Session, SessionChange, SessionStore } from './conversation-store.ts';
import { dateTime } from './date-time.ts';
import type { Message } from './memory-store.ts';
import type { MessageAdded, SessionChanged, SessionDetails, SessionRecord } from './records.ts';
import type { ReadStore, SessionRow, StoredMessageRow } from './session-store.ts';
import { NO_DETAILS } from './session-view.ts';
import type { SessionWriter } from './session-write.ts';

export interface WorkspaceSessionsOptions {
  /** Where no gateway runs the streams themselves, else the lanes over the bus. */
  readonly writer: SessionWriter;
  readonly read: ReadStore;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const LIMIT = 50;
export function createSessionStore({ writer, read, now }: WorkspaceSessionsOptions): SessionStore {
  const shown = async (row: SessionRow, after?: number): Promise<Session> => {
    const barrier = after === undefined ? undefined : { after };
    const { details } = await read.read('session.details', { session_id: row.id }, barrier);
    return sessionOf(row, details ?? NO_DETAILS);
  };
  const get = async (session_id: string, after?: number): Promise<Session> => {
    const row = await read.read('session.get', { session_id }, after === undefined ? undefined : { after });
    return await shown(row, after);
  };
  /** Changes a session that is there. */
  const change = async (session_id: string, records: () => readonly SessionRecord[]): Promise<number> => {
    const { workspace_id } = await read.read('session.get', { session_id });
    return await writer.write({ session_id, workspace_id, session: 'there', records: records() });
  };
  /** What is looked up before a message is added must still be so when it is: one after the other, for each session. */
  const appending = new Map<string, Promise<void>>();
  return {
    create: async (session) => {
      const { id: session_id, workspaceId: workspace_id } = session;
      const seq = await writer.write({ session_id, workspace_id, session: 'new', records: createdBy(session) });
      return await get(session_id, seq);
    },
    get: (id) => get(id),
    update: async (id, changed) => {
      const { details } = await read.read('session.details', { session_id: id });
      const seq = await change(id, () => [changeOf(changed, details ?? NO_DETAILS)]);
      return await get(id, seq);
    },
    list: async (workspace_id, page = {}) => {
      const asked = { limit: page.limit ?? LIMIT, cursor: page.cursor };
      const { items, next_cursor } = await read.read('session.list', { workspace_id, page: asked });
      return { items: await Promise.all(items.map((row) => shown(row))), next_cursor };
    },
    delete: async (id) => void (await change(id, () => [{ type: 'session_deleted', session_id: id }])),
    append: async (session_id, message) => {
      const before = appending.get(session_id) ?? Promise.resolve();
      const added = before.then(async () => {
        const asked = { session_id, message_id: message.id };
        const conflict = failure('conflict', `message ${message.id} exists already`);
        if ((await read.read('session.has_message', asked)).known) throw new SigilError(conflict);
        await change(session_id, () => [addedOf(message, now())]);
      });
      const settled = added.catch(() => undefined);
      appending.set(session_id, settled);
      await added.finally(() => {
        if (appending.get(session_id) === settled) appending.delete(session_id);
      });
    },
    activeWindow: async (session_id, limit) => {
      const { items } = await read.read('session.window', { session_id, limit });
      return items.map((row) => messageOf(session_id, row));
    },
    close: () => {
      writer.close();
      return Promise.resolve();
    },
  };
}

function createdBy(session: NewSession): readonly SessionRecord[] {
  const { id: session_id, workspaceId: workspace_id, userId: user_id, ...more } = session;
  const created = { type: 'session_created', session_id, workspace_id, user_id, channel: 'channel/import' } as const;
  return [created, changeOf(more, NO_DETAILS)];
}

function changeOf(change: Partial<SessionChange>, before: SessionDetails): SessionChanged {
  const { title, modelOverride, status, summary, lastCompactionAt, toolBudget, tokenBudget } = change;
  const compacted = lastCompactionAt === undefined ? before.last_compaction_at : (lastCompactionAt?.getTime() ?? null);
  return {
    type: 'session_changed',
    ...(title === undefined ? {} : { title }),
    ...(modelOverride === undefined ? {} : { model: modelOverride }),
    ...(status === undefined ? {} : { status }),
    details: {
      summary: summary ?? before.summary,
      last_compaction_at: compacted,
      tool_budget: toolBudget ?? before.tool_budget,
      token_budget: tokenBudget ?? before.token_budget,
    },
  };
}

function addedOf(message: Parameters<SessionStore['append']>[1], now: number): MessageAdded {
  const { id, turnId = '', userId = '', role, content, toolCalls = [], attachments = [], metadata = {} } = message;
  return {
    type: 'message_added',
    ...{ message_id: id, turn_id: turnId, user_id: userId, role, content, attachments, metadata },
    origin: message.origin ?? (role === 'user' ? 'user_input' : role === 'tool' ? 'tool_output' : 'system'),
    tool_calls: toolCalls,
    tool_call_id: message.toolCallId ?? null,
    tool_name: message.toolName ?? null,
    at: message.createdAt?.getTime() ?? now,
  };
}

function sessionOf(row: SessionRow, details: SessionDetails): Session {
  const { id, workspace_id, user_id, title, model, status, created_at, updated_at } = row;
  const { summary, last_compaction_at, tool_budget, token_budget } = details;
  return {
    ...{ id, workspaceId: workspace_id, userId: user_id, title, summary, modelOverride: model, status },
    lastCompactionAt: last_compaction_at === null ? null : dateTime(last_compaction_at),
    toolBudget: tool_budget,
    tokenBudget: token_budget,
    createdAt: dateTime(created_at),
    updatedAt: dateTime(updated_at),
  };
}

function messageOf(sessionId: string, row: StoredMessageRow): Message {
  const { id, turn_id, user_id, role, origin, content, tool_name, attachments, metadata } = row;
  return {
    ...{ id, sessionId, turnId: turn_id, userId: user_id, role, origin, content, attachments, metadata },
    toolCalls: row.tool_calls ?? [],
    toolCallId: row.tool_call_id ?? null,
    toolName: tool_name,
    createdAt: dateTime(row.created_at),
  };
}
