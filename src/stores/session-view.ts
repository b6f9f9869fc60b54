// SPDX-License-Identifier: Apache-2.0
// What each record of a session changes in the rows people read: sessions, messages and turns. Pure: no SQL, no clock.

import { attachmentName } from './attachments.ts';
import type {
  FinishReason,
  JournalRow,
  MessageCollected,
  MessageSteered,
  Origin,
  SessionDetails,
  SessionRecord,
  SessionStatus,
  ToolCall,
  Usage,
} from './records.ts';
import { addUsage, NO_USAGE } from './session-state.ts';
import type { MessageRow, TurnStatus } from './session-store.ts';
import { cursorAfter } from './turn-events.ts';

/** What is kept of a session of which nothing was kept yet. */
export const NO_DETAILS: SessionDetails = {
  summary: '',
  last_compaction_at: null,
  tool_budget: { maxCallsPerTurn: 0, maxCallsPerSession: 0, used: 0 },
  token_budget: { maxPerSession: 0, maxPerHour: 0, maxPerDay: 0, usedSession: 0, usedHour: 0, usedDay: 0 },
};

/** A session's row while a batch is applied. Times are epoch milliseconds. */
export interface SessionView {
  readonly id: string;
  readonly user_id: string;
  readonly channel: string;
  title: string;
  model: string;
  status: SessionStatus;
  /** What callers keep of it, as JSON; empty when nothing. */
  details: string;
  turns: number;
  messages: number;
  readonly created_at: number;
  updated_at: number;
  /** The row of its newest activity: what sessions are listed by. */
  updated_seq: number;
}

/** A turn's row while a batch is applied. Its events and steps stay in the journal, between the two seqs. */
export interface TurnView {
  readonly id: string;
  readonly session_id: string;
  readonly user_id: string;
  readonly message_id: string;
  status: TurnStatus;
  model: string;
  reply_id: string | null;
  content: string;
  finish_reason: FinishReason | null;
  error_code: string | null;
  error_message: string | null;
  usage: Usage;
  readonly created_at: number;
  started_at: number | null;
  ended_at: number | null;
  readonly first_seq: number;
  last_seq: number;
  /** The number of its newest event: what it ends with when its steps are trimmed. */
  events: number;
  /** 1 once it has said something; 0 before. */
  said: number;
  /** The turn that answers its message instead; null: it does so itself. */
  answered_by: string | null;
}

/** A message's row; it is written once, under the seq of the record it comes from. */
export interface MessageView {
  readonly seq: number;
  readonly session_id: string;
  readonly user_id: string;
  readonly id: string;
  readonly turn_id: string;
  readonly role: MessageRow['role'];
  readonly origin: Origin;
  readonly at: number;
  readonly content: string;
  readonly tool_calls: readonly ToolCall[];
  readonly tool: { readonly call_id: string; readonly is_error: boolean; readonly truncated: boolean } | null;
  /** What only messages have that were put in, or that files came with. */
  readonly extras: MessageExtras | null;
}

export interface MessageExtras {
  readonly tool_name: string | null;
  readonly attachments: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Where the rows are; what is got may be changed in place and is written when the batch ends. */
export interface SessionViewRows {
  session(id: string): SessionView | undefined;
  addSession(session: SessionView): void;
  /** A turn of this session. */
  turn(id: string, session: SessionView): TurnView | undefined;
  addTurn(turn: TurnView): void;
  addMessage(message: MessageView): void;
  /** With its messages and turns. */
  deleteSession(id: string): void;
  /** This message of the session is answered by this turn. `seq`: and comes only there in it. */
  answerBy(session_id: string, message_id: string, turn_id: string, seq?: number): void;
}

/** The kind of address whose streams are sessions. */
const SESSION_STREAM = 'session/';

/** The session a stream belongs to; undefined for the stream of another kind of actor. */
export function sessionOf(stream: string): string | undefined {
  return stream.startsWith(SESSION_STREAM) ? stream.slice(SESSION_STREAM.length) : undefined;
}

/** Applies one record of a session's stream. Rows must come in order of seq, each once. */
export function applyToSession(rows: SessionViewRows, row: JournalRow, record: SessionRecord): void {
  const id = sessionOf(row.stream);
  if (id === undefined || record.type === 'checkpoint') return;
  if (record.type === 'session_created') {
    const { user_id, channel } = record;
    const fresh = { title: '', model: '', status: 'active' as const, details: '', turns: 0, messages: 0 };
    if (rows.session(id) === undefined) {
      rows.addSession({ id, user_id, channel, ...fresh, created_at: row.at, updated_at: row.at, updated_seq: row.seq });
    }
    return;
  }
  if (record.type === 'session_deleted') {
    rows.deleteSession(id);
    return;
  }
  const session = rows.session(id);
  if (session === undefined) return;
  if (record.type === 'compacted' || record.type === 'summary_erased') {
    // Nobody did anything in it: it keeps its place among those that were used last.
    const details = session.details === '' ? NO_DETAILS : (JSON.parse(session.details) as SessionDetails);
    const told =
      record.type === 'compacted' ? { summary: record.summary, last_compaction_at: row.at } : { summary: '' };
    session.details = JSON.stringify({ ...details, ...told });
    return;
  }
  session.updated_at = row.at;
  session.updated_seq = row.seq;
  if (record.type === 'session_changed') {
    session.title = record.title ?? session.title;
    session.model = record.model ?? session.model;
    session.status = record.status ?? session.status;
    if (record.details !== undefined) session.details = JSON.stringify(record.details);
    return;
  }
  const message = messageOf(session, row, record);
  if (message !== undefined) {
    session.messages += 1;
    rows.addMessage(message);
  }
  if (record.type === 'message_received') {
    // Rows come once each, so the turn is new: looking would cost a search for what is not there.
    session.turns += 1;
    rows.addTurn(queuedTurn(session, row, record));
    return;
  }
  if (record.type === 'message_added' || record.type === 'message_blocked') return;
  if (record.type === 'session_superseded') return;
  const turn = rows.turn(record.turn_id, session);
  if (turn === undefined) return;
  turn.last_seq = row.seq;
  // Of the text only counts whether there is any.
  const cursor = cursorAfter(record, { n: turn.events, text: turn.said === 0 ? '' : '…' });
  turn.events = cursor.n;
  turn.said = cursor.text === '' ? 0 : 1;
  applyToTurn(turn, row, record);
  if (record.type === 'message_collected' || record.type === 'message_steered') joined(rows, row, session, record);
}

/** A message is answered by another turn than the one it waited for, which leads there from now on. */
function joined(
  rows: SessionViewRows,
  row: JournalRow,
  session: SessionView,
  record: MessageCollected | MessageSteered,
): void {
  const { message_id, turn_id, waited_as } = record;
  const waited = rows.turn(waited_as, session);
  // Collected once more after an interruption: it leads there already.
  if (waited !== undefined && waited.answered_by === null) {
    waited.answered_by = turn_id;
    session.turns -= 1;
  }
  rows.answerBy(session.id, message_id, turn_id, record.type === 'message_steered' ? row.seq : undefined);
}

function queuedTurn(
  session: SessionView,
  row: JournalRow,
  record: SessionRecord & { type: 'message_received' },
): TurnView {
  return {
    id: record.turn_id,
    session_id: session.id,
    user_id: record.user_id,
    message_id: record.message_id,
    status: 'queued',
    model: record.model,
    reply_id: null,
    content: '',
    finish_reason: null,
    error_code: null,
    error_message: null,
    usage: NO_USAGE,
    created_at: row.at,
    started_at: null,
    ended_at: null,
    first_seq: row.seq,
    last_seq: row.seq,
    events: 0,
    said: 0,
    answered_by: null,
  };
}

function applyToTurn(turn: TurnView, row: JournalRow, record: SessionRecord): void {
  switch (record.type) {
    case 'turn_started':
      turn.status = 'running';
      turn.model = record.model;
      turn.started_at = row.at;
      break;
    case 'model_replaced':
      turn.model = record.model;
      break;
    case 'model_replied':
      turn.usage = addUsage(turn.usage, record.usage);
      break;
    case 'turn_finished':
      turn.status = 'finished';
      turn.reply_id = record.reply_id;
      turn.content = record.content;
      turn.finish_reason = record.finish_reason;
      turn.usage = record.usage;
      turn.ended_at = row.at;
      break;
    case 'turn_failed':
      turn.status = 'failed';
      turn.error_code = record.code;
      turn.error_message = record.message;
      turn.usage = record.usage;
      turn.ended_at = row.at;
      break;
    default:
      break;
  }
}

/** The message a record becomes. A reply that broke off is none, nor is one that says nothing and calls nothing. */
function messageOf(session: SessionView, row: JournalRow, record: SessionRecord): MessageView | undefined {
  const base = { seq: row.seq, session_id: session.id, user_id: session.user_id, at: row.at, extras: null };
  switch (record.type) {
    case 'message_received': {
      const { message_id: id, turn_id, content, attachments: files = [] } = record;
      const attachments = files.map(attachmentName);
      const extras = files.length === 0 ? null : { tool_name: null, attachments, metadata: {} };
      return { ...base, id, turn_id, content, role: 'user', origin: 'user_input', tool_calls: [], tool: null, extras };
    }
    case 'model_replied': {
      const { message_id: id, turn_id, content, tool_calls } = record;
      if (record.finish === 'failed' || (content === '' && tool_calls.length === 0)) return undefined;
      return { ...base, id, turn_id, content, role: 'assistant', origin: 'system', tool_calls, tool: null };
    }
    case 'tool_returned': {
      const { message_id: id, turn_id, content, call_id, is_error, truncated } = record;
      const tool = { call_id, is_error, truncated };
      return { ...base, id, turn_id, content, role: 'tool', origin: 'tool_output', tool_calls: [], tool };
    }
    case 'message_added': {
      const { message_id: id, turn_id, role, origin, content, tool_calls, tool_call_id, at } = record;
      const { tool_name, attachments, metadata } = record;
      const tool = tool_call_id === null ? null : { call_id: tool_call_id, is_error: false, truncated: false };
      const extras = { tool_name, attachments, metadata };
      return { ...base, id, turn_id, role, origin, content, tool_calls, tool, at, extras };
    }
    default:
      return undefined;
  }
}
