// SPDX-License-Identifier: Apache-2.0
// How far one projection is, kept in gateway.db, with the last row that each workspace's file was given.

import type { JournalRow } from '../records.ts';
import type { SqliteDatabase } from './database.ts';
import type { JournalRows } from './journal-source.ts';
import type { Given, ProjectionCursor } from './projection.ts';
import { guarded } from './storage-error.ts';
import { markOf, NOWHERE, placeBelongs, type ViewPlace } from './view-state.ts';

export class GatewayCursor implements ProjectionCursor<unknown> {
  readonly #file: string;
  readonly #db: SqliteDatabase;
  readonly #name: string;
  readonly #sql: ReturnType<typeof prepare>;
  #upto: number;

  /** @param file of what file its errors speak */
  constructor(file: string, db: SqliteDatabase, name: string) {
    this.#file = file;
    this.#db = db;
    this.#name = name;
    this.#sql = prepare(db);
    this.#upto = this.#sql.get.get(name)?.upto ?? 0;
  }

  get upto(): number {
    return this.#upto;
  }

  belongsTo(source: JournalRows): boolean {
    return guarded(this.#file, () => placeBelongs(this.#sql.get.get(this.#name) ?? NOWHERE, source));
  }

  lastOf(file: string, workspace: string): number {
    return guarded(this.#file, () => this.#sql.lastOf.get(file, workspace) ?? 0);
  }

  workspacesAfter(file: string, id: string, limit: number): readonly string[] {
    return guarded(this.#file, () => this.#sql.workspacesAfter.all(file, id, limit));
  }

  apply(journal: string, _batch: readonly unknown[], given: readonly Given[], last: JournalRow): void {
    this.#transact(() => {
      for (const { file, workspace, last_seq } of given) this.#sql.give.run(file, workspace, last_seq);
      this.#sql.set.run(this.#name, journal, last.seq, markOf(last));
    });
  }

  clear(): void {
    // Only its own place: another projection keeps its own in mind, and finds by itself that it is of another journal.
    this.#transact(() => {
      this.#db.exec('DELETE FROM projected;');
      this.#sql.drop.run(this.#name);
    });
  }

  #transact(work: () => void): void {
    guarded(this.#file, () => this.#db.transaction(work).immediate());
    this.#upto = this.#sql.get.get(this.#name)?.upto ?? 0;
  }
}

function prepare(db: SqliteDatabase) {
  return {
    get: db.prepare<[string], ViewPlace>('SELECT journal, upto, mark FROM projections WHERE name = ?'),
    set: db.prepare<[string, string, number, string]>(
      `INSERT INTO projections (name, journal, upto, mark) VALUES (?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET journal = excluded.journal, upto = excluded.upto, mark = excluded.mark`,
    ),
    drop: db.prepare<[string]>('DELETE FROM projections WHERE name = ?'),
    lastOf: db
      .prepare<[string, string], number>('SELECT last_seq FROM projected WHERE file = ? AND workspace_id = ?')
      .pluck(),
    workspacesAfter: db
      .prepare<[string, string, number], string>(
        'SELECT workspace_id FROM projected WHERE file = ? AND workspace_id > ? ORDER BY workspace_id LIMIT ?',
      )
      .pluck(),
    give: db.prepare<[string, string, number]>(
      `INSERT INTO projected (file, workspace_id, last_seq) VALUES (?, ?, ?)
       ON CONFLICT (file, workspace_id) DO UPDATE SET last_seq = excluded.last_seq`,
    ),
  };
}
