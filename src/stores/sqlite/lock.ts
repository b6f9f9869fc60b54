// SPDX-License-Identifier: Apache-2.0
// The lock on a data directory: a SQLite file whose write lock a gateway holds for life. The kernel frees it, however it ends.

import { existsSync, rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { failure, SigilError } from '../../errors.ts';
import { codeOf, storageError } from './storage-error.ts';

/** Who holds the data directory, for whoever comes second. */
export interface LockInfo {
  readonly pid: number;
  /** Where it listens; null until it does, or without TCP. */
  readonly url: string | null;
  readonly socket: string;
  /** RFC 3339. */
  readonly started_at: string;
}

export type Lock =
  | {
      readonly ok: true;
      /** Changes what a second process is told. */
      update(info: LockInfo): void;
      /** Lets go, in an orderly end. */
      release(): void;
    }
  | {
      readonly ok: false;
      /** Null when the holder has not said who it is yet. */
      readonly holder: LockInfo | null;
    };

/**
 * A row can only be read by others once it is committed, and a commit lets go of the write lock for a moment. So whoever
 * takes the lock and finds a row of a living process in it steps back for this long: a holder in that moment takes it
 * again within microseconds, and if it does not, the process of that number is another one by now.
 */
const STEP_BACK_MS = 100;
/** How long a holder waits to get its lock back from one that is about to step back. */
const RETAKE_MS = 5000;

/** Locks that are held: a database that nobody remembers would be closed with the garbage, and its lock let go of. */
const holding = new Set<Database.Database>();

const SCHEMA = `CREATE TABLE IF NOT EXISTS holder (
  one INTEGER PRIMARY KEY CHECK (one = 1), pid INTEGER NOT NULL, url TEXT, socket TEXT NOT NULL, started_at TEXT NOT NULL
) STRICT`;

/** Takes the lock at `path` (its directory must exist), or says who has it. @throws SigilError `storage_failed`. */
export function acquireLock(path: string, info: LockInfo): Lock {
  try {
    return acquire(path, info);
  } catch (thrown) {
    if (!/^SQLITE_(?:CORRUPT|NOTADB)/.test(codeOf(thrown))) throw storageError(thrown, path);
    // Half written when the power went. It holds nothing worth keeping.
    for (const rest of ['', '-journal']) rmSync(`${path}${rest}`, { force: true });
  }
  try {
    return acquire(path, info);
  } catch (thrown) {
    throw storageError(thrown, path);
  }
}

/**
 * Who holds the lock at `path`, looking only; null when nobody does. It goes by the living process that wrote its name
 * there: to try the lock itself would keep a gateway out that starts at this very moment.
 */
export function lockHolder(path: string): LockInfo | null {
  if (!existsSync(path)) return null;
  try {
    const db = new Database(path, { readonly: true, timeout: RETAKE_MS });
    try {
      const holder = holderOf(db);
      return holder !== null && isAlive(holder.pid) ? holder : null;
    } finally {
      db.close();
    }
  } catch (thrown) {
    // Half written when the power went: nobody holds it.
    if (/^SQLITE_(?:CORRUPT|NOTADB)/.test(codeOf(thrown))) return null;
    throw storageError(thrown, path);
  }
}

function acquire(path: string, info: LockInfo): Lock {
  // Even to look at the file is refused for the moment of a commit: that is waited for.
  const db = new Database(path, { timeout: RETAKE_MS });
  try {
    // The lock is what counts; the row is worth no wait for the disk.
    db.pragma('synchronous = OFF');
    db.pragma('busy_timeout = 0');
    if (!take(db)) return refused(db);
    const before = holderOf(db);
    if (before !== null && before.pid !== info.pid && isAlive(before.pid)) {
      db.exec('ROLLBACK');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STEP_BACK_MS);
      if (!take(db)) return refused(db);
    }
    write(db, info);
    if (!retake(db, info)) return refused(db);
    return held(db, path, info);
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

function held(db: Database.Database, path: string, first: LockInfo): Lock {
  let current = first;
  holding.add(db);
  return {
    ok: true,
    update(info) {
      if (!db.open) return;
      current = info;
      try {
        write(db, info);
        if (!retake(db, current))
          throw new SigilError(failure('storage_failed', `${path}: the lock was taken by another process`));
      } catch (thrown) {
        throw storageError(thrown, path);
      }
    },
    release() {
      if (!db.open) return;
      try {
        db.exec('DELETE FROM holder; COMMIT');
      } catch {
        // The row stays; the next holder sees that its process is gone.
      }
      db.close();
      holding.delete(db);
    },
  };
}

/** Whether the write lock is ours now. */
function take(db: Database.Database): boolean {
  try {
    db.exec('BEGIN IMMEDIATE');
    return true;
  } catch (thrown) {
    if (codeOf(thrown).startsWith('SQLITE_BUSY')) return false;
    throw thrown;
  }
}

/** After a commit: takes the lock again and makes sure that nobody was in between. */
function retake(db: Database.Database, info: LockInfo): boolean {
  db.pragma(`busy_timeout = ${RETAKE_MS}`);
  const mine = take(db) && holderOf(db)?.pid === info.pid;
  db.pragma('busy_timeout = 0');
  return mine;
}

/** Writes the row and commits it: others can read it from here on. A reader's moment in the file is waited for. */
function write(db: Database.Database, info: LockInfo): void {
  db.pragma(`busy_timeout = ${RETAKE_MS}`);
  db.exec(SCHEMA);
  db.prepare('INSERT OR REPLACE INTO holder (one, pid, url, socket, started_at) VALUES (1, ?, ?, ?, ?)').run(
    info.pid,
    info.url,
    info.socket,
    info.started_at,
  );
  db.exec('COMMIT');
  db.pragma('busy_timeout = 0');
}

function refused(db: Database.Database): Lock {
  db.pragma('busy_timeout = 1000');
  const holder = holderOf(db);
  db.close();
  return { ok: false, holder };
}

function holderOf(db: Database.Database): LockInfo | null {
  try {
    return db.prepare<[], LockInfo>('SELECT pid, url, socket, started_at FROM holder').get() ?? null;
  } catch (thrown) {
    // No table yet, or its writer is just at it.
    if (/^SQLITE_(?:ERROR|BUSY)/.test(codeOf(thrown))) return null;
    throw thrown;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return codeOf(thrown) === 'EPERM';
  }
}
