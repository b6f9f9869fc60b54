// SPDX-License-Identifier: Apache-2.0
// Takes what was deleted out of a full-text index: its words stay in it until its parts are merged.

import type { SqliteDatabase } from './database.ts';
import type { WipeSteps } from './wipe.ts';

/** Pages of an index that one step merges. */
const PAGES = 150;

/** Merges an index into one part, a step at a time; the words of deleted rows are in no part after it. */
export function* mergeText(db: SqliteDatabase, table: string): WipeSteps {
  const changes = db.prepare<[], number>('SELECT total_changes()').pluck();
  const merge = db.prepare<[number]>(`INSERT INTO ${table} (${table}, rank) VALUES ('merge', ?)`);
  // A negative number begins with all parts there are; two changes are what a merge that has nothing to do makes.
  for (let pages = -PAGES; ; pages = PAGES) {
    const before = changes.get() ?? 0;
    merge.run(pages);
    yield 0;
    if (pages > 0 && (changes.get() ?? 0) - before < 2) break;
  }
  // What is one part already is left alone by a merge, also when rows of it were deleted.
  db.exec(`INSERT INTO ${table} (${table}) VALUES ('optimize')`);
  yield 0;
}
