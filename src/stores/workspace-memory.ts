// SPDX-License-Identifier: Apache-2.0
// A workspace's memory over its two sides: changes are records that its owner writes, answers come from the view of them.
// Where the two are, on another thread or in this one, makes no difference here.

import { dateTime } from './date-time.ts';
import type { MemoryMessageRow, SummaryRow } from './memory-queries.ts';
import type {
  MemoryStore,
  Message,
  MessageStore,
  NewMessage,
  SearchHit,
  Summary,
  SummaryStore,
} from './memory-store.ts';
import type { Page } from './page.ts';
import { USUAL_KINDS } from './scope-words.ts';
import type { ReadStore } from './session-store.ts';
import type { AddedMessage } from './workspace-records.ts';
import type { WorkspaceWriter } from './workspace-writer.ts';

export interface WorkspaceMemoryOptions {
  readonly writer: WorkspaceWriter;
  readonly read: ReadStore;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** A new id. */
  readonly uuid: () => string;
  readonly close?: () => Promise<void>;
}

/** The largest page there is. */
const PAGE = 200;
const SEARCH_LIMIT = 20;

export function createWorkspaceMemory(options: WorkspaceMemoryOptions): MemoryStore {
  return {
    messages: createMessageStore(options),
    summaries: createSummaryStore(options),
    close: options.close ?? (() => Promise.resolve()),
  };
}

function createMessageStore({ writer, read, now, uuid }: WorkspaceMemoryOptions): MessageStore {
  const range = (workspace_id: string, from: number, to: number, most: number): Promise<readonly Message[]> =>
    pages(most, async (page) => {
      const { items, next_cursor } = await read.read('memory.messages', { workspace_id, from, to, page });
      return { items: items.map(messageOf), next_cursor };
    });
  /** A change that takes messages away, and how many it took. */
  const removing = async (workspace_id: string, write: (id: string) => Promise<number>): Promise<number> => {
    const id = uuid();
    const after = await write(id);
    return (await read.read('memory.removed', { workspace_id, id }, { after })).removed;
  };
  return {
    append: async (workspace_id, message) => {
      const record = { type: 'messages_added', messages: [addedOf(message, now())] } as const;
      const condition = { what: 'message', id: message.id, known: false } as const;
      await writer.write({ workspace_id, records: [record], condition });
    },
    search: async (workspace_id, text, options = {}) => {
      const { limit = SEARCH_LIMIT, cursor, userId, sessionId, kinds, from, to, match = 'all' } = options;
      const { items, next_cursor } = await read.read('memory.search', {
        workspace_id,
        text,
        match,
        kinds: kinds ?? USUAL_KINDS,
        user_id: userId,
        session_id: sessionId,
        from: from?.getTime(),
        to: to?.getTime(),
        page: { limit, cursor },
      });
      const hits = items.map(({ snippet, ...row }): SearchHit => ({ message: messageOf(row), snippet }));
      return { items: hits, nextCursor: next_cursor };
    },
    range: (workspace_id, from, to, limit = Number.POSITIVE_INFINITY) =>
      range(workspace_id, from.getTime(), to.getTime(), limit),
    oldest: (workspace_id, n) => range(workspace_id, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, n),
    count: async (workspace_id) => (await read.read('memory.count', { workspace_id })).messages,
    trim: (workspace_id, keepLast) =>
      removing(workspace_id, (id) => {
        const keep_last = Math.max(0, Math.floor(keepLast));
        return writer.write({ workspace_id, records: [{ type: 'messages_trimmed', keep_last, id }] });
      }),
    deleteByIds: async (workspace_id, ids) =>
      ids.length === 0
        ? 0
        : await removing(workspace_id, (id) =>
            writer.write({ workspace_id, records: [{ type: 'messages_deleted', ids, id }] }),
          ),
  };
}

function createSummaryStore({ writer, read }: WorkspaceMemoryOptions): SummaryStore {
  return {
    store: async (workspace_id, summary) => {
      const { id, sessionId: session_id, fromTime, toTime, content, messageIds: message_ids } = summary;
      const stored = { id, session_id, from: fromTime.getTime(), to: toTime.getTime(), content, message_ids };
      const condition = { what: 'summary', id, known: false } as const;
      await writer.write({ workspace_id, records: [{ type: 'summary_stored', summary: stored }], condition });
    },
    byRange: (workspace_id, from, to) =>
      pages(Number.POSITIVE_INFINITY, async (page) => {
        const body = { workspace_id, from: from.getTime(), to: to.getTime(), order: 'oldest', page } as const;
        return summariesOf(workspace_id, await read.read('memory.summaries', body));
      }),
    latest: (workspace_id, n, session_id) =>
      pages(n, async (page) => {
        const times = { from: Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER };
        const body = { workspace_id, session_id, ...times, order: 'newest', page } as const;
        return summariesOf(workspace_id, await read.read('memory.summaries', body));
      }),
    confirm: async (workspace_id, id) => {
      const condition = { what: 'summary', id, known: true } as const;
      await writer.write({ workspace_id, records: [{ type: 'summary_confirmed', id }], condition });
    },
  };
}

/** As many items of a list as are wanted, page by page. */
async function pages<T>(
  most: number,
  page: (request: { readonly limit: number; readonly cursor: string | undefined }) => Promise<Page<T>>,
): Promise<readonly T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  while (all.length < most) {
    const { items, next_cursor } = await page({ limit: Math.min(PAGE, most - all.length), cursor });
    all.push(...items);
    if (next_cursor === null) break;
    cursor = next_cursor;
  }
  return all;
}

function addedOf(message: NewMessage, now: number): AddedMessage {
  const { id, sessionId, turnId = '', userId = '', role, content, toolCalls = [], attachments = [] } = message;
  const { toolCallId, toolName, metadata = {} } = message;
  const origin = message.origin ?? (role === 'user' ? 'user_input' : role === 'tool' ? 'tool_output' : 'system');
  return {
    ...{ id, session_id: sessionId, turn_id: turnId, user_id: userId, role, origin, content },
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
    ...(toolCallId === undefined || toolCallId === null ? {} : { tool_call_id: toolCallId }),
    ...(toolName === undefined || toolName === null ? {} : { tool_name: toolName }),
    ...(attachments.length === 0 ? {} : { attachments }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    at: message.createdAt?.getTime() ?? now,
  };
}

function messageOf(row: MemoryMessageRow): Message {
  const { tool_calls = [], tool_call_id = null, tool_name = null, attachments = [], metadata = {} } = row;
  const { id, session_id, turn_id, user_id, role, origin, content } = row;
  return {
    ...{ id, sessionId: session_id, turnId: turn_id, userId: user_id, role, origin, content },
    toolCalls: tool_calls,
    toolCallId: tool_call_id,
    toolName: tool_name,
    attachments,
    metadata,
    createdAt: dateTime(row.created_at),
  };
}

function summariesOf(workspaceId: string, { items, next_cursor }: Page<SummaryRow>): Page<Summary> {
  const shown = ({ id, session_id, from, to, content, message_ids, confirmed, created_at }: SummaryRow): Summary => ({
    ...{ id, workspaceId, sessionId: session_id, content, messageIds: message_ids, confirmed },
    fromTime: dateTime(from),
    toTime: dateTime(to),
    createdAt: dateTime(created_at),
  });
  return { items: items.map(shown), next_cursor };
}
