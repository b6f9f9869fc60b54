// SPDX-License-Identifier: Apache-2.0
// Every row a journal ever had, kept outside of it: what its views are compared with once parts of it are trimmed.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { JournalRow } from '../../src/stores/records.ts';
import { catchUpViews } from '../../src/stores/sqlite/catch-up.ts';
import { openDatabase } from '../../src/stores/sqlite/database.ts';
import { JOURNAL_MIGRATIONS, ROW_COLUMNS } from '../../src/stores/sqlite/journal-schema.ts';
import { dumpViews } from '../stores/store-house.ts';

export class Shadow {
  readonly #rows = new Map<number, JournalRow>();
  #id = '';

  get last(): number {
    return Math.max(0, ...this.#rows.keys());
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
      let last = 0;
      for (const row of db.prepare<[], JournalRow>(`SELECT ${ROW_COLUMNS} FROM records ORDER BY seq`).iterate()) {
        const known = this.#rows.get(row.seq);
        if (known === undefined) this.#rows.set(row.seq, row);
        else if (JSON.stringify(known) !== JSON.stringify(row)) problems.push(`row ${row.seq} is another than before`);
        last = row.seq;
      }
      if (last !== this.last) problems.push(`the journal ends with ${last}, and had ${this.last}`);
      return problems;
    } finally {
      db.close();
    }
  }

  /** Forgets what came after a row: the directory was put back to it. */
  back(upto: number): void {
    for (const seq of [...this.#rows.keys()]) if (seq > upto) this.#rows.delete(seq);
  }

  /** Compares the views of a directory with those made of all rows from the first; the tables that differ. */
  async compare(dir: string): Promise<readonly string[]> {
    const scratch = mkdtempSync(join(tmpdir(), 'sigil-shadow-'));
    try {
      const db = openDatabase(join(scratch, 'journal.db'), { migrations: JOURNAL_MIGRATIONS, durability: 'normal' });
      const insert = db.prepare(
        `INSERT INTO records (${ROW_COLUMNS}) VALUES (${ROW_COLUMNS.replaceAll(/\w+/g, '@$&')})`,
      );
      db.transaction(() => {
        db.prepare(`INSERT INTO meta (name, value) VALUES ('id', ?)`).run(this.#id);
        for (const seq of [...this.#rows.keys()].sort((a, b) => a - b)) insert.run(this.#rows.get(seq));
      })();
      db.close();
      await catchUpViews({ dataDir: scratch });
      const [wanted, found] = [dumpViews(scratch), dumpViews(dir)];
      return [...new Set([...Object.keys(wanted), ...Object.keys(found)])].filter(
        (table) => JSON.stringify(wanted[table]) !== JSON.stringify(found[table]),
      );
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
}
