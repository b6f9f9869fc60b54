// SPDX-License-Identifier: Apache-2.0
// What each record changes in a workspace's memory: its messages and its summaries. Pure: no SQL, no clock.

import type { JournalRow, Origin, SessionRecord, ToolCall } from './records.ts';
import type { ReadRowOf } from './streams.ts';
import type { StoredSummary, WorkspaceRecord } from './workspace-records.ts';

/** A message as memory keeps it. */
export interface MemoryMessage {
  readonly id: string;
  readonly session_id: string;
  readonly turn_id: string;
  /** Whose conversation it is from: of a reply too, who was answered. */
  readonly user_id: string;
  readonly role: 'user' | 'assistant' | 'system' | 'tool';
  readonly origin: Origin;
  readonly content: string;
  readonly tool_calls: readonly ToolCall[];
  readonly tool_call_id: string | null;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Where the rows are. What is called changes them at once, in the batch's transaction. */
export interface MemoryRows {
  /** The newest message of a turn's sender says whose turn it is; undefined when none is known. */
  userOf(session_id: string): string | undefined;
  addMessage(message: MemoryMessage): void;
  /** Of all there are, the newest so many stay. */
  trimMessages(keep_last: number): void;
  deleteMessages(ids: readonly string[]): void;
  /** Of no effect when there is one under its id. */
  addSummary(summary: StoredSummary, at: number): void;
  confirmSummary(id: string): void;
}

/** Whether a record changes memory. */
export function changesMemory({ kind, record }: ReadRowOf<'session' | 'workspace'>): boolean {
  return kind === 'session' ? SESSION_TYPES.has(record.type) : WORKSPACE_TYPES.has(record.type);
}

const SESSION_TYPES: ReadonlySet<SessionRecord['type']> = new Set<SessionRecord['type']>([
  'message_received',
  'model_replied',
  'tool_returned',
]);
const WORKSPACE_TYPES: ReadonlySet<WorkspaceRecord['type']> = new Set<WorkspaceRecord['type']>([
  'messages_added',
  'messages_trimmed',
  'messages_deleted',
  'summary_stored',
  'summary_confirmed',
]);

/** Applies one row. Rows must come in order of seq, each once. */
export function applyToMemory(rows: MemoryRows, read: ReadRowOf<'session' | 'workspace'>): void {
  if (read.kind === 'session') {
    const message = messageOf(rows, read.row, read.record);
    if (message !== undefined) rows.addMessage(message);
    return;
  }
  const { record } = read;
  switch (record.type) {
    case 'messages_added':
      for (const message of record.messages) {
        rows.addMessage({
          ...message,
          tool_calls: message.tool_calls ?? [],
          tool_call_id: message.tool_call_id ?? null,
        });
      }
      break;
    case 'messages_trimmed':
      rows.trimMessages(record.keep_last);
      break;
    case 'messages_deleted':
      rows.deleteMessages(record.ids);
      break;
    case 'summary_stored':
      rows.addSummary(record.summary, read.row.at);
      break;
    case 'summary_confirmed':
      rows.confirmSummary(record.id);
      break;
    default:
      break;
  }
}

/** The message a session's record becomes. A reply that broke off is none, nor is one that says nothing and calls nothing. */
function messageOf(rows: MemoryRows, row: JournalRow, record: SessionRecord): MemoryMessage | undefined {
  const session_id = row.stream.slice(row.stream.indexOf('/') + 1);
  const none = { tool_calls: [], tool_call_id: null };
  const user = (): string => rows.userOf(session_id) ?? '';
  switch (record.type) {
    case 'message_received': {
      const { message_id: id, turn_id, user_id, content } = record;
      const base = { id, session_id, turn_id, user_id, content, at: row.at, ...none };
      return { ...base, role: 'user', origin: 'user_input' };
    }
    case 'model_replied': {
      const { message_id: id, turn_id, content, tool_calls } = record;
      if (record.finish === 'failed' || (content === '' && tool_calls.length === 0)) return undefined;
      const base = { id, session_id, turn_id, user_id: user(), content, at: row.at, tool_calls, tool_call_id: null };
      return { ...base, role: 'assistant', origin: 'system' };
    }
    case 'tool_returned': {
      const { message_id: id, turn_id, content, call_id } = record;
      const base = { id, session_id, turn_id, user_id: user(), content, at: row.at, tool_calls: [] };
      return { ...base, tool_call_id: call_id, role: 'tool', origin: 'tool_output' };
    }
    default:
      return undefined;
  }
}
