// SPDX-License-Identifier: Apache-2.0
// The writer of one workspace's sessions.db: applies records of the journal, and says in the file how far it has come.

import {
  applyToSession,
  type MessageView,
  type SessionView,
  type SessionViewRows,
  type TurnView,
} from '../session-view.ts';
import type { ReadRowOf } from '../streams.ts';
import { openDatabase, type SqliteDatabase, VIEW_BUSY_MS, VIEW_CHECKPOINT_PAGES } from './database.ts';
import type { JournalRows } from './journal-source.ts';
import {
  MESSAGE_COLUMNS,
  SESSION_COLUMNS,
  SESSIONS_MIGRATIONS,
  type StoredSession,
  type StoredTurn,
  TURN_COLUMNS,
} from './sessions-schema.ts';
import { guarded } from './storage-error.ts';
import { ViewState } from './view-state.ts';
import { type WipePlace, type WipeSteps, wipeDatabase } from './wipe.ts';
import type { WorkspaceFileKind, WorkspaceView } from './workspace-files.ts';

/** What the projector writes the files of sessions with. */
export const SESSIONS_FILE: WorkspaceFileKind<ReadRowOf<'session'>> = {
  name: 'sessions.db',
  open: (file) => new SessionsView(file),
};

/** One workspace's sessions, messages and turns. */
export class SessionsView implements SessionViewRows, WorkspaceView<ReadRowOf<'session'>> {
  readonly #file: string;
  readonly #db: SqliteDatabase;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #state: ViewState;
  /** Rows the batch has touched: read once, changed in memory, written once. */
  #sessions = new Map<string, KeyedSession>();
  #turns = new Map<string, TurnView>();

  constructor(file: string) {
    this.#file = file;
    this.#db = openDatabase(file, {
      migrations: SESSIONS_MIGRATIONS,
      durability: 'normal',
      cacheKib: 1024,
      checkpointPages: VIEW_CHECKPOINT_PAGES,
      busyMs: VIEW_BUSY_MS,
    });
    this.#sql = prepare(this.#db);
    this.#state = new ViewState(this.#db);
  }

  /** The last row of its workspace it holds. */
  get upto(): number {
    return this.#state.upto;
  }

  belongsTo(source: JournalRows): boolean {
    return guarded(this.#file, () => this.#state.belongsTo(source));
  }

  /** Applies rows in one transaction; those it has already are passed over, so a batch may be repeated. */
  apply(journal: string, batch: readonly ReadRowOf<'session'>[]): void {
    const upto = this.#state.upto;
    const fresh = batch.filter(({ row }) => row.seq > upto);
    const last = fresh.at(-1);
    if (last === undefined) return;
    this.#transact(() => {
      for (const { row, record } of fresh) applyToSession(this, row, record);
      for (const session of this.#sessions.values()) this.#sql.putSession.run(session);
      for (const turn of this.#turns.values()) this.#putTurn(turn);
      this.#state.write(journal, last.row);
    });
  }

  /** Forgets everything, to be filled again. In place: whoever reads the file keeps reading the same one. */
  clear(): void {
    this.#transact(() => {
      this.#db.exec('DELETE FROM sessions; DELETE FROM messages; DELETE FROM turns;');
      this.#state.clear();
    });
  }

  wipe(place: WipePlace): WipeSteps {
    return wipeDatabase(this.#db, place);
  }

  #transact(work: () => void): void {
    try {
      guarded(this.#file, () => this.#db.transaction(work).immediate());
      this.#state.committed();
    } finally {
      // Not cleared: a cleared map's old table leads from what is old to everything touched since.
      this.#sessions = new Map();
      this.#turns = new Map();
    }
  }

  session(id: string): SessionView | undefined {
    const held = this.#sessions.get(id) ?? this.#sql.session.get(id);
    if (held === undefined) return undefined;
    const session: KeyedSession = held;
    this.#sessions.set(id, session);
    return session;
  }

  addSession(session: SessionView): void {
    const key = Number(this.#sql.addSession.run(session).lastInsertRowid);
    this.#sessions.set(session.id, { ...session, key });
  }

  /** What a session is called by in this file. Whatever is written of one comes after a look at it. */
  #key(session_id: string): number {
    return this.#sessions.get(session_id)?.key ?? this.#sql.session.get(session_id)?.key ?? NOBODY;
  }

  turn(id: string, session: SessionView): TurnView | undefined {
    const held = this.#turns.get(id);
    if (held !== undefined) return held;
    const stored = this.#sql.turn.get(id);
    if (stored === undefined) return undefined;
    const {
      session: _key,
      input_tokens,
      output_tokens,
      cache_read_tokens,
      cache_write_tokens,
      cost_usd,
      ...rest
    } = stored;
    const usage = { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd };
    const turn: TurnView = { ...rest, session_id: session.id, usage };
    this.#turns.set(id, turn);
    return turn;
  }

  addTurn(turn: TurnView): void {
    this.#turns.set(turn.id, turn);
  }

  /** By place: names are looked up one by one each time, and turns are written more often than anything else. */
  #putTurn(turn: TurnView): void {
    const { usage } = turn;
    this.#sql.putTurn.run(
      this.#key(turn.session_id),
      turn.id,
      turn.user_id,
      turn.message_id,
      turn.status,
      turn.model,
      turn.reply_id,
      turn.finish_reason,
      turn.error_code,
      turn.error_message,
      usage.input_tokens,
      usage.output_tokens,
      usage.cache_read_tokens,
      usage.cache_write_tokens,
      usage.cost_usd,
      turn.created_at,
      turn.started_at,
      turn.ended_at,
      turn.first_seq,
      turn.last_seq,
      turn.events,
      turn.said,
      turn.answered_by,
      turn.content,
    );
  }

  addMessage(message: MessageView): void {
    const { seq, session_id, user_id, id, turn_id, role, origin, at, content, tool } = message;
    const calls = message.tool_calls.length === 0 ? null : JSON.stringify(message.tool_calls);
    const [error, cut] = [tool?.is_error === true ? 1 : 0, tool?.truncated === true ? 1 : 0];
    this.#sql.addMessage.run(
      this.#key(session_id),
      seq,
      user_id,
      id,
      turn_id,
      role,
      origin,
      at,
      calls,
      tool?.call_id ?? null,
      error,
      cut,
      message.extras === null ? null : JSON.stringify(message.extras),
      content,
    );
  }

  deleteSession(id: string): void {
    const key = this.#key(id);
    this.#sessions.delete(id);
    for (const [turn_id, turn] of this.#turns) if (turn.session_id === id) this.#turns.delete(turn_id);
    this.#sql.deleteTurns.run(key);
    this.#sql.deleteMessages.run(key);
    this.#sql.deleteSession.run(key);
  }

  answerBy(session_id: string, message_id: string, turn_id: string, seq?: number): void {
    this.#sql.answerBy.run(turn_id, seq ?? null, this.#key(session_id), message_id);
  }

  close(): void {
    this.#db.close();
  }
}

/** A session while a batch is applied, with its number in the file. */
interface KeyedSession extends SessionView {
  readonly key: number;
}

/** The number no session has. */
const NOBODY = 0;

type AddMessage = [
  number,
  number,
  string,
  string,
  string,
  string,
  string,
  number,
  string | null,
  string | null,
  number,
  number,
  string | null,
  string,
];

type PutTurn = [
  ...[session: number, id: string, user_id: string, message_id: string, status: string, model: string],
  ...[reply_id: string | null, finish_reason: string | null, error_code: string | null, error_message: string | null],
  ...[
    input_tokens: number,
    output_tokens: number,
    cache_read_tokens: number,
    cache_write_tokens: number,
    cost_usd: number,
  ],
  ...[created_at: number, started_at: number | null, ended_at: number | null, first_seq: number, last_seq: number],
  ...[events: number, said: number, answered_by: string | null],
  content: string,
];

/** What changes of a session once it is there. */
const SESSION_CHANGES = ['title', 'model', 'status', 'turns', 'messages', 'updated_at', 'updated_seq', 'details'];

function prepare(db: SqliteDatabase) {
  const placed = (columns: string): string => columns.replaceAll(/\w+/g, '?');
  const updated = (columns: readonly string[]): string =>
    columns.map((column) => `${column} = excluded.${column}`).join(', ');
  return {
    session: db.prepare<[string], StoredSession>(`SELECT key, ${SESSION_COLUMNS} FROM sessions WHERE id = ?`),
    addSession: db.prepare<[SessionView]>(
      `INSERT INTO sessions (${SESSION_COLUMNS}) VALUES (${SESSION_COLUMNS.replaceAll(/\w+/g, '@$&')})`,
    ),
    putSession: db.prepare<[KeyedSession]>(
      `UPDATE sessions SET ${SESSION_CHANGES.map((column) => `${column} = @${column}`).join(', ')} WHERE key = @key`,
    ),
    turn: db.prepare<[string], StoredTurn>('SELECT * FROM turns WHERE id = ?'),
    putTurn: db.prepare<PutTurn>(
      `INSERT INTO turns (session, ${TURN_COLUMNS}) VALUES (?, ${placed(TURN_COLUMNS)})
       ON CONFLICT (id) DO UPDATE SET ${updated(TURN_COLUMNS.split(', ').slice(3))}`,
    ),
    addMessage: db.prepare<AddMessage>(
      `INSERT INTO messages (session, ${MESSAGE_COLUMNS}) VALUES (?, ${placed(MESSAGE_COLUMNS)})`,
    ),
    deleteTurns: db.prepare<[number]>('DELETE FROM turns WHERE session = ?'),
    deleteMessages: db.prepare<[number]>('DELETE FROM messages WHERE session = ?'),
    deleteSession: db.prepare<[number]>('DELETE FROM sessions WHERE key = ?'),
    answerBy: db.prepare<[string, number | null, number, string]>(
      `UPDATE messages SET turn_id = ?, seq = coalesce(?, seq) WHERE session = ? AND id = ? AND role = 'user'`,
    ),
  };
}
