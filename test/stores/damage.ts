// SPDX-License-Identifier: Apache-2.0
// Damage done to database files, as a bad disk does it: a table's pages overwritten, the rest of the file as it was.

import { closeSync, openSync, writeSync } from 'node:fs';
import Database from 'better-sqlite3';

/** Overwrites the root page of each table (or index) named; the file still opens. */
export function damagePages(file: string, ...tables: readonly string[]): void {
  const db = new Database(file);
  db.pragma('wal_checkpoint(TRUNCATE)');
  const size = Number(db.pragma('page_size', { simple: true }));
  const root = db.prepare<[string], number>('SELECT rootpage FROM sqlite_master WHERE name = ?').pluck();
  const pages = tables.map((table) => root.get(table) ?? 0);
  db.close();
  const opened = openSync(file, 'r+');
  for (const page of pages) writeSync(opened, Buffer.alloc(size, 0xee), 0, size, (page - 1) * size);
  closeSync(opened);
}
