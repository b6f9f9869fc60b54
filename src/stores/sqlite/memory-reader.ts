// SPDX-License-Identifier: Apache-2.0
// One workspace's memory.db as it is read.

import { openReadonly, type SqliteDatabase } from './database.ts';
import { MEMORY_MIGRATIONS } from './memory-schema.ts';

/** Opens a workspace's file for reading; undefined while it is not there. */
export function openMemoryReader(file: string): MemoryReader | undefined {
  const db = openReadonly(file, MEMORY_MIGRATIONS.length);
  return db === undefined ? undefined : new MemoryReader(db);
}

export class MemoryReader {
  readonly #db: SqliteDatabase;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(db: SqliteDatabase) {
    this.#db = db;
    this.#sql = prepare(db);
  }

  /** Which journal it is made of, and up to which row. */
  state(): { readonly journal: string; readonly upto: number } {
    return this.#sql.state.get() ?? { journal: '', upto: 0 };
  }

  hasMessage(id: string): boolean {
    return this.#sql.message.get(id) !== undefined;
  }

  hasSummary(id: string): boolean {
    return this.#sql.summary.get(id) !== undefined;
  }

  close(): void {
    this.#db.close();
  }
}

function prepare(db: SqliteDatabase) {
  return {
    state: db.prepare<[], { journal: string; upto: number }>('SELECT journal, upto FROM view_state'),
    message: db.prepare<[string], number>('SELECT n FROM messages WHERE id = ? LIMIT 1').pluck(),
    summary: db.prepare<[string], number>('SELECT n FROM summaries WHERE id = ?').pluck(),
  };
}
