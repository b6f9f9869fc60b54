// SPDX-License-Identifier: Apache-2.0
// Compactions that are not over, read over the connection of gateway.db.

import type { CompactionItem, CompactionQueries, CompactionState } from '../compaction-queries.ts';
import type { SqliteDatabase } from './database.ts';

const NONE: Readonly<Record<CompactionState, number>> = { called: 0, failed: 0, given_up: 0, stored: 0, gone: 0 };

export const NO_COMPACTIONS_OPEN: CompactionQueries['compaction.open']['reply'] = { counts: NONE, items: [] };

export class CompactionsReader {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(db: SqliteDatabase) {
    this.#sql = prepare(db);
  }

  open({ workspace_id, limit }: CompactionQueries['compaction.open']['body']): typeof NO_COMPACTIONS_OPEN {
    const of = { workspace_id: workspace_id ?? null };
    const counts = { ...NONE };
    for (const { state, count } of this.#sql.counts.all(of)) counts[state] = count;
    return { counts, items: this.#sql.items.all({ ...of, limit }) };
  }

  workspaces({ after_id, limit }: CompactionQueries['compaction.workspaces']['body']): readonly string[] {
    return this.#sql.workspaces.all(after_id, limit);
  }

  gone(workspace_id: string): readonly string[] {
    return this.#sql.gone.all(workspace_id);
  }
}

interface Of {
  readonly workspace_id: string | null;
}

/** Sessions of one workspace that are forgotten at a time; the next question finds the rest. */
const GONE_MOST = 100;

function prepare(db: SqliteDatabase) {
  const open = `FROM compactions WHERE state <> 'ended'`;
  const mine = `${open} AND workspace_id = coalesce(@workspace_id, workspace_id)`;
  return {
    counts: db.prepare<[Of], { state: CompactionState; count: number }>(
      `SELECT state, count(*) AS count ${mine} GROUP BY state`,
    ),
    items: db.prepare<[Of & { limit: number }], CompactionItem>(
      `SELECT workspace_id, session_id, state, attempts, retry_at, code, message, at ${mine}
       ORDER BY attempts > 0 DESC, at DESC, session_id LIMIT @limit`,
    ),
    workspaces: db
      .prepare<[string, number], string>(
        `SELECT DISTINCT workspace_id ${open} AND state <> 'given_up' AND workspace_id > ? ORDER BY workspace_id LIMIT ?`,
      )
      .pluck(),
    gone: db
      .prepare<[string], string>(
        `SELECT session_id ${open} AND state = 'gone' AND workspace_id = ? ORDER BY session_id LIMIT ${GONE_MOST}`,
      )
      .pluck(),
  };
}
