// SPDX-License-Identifier: Apache-2.0
// Every row a journal ever had, kept outside of it: what its views are compared with once parts of it are trimmed.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { JournalRow } from '../../src/stores/records.ts';
import { openDatabase } from '../../src/stores/sqlite/database.ts';
import { JOURNAL_MIGRATIONS, ROW_COLUMNS } from '../../src/stores/sqlite/journal-schema.ts';
import type { VectorModel } from '../../src/stores/vector-store.ts';
import { dumpViews } from '../stores/store-house.ts';
import { follow } from './follow.ts';
import { dumpVectors } from './vectors-dump.ts';

export class Shadow {
  readonly #rows = new Map<number, JournalRow>();
  #id = '';
  #last = 0;

  get last(): number {
    return this.#last;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Takes over what a journal has; what it has of before must be the same. The problems. */
  note(dir: string): readonly string[] {
    const db = new Database(join(dir, 'journal.db'), { readonly: true });
    try {
      this.#id = String(db.prepare(`SELECT value FROM meta WHERE name = 'id'`).pluck().get());
      const problems: string[] = [];
      const before = this.#last;
      let last = 0;
      for (const row of db.prepare<[], JournalRow>(`SELECT ${ROW_COLUMNS} FROM records ORDER BY seq`).iterate()) {
        const known = this.#rows.get(row.seq);
        if (known === undefined) this.#rows.set(row.seq, row);
        else if (JSON.stringify(known) !== JSON.stringify(row)) problems.push(`row ${row.seq} is another than before`);
        last = row.seq;
      }
      this.#last = Math.max(before, last);
      if (last < before) problems.push(`the journal ends with ${last}, and had ${before}`);
      return problems;
    } finally {
      db.close();
    }
  }

  /** Rows the journal had before and has not any more. */
  goneFrom(dir: string): number {
    const db = new Database(join(dir, 'journal.db'), { readonly: true });
    try {
      const counted = db.prepare<[number], number>('SELECT count(*) FROM records WHERE seq <= ?').pluck();
      return this.size - (counted.get(this.last) ?? 0);
    } finally {
      db.close();
    }
  }

  /** Forgets what came after a row: the directory was put back to it. */
  back(upto: number): void {
    for (const seq of [...this.#rows.keys()]) if (seq > upto) this.#rows.delete(seq);
    this.#last = Math.min(this.#last, upto);
  }

  /** Whether it has this very row. */
  has(row: JournalRow): boolean {
    return JSON.stringify(this.#rows.get(row.seq)) === JSON.stringify(row);
  }

  /** Makes a journal of all rows, or of those up to one. */
  writeTo(dir: string, upto = Number.POSITIVE_INFINITY): void {
    const db = openDatabase(join(dir, 'journal.db'), { migrations: JOURNAL_MIGRATIONS, durability: 'normal' });
    db.pragma('synchronous = OFF');
    const insert = db.prepare(`INSERT INTO records (${ROW_COLUMNS}) VALUES (${ROW_COLUMNS.replaceAll(/\w+/g, '@$&')})`);
    db.transaction(() => {
      db.prepare(`INSERT INTO meta (name, value) VALUES ('id', ?)`).run(this.#id);
      for (const [seq, row] of [...this.#rows].sort(([a], [b]) => a - b)) if (seq <= upto) insert.run(row);
    })();
    db.close();
  }

  /**
   * Compares the views of a directory with those made of all rows from the first; what differs.
   *
   * @param model what its vectors are of; when not given, it has none
   */
  compare(dir: string, model?: VectorModel): readonly string[] {
    const scratch = mkdtempSync(join(tmpdir(), 'sigil-shadow-'));
    try {
      this.writeTo(scratch);
      const failures = follow(scratch, { model });
      if (failures.length > 0) return failures.map(({ message }) => `what was made from scratch: ${message}`);
      const all = (of: string) => ({ ...dumpViews(of), ...(model === undefined ? {} : dumpVectors(of)) });
      const [wanted, found]: readonly Readonly<Record<string, readonly unknown[]>>[] = [all(scratch), all(dir)];
      return [...new Set([...Object.keys(wanted ?? {}), ...Object.keys(found ?? {})])]
        .filter((table) => JSON.stringify(wanted?.[table]) !== JSON.stringify(found?.[table]))
        .map((table) => `${table} is not as made from scratch`);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
}
