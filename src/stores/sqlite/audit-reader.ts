// SPDX-License-Identifier: Apache-2.0
// The audit as the read thread sees it: pages of entries, and the chain checked a stretch at a time.

import { type AuditHead, type AuditQuery, type AuditRow, checkChain, checkEnd, NO_AUDIT } from '../audit.ts';
import type { AuditStep } from '../directory-queries.ts';
import type { Page, PageRequest } from '../page.ts';
import { AUDIT_COLUMNS, sha256 } from './audit-table.ts';
import { cursorAt, pageLimit, pageOf, placeOf } from './cursor.ts';
import { openReadonly, type SqliteDatabase } from './database.ts';
import { JOURNAL_MIGRATIONS } from './journal-schema.ts';
import { guarded } from './storage-error.ts';

/** Entries looked at for one page: what is rare in a long audit comes in pages that are short, or empty. */
const LOOKED_AT = 20_000;

/** Opens by itself once the journal's thread has made the file; before that the audit is empty. */
export class AuditReader {
  readonly #file: string;
  readonly #lookedAt: number;
  #db: SqliteDatabase | undefined;
  #sql: ReturnType<typeof prepare> | undefined;

  constructor(file: string, lookedAt = LOOKED_AT) {
    this.#file = file;
    this.#lookedAt = lookedAt;
  }

  /** Newest first. A page may hold fewer than its limit, or none, and still have one after it. */
  query(query: AuditQuery, page: PageRequest): Page<AuditRow> {
    const limit = pageLimit(page.limit);
    const before = placeOf('audit', page, Number.MAX_SAFE_INTEGER);
    return (
      this.#read((sql) => {
        const found: AuditRow[] = [];
        let looked = 0;
        let last = before;
        for (const row of sql.before.iterate(before)) {
          if (looked === this.#lookedAt) return { items: found, next_cursor: cursorAt('audit', last) };
          looked += 1;
          last = row.n;
          if (!fits(query, row)) continue;
          found.push(row);
          if (found.length > limit) break;
        }
        return pageOf(
          'audit',
          limit,
          found,
          ({ n }) => n,
          (row) => row,
        );
      }) ?? { items: [], next_cursor: null }
    );
  }

  /** Checks so many entries after `at`. */
  verify(at: AuditHead, most: number): AuditStep {
    const step = this.#read((sql) => {
      sql.begin.run();
      try {
        const newest = sql.head.get() ?? NO_AUDIT;
        const rows = sql.after.all(at.n, most);
        const { head, broken } = checkChain(at, rows, sha256);
        const done = rows.length < most;
        return { at: head, broken: broken ?? (done ? checkEnd(head, newest) : null), done, head: newest };
      } finally {
        sql.commit.run();
      }
    });
    return step ?? { at, broken: null, done: true, head: NO_AUDIT };
  }

  /** The hash of an entry; undefined when it is not there. */
  hashOf(n: number): string | undefined {
    return this.#read((sql) => sql.hash.get(n));
  }

  close(): void {
    this.#db?.close();
    this.#db = undefined;
    this.#sql = undefined;
  }

  #read<T>(work: (sql: ReturnType<typeof prepare>) => T): T | undefined {
    return guarded(this.#file, () => {
      if (this.#sql === undefined) {
        this.#db = openReadonly(this.#file, JOURNAL_MIGRATIONS.length);
        if (this.#db === undefined) return undefined;
        this.#sql = prepare(this.#db);
      }
      return work(this.#sql);
    });
  }
}

function fits({ action, actor, plugin, workspace_id, from, to }: AuditQuery, row: AuditRow): boolean {
  return (
    (action === undefined || action === row.action) &&
    (actor === undefined || actor === row.actor) &&
    (plugin === undefined || plugin === row.plugin) &&
    (workspace_id === undefined || workspace_id === row.workspace_id) &&
    (from === undefined || row.at >= from) &&
    (to === undefined || row.at < to)
  );
}

function prepare(db: SqliteDatabase) {
  return {
    begin: db.prepare<[]>('BEGIN'),
    commit: db.prepare<[]>('COMMIT'),
    before: db.prepare<[number], AuditRow>(`SELECT ${AUDIT_COLUMNS} FROM audit WHERE n < ? ORDER BY n DESC`),
    after: db.prepare<[number, number], AuditRow>(`SELECT ${AUDIT_COLUMNS} FROM audit WHERE n > ? ORDER BY n LIMIT ?`),
    head: db.prepare<[], AuditHead>('SELECT n, hash FROM audit_head'),
    hash: db.prepare<[number], string>('SELECT hash FROM audit WHERE n = ?').pluck(),
  };
}
