// SPDX-License-Identifier: Apache-2.0
// The requests for approval in gateway.db: written as their records come, read by who waits and who asks. No session is searched for them.

import type { ApprovalRow } from '../approvals.ts';
import type { ApprovalDecided, ApprovalRequested, JournalRow } from '../records.ts';
import type { Page, PageRequest } from '../session-store.ts';
import { pageLimit, pageOf, placeOf } from './cursor.ts';
import type { SqliteDatabase } from './database.ts';

/** Requests that are over and still told of; past it the oldest are forgotten. */
const DECIDED_KEPT = 10_000;

export const APPROVALS_SCHEMA = `
   CREATE TABLE approvals (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     session_id TEXT NOT NULL,
     workspace_id TEXT NOT NULL,
     turn_id TEXT NOT NULL,
     call_id TEXT NOT NULL,
     user_id TEXT NOT NULL,
     tool TEXT NOT NULL,
     arguments TEXT NOT NULL,
     reason TEXT NOT NULL,
     requested_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     decision TEXT,
     decided_by TEXT,
     decided_at INTEGER,
     decided_seq INTEGER
   ) STRICT;
   CREATE INDEX approvals_waiting ON approvals (user_id, seq) WHERE decision IS NULL;
   CREATE INDEX approvals_decided ON approvals (decided_seq) WHERE decided_seq IS NOT NULL;
   CREATE INDEX approvals_of_session ON approvals (session_id);`;

export const CLEAR_APPROVALS = 'DELETE FROM approvals;';

/** What it is changed with, in its view's transaction. */
export class ApprovalsTable {
  readonly #sql: ReturnType<typeof prepareWrites>;

  constructor(db: SqliteDatabase) {
    this.#sql = prepareWrites(db);
  }

  request(row: JournalRow, session_id: string, record: ApprovalRequested): void {
    const { type: _type, ...rest } = record;
    this.#sql.add.run({ ...rest, seq: row.seq, session_id, workspace_id: row.workspace_id, requested_at: row.at });
  }

  decide(row: JournalRow, { id, decision, by }: ApprovalDecided): void {
    this.#sql.decide.run({ id, decision, by, at: row.at, seq: row.seq });
    this.#sql.forget.run(DECIDED_KEPT);
  }

  deleteSession(session_id: string): void {
    this.#sql.deleteSession.run(session_id);
  }
}

interface StoredApproval extends Omit<ApprovalRow, 'requested_at' | 'expires_at' | 'decided_at'> {
  readonly seq: number;
  readonly requested_at: number;
  readonly expires_at: number;
  readonly decided_at: number | null;
  readonly decided_seq: number | null;
}

export class ApprovalsReader {
  readonly #sql: ReturnType<typeof prepareReads>;

  constructor(db: SqliteDatabase) {
    this.#sql = prepareReads(db);
  }

  get(id: string): ApprovalRow | undefined {
    const row = this.#sql.get.get(id);
    return row === undefined ? undefined : shown(row);
  }

  /** Those that wait, oldest first. */
  waiting(user_id: string | undefined, page: PageRequest): Page<ApprovalRow> {
    const limit = pageLimit(page.limit);
    const after = placeOf('approvals', page, 0);
    const rows =
      user_id === undefined ? this.#sql.all.all(after, limit + 1) : this.#sql.of.all(user_id, after, limit + 1);
    return pageOf('approvals', limit, rows, (row) => row.seq, shown);
  }
}

const time = (at: number): string => new Date(at).toISOString();

function shown({ seq: _seq, decided_seq: _decided, ...row }: StoredApproval): ApprovalRow {
  return {
    ...row,
    requested_at: time(row.requested_at),
    expires_at: time(row.expires_at),
    decided_at: row.decided_at === null ? null : time(row.decided_at),
  };
}

type Added = Omit<ApprovalRequested, 'type'> & {
  readonly seq: number;
  readonly session_id: string;
  readonly workspace_id: string;
  readonly requested_at: number;
};

function prepareWrites(db: SqliteDatabase) {
  return {
    add: db.prepare<[Added]>(
      `INSERT OR IGNORE INTO approvals (seq, id, session_id, workspace_id, turn_id, call_id, user_id, tool, arguments, reason,
         requested_at, expires_at)
       VALUES (@seq, @id, @session_id, @workspace_id, @turn_id, @call_id, @user_id, @tool, @arguments, @reason,
         @requested_at, @expires_at)`,
    ),
    decide: db.prepare<[{ id: string; decision: string; by: string; at: number; seq: number }]>(
      `UPDATE approvals SET decision = @decision, decided_by = @by, decided_at = @at, decided_seq = @seq
       WHERE id = @id AND decision IS NULL`,
    ),
    forget: db.prepare<[number]>(
      `DELETE FROM approvals WHERE decided_seq IS NOT NULL AND decided_seq <=
         (SELECT decided_seq FROM approvals WHERE decided_seq IS NOT NULL ORDER BY decided_seq DESC LIMIT 1 OFFSET ?)`,
    ),
    deleteSession: db.prepare<[string]>('DELETE FROM approvals WHERE session_id = ?'),
  };
}

function prepareReads(db: SqliteDatabase) {
  return {
    get: db.prepare<[string], StoredApproval>('SELECT * FROM approvals WHERE id = ?'),
    all: db.prepare<[number, number], StoredApproval>(
      'SELECT * FROM approvals WHERE decision IS NULL AND seq > ? ORDER BY seq LIMIT ?',
    ),
    of: db.prepare<[string, number, number], StoredApproval>(
      'SELECT * FROM approvals WHERE decision IS NULL AND user_id = ? AND seq > ? ORDER BY seq LIMIT ?',
    ),
  };
}
