// SPDX-License-Identifier: Apache-2.0
// What each record changes in a workspace's memory: its messages and its summaries. Pure: no SQL, no clock.

import type { JournalRow, MessageAdded, SessionRecord } from './records.ts';
import type { FoundKind } from './scope-words.ts';
import type { ReadRowOf } from './streams.ts';
import type { MessagesTrimmed, StoredSummary, UserErased, WorkspaceRecord } from './workspace-records.ts';

/** A message as memory keeps it. `user_id`: whose conversation it is from; of a reply too, who was answered. */
export type MemoryMessage = Omit<MessageAdded, 'type' | 'message_id'> & {
  readonly id: string;
  readonly session_id: string;
};

/** Where the rows are. What is called changes them at once, in the batch's transaction. */
export interface MemoryRows {
  /** Whose a session is, or who spoke in it last. */
  noteUser(session_id: string, user_id: string): void;
  userOf(session_id: string): string | undefined;
  addMessage(message: MemoryMessage): void;
  /** Those that leave beyond what is kept; the oldest by their time. */
  trimMessages(trimmed: MessagesTrimmed): void;
  deleteMessages(ids: readonly string[], id: string | undefined): void;
  /** With its messages and summaries. */
  deleteSession(id: string): void;
  /** Of no effect when there is one under its id. */
  addSummary(summary: StoredSummary, at: number): void;
  confirmSummary(id: string): void;
  /** The summaries of a session that is gone. */
  forgetSummaries(session_id: string): void;
  /** Messages and summaries that are theirs; those of their sessions have gone with them. */
  eraseUser(erased: UserErased): void;
}

/** Whether a record changes memory. */
export function changesMemory({ kind, record }: ReadRowOf<'session' | 'workspace'>): boolean {
  return kind === 'session' ? SESSION_TYPES.has(record.type) : WORKSPACE_TYPES.has(record.type);
}

const SESSION_TYPES: ReadonlySet<SessionRecord['type']> = new Set<SessionRecord['type']>([
  'session_created',
  'message_received',
  'model_replied',
  'tool_returned',
  'message_added',
  'session_deleted',
]);
const WORKSPACE_TYPES: ReadonlySet<WorkspaceRecord['type']> = new Set<WorkspaceRecord['type']>([
  'messages_added',
  'messages_trimmed',
  'messages_deleted',
  'summary_stored',
  'summary_confirmed',
  'session_forgotten',
  'user_erased',
]);

/** Applies one row. Rows must come in order of seq, each once. */
export function applyToMemory(rows: MemoryRows, read: ReadRowOf<'session' | 'workspace'>): void {
  if (read.kind === 'session') {
    applySession(rows, read.row, read.record);
    return;
  }
  const { record } = read;
  switch (record.type) {
    case 'messages_added':
      for (const {
        tool_calls = [],
        tool_call_id,
        tool_name,
        attachments = [],
        metadata = {},
        ...rest
      } of record.messages) {
        const tool = { tool_call_id: tool_call_id ?? null, tool_name: tool_name ?? null };
        if (rest.user_id !== '') rows.noteUser(rest.session_id, rest.user_id);
        rows.addMessage({ ...rest, ...tool, tool_calls, attachments, metadata });
      }
      break;
    case 'messages_trimmed':
      rows.trimMessages(record);
      break;
    case 'messages_deleted':
      rows.deleteMessages(record.ids, record.id);
      break;
    case 'summary_stored':
      rows.addSummary(record.summary, read.row.at);
      break;
    case 'user_erased':
      rows.eraseUser(record);
      break;
    case 'summary_confirmed':
      rows.confirmSummary(record.id);
      break;
    case 'session_forgotten':
      rows.forgetSummaries(record.session_id);
      break;
    default:
      break;
  }
}

function applySession(rows: MemoryRows, row: JournalRow, record: SessionRecord): void {
  const session_id = row.stream.slice(row.stream.indexOf('/') + 1);
  if (record.type === 'session_created' || record.type === 'message_received') {
    rows.noteUser(session_id, record.user_id);
  }
  if (record.type === 'session_deleted') return rows.deleteSession(session_id);
  const message = messageOf(session_id, rows.userOf(session_id) ?? '', row, record);
  if (message !== undefined) rows.addMessage(message);
}

const NO_TOOL = { tool_calls: [], tool_call_id: null, tool_name: null };
const NOTHING_ELSE = { attachments: [], metadata: {} };

/** The message a session's record becomes. A reply that broke off is none, nor is one that says nothing and calls nothing. */
function messageOf(
  session_id: string,
  user_id: string,
  row: JournalRow,
  record: SessionRecord,
): MemoryMessage | undefined {
  const base = { session_id, user_id, at: row.at, ...NO_TOOL, ...NOTHING_ELSE };
  switch (record.type) {
    case 'message_received': {
      const { message_id: id, turn_id, content } = record;
      return { ...base, id, turn_id, content, role: 'user', origin: 'user_input' };
    }
    case 'model_replied': {
      const { message_id: id, turn_id, content, tool_calls } = record;
      if (record.finish === 'failed' || (content === '' && tool_calls.length === 0)) return undefined;
      return { ...base, id, turn_id, content, tool_calls, role: 'assistant', origin: 'system' };
    }
    case 'tool_returned': {
      const { message_id: id, turn_id, content, call_id: tool_call_id, name: tool_name } = record;
      return { ...base, id, turn_id, content, tool_call_id, tool_name, role: 'tool', origin: 'tool_output' };
    }
    case 'message_added': {
      const { type: _type, message_id: id, user_id: from, ...rest } = record;
      return { ...rest, id, session_id, user_id: from === '' ? user_id : from };
    }
    default:
      return undefined;
  }
}

/** The tool whose results are statements somebody wanted kept. */
const REMEMBERS = 'memory_remember';
/** Tools whose results repeat what others said. */
const REPEATS = /^(?:memory_|session_)/;

/** As what a message is found; null for one that is not: it is empty, or an earlier search's result. */
export function foundAs({ role, tool_name, content }: MemoryMessage): FoundKind | null {
  if (content === '') return null;
  if (role !== 'tool') return role;
  if (tool_name === REMEMBERS) return 'remembered';
  return REPEATS.test(tool_name ?? '') ? null : 'tool';
}
