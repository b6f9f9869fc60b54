// SPDX-License-Identifier: Apache-2.0
// One workspace's sessions.db as it is read: sessions, messages and turns in the form callers get.

import type { SessionDetails, ToolCall } from '../records.ts';
import type {
  MessageRow,
  Page,
  PageRequest,
  SessionRow,
  StoredMessageRow,
  TurnRow,
  TurnToolCall,
} from '../session-store.ts';
import type { MessageExtras } from '../session-view.ts';
import type { TurnFigures } from '../trimmed-turn.ts';
import { pageLimit, pageOf, placeOf } from './cursor.ts';
import { openReadonly, type SqliteDatabase } from './database.ts';
import { SESSIONS_MIGRATIONS, type StoredMessage, type StoredSession, type StoredTurn } from './sessions-schema.ts';
import { NOWHERE, preparePlace, type ViewPlace } from './view-state.ts';

/** A turn with its place in the journal. */
export interface PlacedTurn {
  readonly turn: TurnRow;
  readonly first: number;
  readonly last: number;
  readonly figures: TurnFigures;
}

/** Opens a workspace's file for reading; undefined while it is not there. */
export function openSessionsReader(workspace: string, file: string): SessionsReader | undefined {
  const db = openReadonly(file, SESSIONS_MIGRATIONS.length);
  return db === undefined ? undefined : new SessionsReader(workspace, db);
}

export class SessionsReader {
  readonly #workspace: string;
  readonly #db: SqliteDatabase;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(workspace: string, db: SqliteDatabase) {
    this.#workspace = workspace;
    this.#db = db;
    this.#sql = prepare(db);
  }

  /** Which journal it is made of, and up to which row. */
  state(): ViewPlace {
    return this.#sql.state.get() ?? NOWHERE;
  }

  session(id: string): SessionRow | undefined {
    const row = this.#sql.session.get(id);
    return row === undefined ? undefined : this.#sessionRow(row);
  }

  sessions(user_id: string | undefined, page: PageRequest): Page<SessionRow> {
    const limit = pageLimit(page.limit);
    const before = placeOf('sessions', page, Number.MAX_SAFE_INTEGER);
    const rows =
      user_id === undefined
        ? this.#sql.sessions.all(before, limit + 1)
        : this.#sql.sessionsOf.all(user_id, before, limit + 1);
    return pageOf(
      'sessions',
      limit,
      rows,
      (row) => row.updated_seq,
      (row) => this.#sessionRow(row),
    );
  }

  messages(session_id: string, page: PageRequest): Page<MessageRow> {
    const limit = pageLimit(page.limit);
    const rows = this.#sql.messages.all(session_id, placeOf('messages', page, 0), limit + 1);
    return pageOf('messages', limit, rows, (row) => row.seq, messageRow);
  }

  details(id: string): SessionDetails | null {
    const { details = '' } = this.#sql.session.get(id) ?? {};
    return details === '' ? null : (JSON.parse(details) as SessionDetails);
  }

  window(session_id: string, limit: number): readonly StoredMessageRow[] {
    const rows = this.#sql.newest.all(session_id, pageLimit(limit)).reverse();
    const first = rows.findIndex(({ role }) => role !== 'tool');
    return first < 0 ? [] : rows.slice(first).map(storedRow);
  }

  hasMessage(session_id: string, id: string): boolean {
    return this.#sql.hasMessage.get(session_id, id) !== undefined;
  }

  /** The user's message under its sender's key. */
  message(session_id: string, id: string): { readonly turn_id: string; readonly content: string } | undefined {
    return this.#sql.message.get(session_id, id);
  }

  /** Of one that never started: the turn that answers its message. */
  turn(id: string): PlacedTurn | undefined {
    const asked = this.#sql.turn.get(id);
    const answered_by = asked?.answered_by ?? null;
    const row = answered_by === null ? asked : this.#sql.turn.get(answered_by);
    if (row === undefined) return undefined;
    const queued_ms = row.started_at === null ? 0 : Math.max(0, row.started_at - row.created_at);
    const figures = { last: row.events, queued_ms };
    return { turn: this.#turnRow(row), first: row.first_seq, last: row.last_seq, figures };
  }

  close(): void {
    this.#db.close();
  }

  #sessionRow({ key: _key, updated_seq: _seq, details: _details, ...row }: StoredSession): SessionRow {
    return {
      ...row,
      workspace_id: this.#workspace,
      created_at: time(row.created_at),
      updated_at: time(row.updated_at),
    };
  }

  #turnRow(row: StoredTurn & { readonly session_id: string }): TurnRow {
    const messages = this.#sql.messagesOfTurn.all(row.session, row.first_seq, row.last_seq, row.id);
    const { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd } = row;
    return {
      id: row.id,
      session_id: row.session_id,
      workspace_id: this.#workspace,
      user_id: row.user_id,
      message_id: row.message_id,
      message_ids: messages.flatMap(({ id, role }) => (role === 'user' ? [id] : [])),
      status: row.status,
      model: row.model,
      reply_id: row.reply_id,
      content: row.content,
      finish_reason: row.finish_reason,
      error: row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? '' },
      usage: { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd },
      tool_calls: toolCalls(messages),
      created_at: time(row.created_at),
      started_at: row.started_at === null ? null : time(row.started_at),
      ended_at: row.ended_at === null ? null : time(row.ended_at),
    };
  }
}

function time(at: number): string {
  return new Date(at).toISOString();
}

function callsOf(row: StoredMessage): readonly ToolCall[] {
  return row.tool_calls === null ? [] : (JSON.parse(row.tool_calls) as readonly ToolCall[]);
}

function extrasOf({ extras }: StoredMessage): MessageExtras {
  return extras === null ? NO_EXTRAS : (JSON.parse(extras) as MessageExtras);
}

const NO_EXTRAS: MessageExtras = { tool_name: null, attachments: [], metadata: {} };

function messageRow(row: StoredMessage): MessageRow {
  const { attachments } = extrasOf(row);
  const { id, turn_id, role, content, origin } = row;
  return {
    id,
    turn_id,
    role,
    content,
    origin,
    ...(row.tool_calls === null ? {} : { tool_calls: callsOf(row) }),
    ...(row.tool_call_id === null ? {} : { tool_call_id: row.tool_call_id }),
    ...(attachments.length === 0 ? {} : { attachments }),
    created_at: time(row.at),
  };
}

function storedRow(row: StoredMessage): StoredMessageRow {
  return { ...messageRow(row), user_id: row.user_id, ...extrasOf(row) };
}

/** Calls and results of a turn from its messages. A result belongs to the newest open call of its id: models repeat ids. */
function toolCalls(said: readonly StoredMessage[]): readonly TurnToolCall[] {
  const calls: { -readonly [K in keyof TurnToolCall]: TurnToolCall[K] }[] = [];
  for (const row of said) {
    for (const call of callsOf(row)) calls.push({ ...call, result: null });
    if (row.role !== 'tool') continue;
    const call = calls.findLast((open) => open.id === row.tool_call_id && open.result === null);
    if (call !== undefined)
      call.result = { content: row.content, is_error: row.is_error === 1, truncated: row.truncated === 1 };
  }
  return calls;
}

/** A session's number in the file, by its id. */
const KEY = '(SELECT key FROM sessions WHERE id = ?)';

function prepare(db: SqliteDatabase) {
  return {
    state: preparePlace(db),
    session: db.prepare<[string], StoredSession>('SELECT * FROM sessions WHERE id = ?'),
    sessions: db.prepare<[number, number], StoredSession>(
      'SELECT * FROM sessions WHERE updated_seq < ? ORDER BY updated_seq DESC LIMIT ?',
    ),
    sessionsOf: db.prepare<[string, number, number], StoredSession>(
      'SELECT * FROM sessions WHERE user_id = ? AND updated_seq < ? ORDER BY updated_seq DESC LIMIT ?',
    ),
    messages: db.prepare<[string, number, number], StoredMessage>(
      `SELECT * FROM messages WHERE session = ${KEY} AND seq > ? ORDER BY seq LIMIT ?`,
    ),
    newest: db.prepare<[string, number], StoredMessage>(
      `SELECT * FROM messages WHERE session = ${KEY} ORDER BY seq DESC LIMIT ?`,
    ),
    hasMessage: db
      .prepare<[string, string], number>(`SELECT 1 FROM messages WHERE session = ${KEY} AND id = ? LIMIT 1`)
      .pluck(),
    message: db.prepare<[string, string], { turn_id: string; content: string }>(
      `SELECT turn_id, content FROM messages WHERE session = ${KEY} AND id = ? AND role = 'user' LIMIT 1`,
    ),
    messagesOfTurn: db.prepare<[number, number, number, string], StoredMessage>(
      `SELECT * FROM messages INDEXED BY messages_of_session
       WHERE session = ? AND seq BETWEEN ? AND ? AND turn_id = ? ORDER BY seq`,
    ),
    turn: db.prepare<[string], StoredTurn & { readonly session_id: string }>(
      'SELECT turns.*, sessions.id AS session_id FROM turns JOIN sessions ON key = session WHERE turns.id = ?',
    ),
  };
}
