// SPDX-License-Identifier: Apache-2.0
// What was erased leaves the bytes of a database too: its free space is overwritten, and its log emptied.

import { failure, SigilError } from '../../errors.ts';
import type { SqliteDatabase } from './database.ts';

/**
 * A file up to this size is written anew whole. In a larger one, which would hold its thread for seconds, what is deleted or
 * changed is overwritten where it lay (`secure_delete`, on in every file): only what SQLite moved about within a page before
 * may leave a trace there until the page is written again.
 */
const REWRITTEN_BYTES = 128 * 1024 * 1024;
/** How long to wait for readers of the log, in milliseconds. */
const READERS_MS = 1_000;

/**
 * @param rewrite false for a file whose rows must keep numbers that SQLite may give anew
 * @throws SigilError `overloaded` when somebody still reads what the log held; then it is to be done again
 */
export function wipeDatabase(db: SqliteDatabase, { rewrite = true } = {}): void {
  const pages = Number(db.pragma('page_count', { simple: true }));
  const size = pages * Number(db.pragma('page_size', { simple: true }));
  if (rewrite && size <= REWRITTEN_BYTES) db.exec('VACUUM');
  const usual = Number(db.pragma('busy_timeout', { simple: true }));
  db.pragma(`busy_timeout = ${READERS_MS}`);
  try {
    const [done] = db.pragma('wal_checkpoint(TRUNCATE)') as readonly { readonly busy: number }[];
    if (done?.busy !== 0)
      throw new SigilError(failure('overloaded', `${db.name} is being read; its log stays for now`));
  } finally {
    db.pragma(`busy_timeout = ${usual}`);
  }
}
