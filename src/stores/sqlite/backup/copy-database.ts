// SPDX-License-Identifier: Apache-2.0
// One database copied while others write to it: a read transaction holds one moment still, and the copy goes page by page.

import { chmodSync } from 'node:fs';
import Database from 'better-sqlite3';
import { openToRead } from '../database.ts';
import { codeOf, storageError } from '../storage-error.ts';

/** What only who writes is told: the copy has no place, and its source nothing wrong. */
const OF_TARGET = /^SQLITE_(?:FULL|READONLY|CANTOPEN|IOERR(?!_(?:SHORT_)?READ))/;
/** Pages (of 4 KiB) copied before the loop turns. */
const STEP_PAGES = 256;

/**
 * Copies a database as it is at one moment.
 *
 * SQLite's backup begins again whenever another connection has written, and under constant load would never end. The read
 * transaction on its own connection prevents that: the copy is of the moment it began, writers go on, and all that waits
 * is the emptying of their log. `VACUUM INTO` would give as good a moment, but holds its thread to the end, tells nothing
 * meanwhile, and writes rows anew (those without a key of their own under other numbers) instead of copying pages.
 *
 * The copy is one file without a log beside it, so that it opens anywhere.
 *
 * @throws SigilError `storage_failed`
 */
export async function copyDatabase(
  source: string,
  target: string,
  progress: (done: number, total: number) => void,
): Promise<void> {
  let db: Database.Database | undefined;
  let writing = false;
  try {
    db = openToRead(source, 5000);
    db.exec('BEGIN');
    // The moment is taken by the first read, not by BEGIN.
    db.prepare('SELECT count(*) FROM sqlite_master').get();
    const pageSize = Number(db.pragma('page_size', { simple: true }));
    writing = true;
    await db.backup(target, {
      progress: ({ totalPages, remainingPages }) => {
        progress((totalPages - remainingPages) * pageSize, totalPages * pageSize);
        return STEP_PAGES;
      },
    });
    db.exec('COMMIT');
  } catch (thrown) {
    throw storageError(thrown, writing && OF_TARGET.test(codeOf(thrown)) ? target : source);
  } finally {
    db?.close();
  }
  const copy = new Database(target);
  try {
    chmodSync(target, 0o600);
    copy.pragma('journal_mode = DELETE');
  } catch (thrown) {
    throw storageError(thrown, target);
  } finally {
    copy.close();
  }
}
