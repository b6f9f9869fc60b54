// SPDX-License-Identifier: Apache-2.0
// The part of gateway.db that says how it is with the compaction of each session: written with the batch, read at starts and for status.

import type { CompactionItem, CompactionState } from '../compaction-queries.ts';
import type { ReadRowOf } from '../streams.ts';
import type { SqliteDatabase } from './database.ts';

export const CLEAR_COMPACTIONS = 'DELETE FROM compactions;';

export class CompactionsView {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(db: SqliteDatabase) {
    this.#sql = prepare(db);
  }

  apply({ row, record }: ReadRowOf<'workspace'>): void {
    const { workspace_id, at } = row;
    const put = (of: { readonly id: string; readonly session_id: string }, more: Partial<CompactionRow> = {}): void => {
      const nothing = { state: 'ended', attempts: 0, retry_at: null, code: '', message: '' } as const;
      const { id, session_id } = of;
      this.#sql.put.run({ ...nothing, id, session_id, workspace_id, at, ...more });
    };
    switch (record.type) {
      case 'compaction_called':
        put(record, { state: 'called' });
        break;
      case 'compaction_failed': {
        const { attempts, retry_at, code, message } = record;
        put(record, { state: retry_at === null ? 'given_up' : 'failed', attempts, retry_at, code, message });
        break;
      }
      case 'compaction_stored':
        put(record, { state: 'stored' });
        break;
      case 'compaction_ended':
        put(record);
        break;
      case 'session_forgotten':
        this.#sql.drop.run(record.session_id);
        break;
      case 'user_erased':
        for (const session_id of record.session_ids) this.#sql.blank.run(session_id);
        break;
      default:
        break;
    }
  }

  /** A session is gone: what was made of it is to go, if anything was. */
  gone(session_id: string): void {
    this.#sql.gone.run(session_id);
  }
}

interface CompactionRow extends Omit<CompactionItem, 'state'> {
  readonly id: string;
  readonly state: CompactionState | 'ended';
}

function prepare(db: SqliteDatabase) {
  return {
    // One whose session is gone stays so until it is forgotten.
    put: db.prepare<[CompactionRow]>(
      `INSERT INTO compactions (session_id, workspace_id, id, state, attempts, retry_at, code, message, at)
       VALUES (@session_id, @workspace_id, @id, @state, @attempts, @retry_at, @code, @message, @at)
       ON CONFLICT (session_id) DO UPDATE SET id = excluded.id, state = excluded.state, attempts = excluded.attempts,
         retry_at = excluded.retry_at, code = excluded.code, message = excluded.message, at = excluded.at
       WHERE compactions.state <> 'gone'`,
    ),
    drop: db.prepare<[string]>('DELETE FROM compactions WHERE session_id = ?'),
    blank: db.prepare<[string]>(`UPDATE compactions SET message = '' WHERE session_id = ?`),
    gone: db.prepare<[string]>(`UPDATE compactions SET state = 'gone', message = '' WHERE session_id = ?`),
  };
}
