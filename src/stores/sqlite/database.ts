// SPDX-License-Identifier: Apache-2.0
// Opening a database file: write-ahead log, durability, migrations forward, and a clear no to a file of a newer Sigil.

import { existsSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { failure, SigilError } from '../../errors.ts';
import { codeOf, guarded } from './storage-error.ts';

export type SqliteDatabase = Database.Database;

/** `full`: what is committed survives a power cut. `normal`: it survives the end of the process. */
export type Durability = 'full' | 'normal';

/** A schema as the steps to it; the file's `user_version` counts those it has taken. A step, once released, never changes. */
export type Migrations = readonly string[];

export interface OpenOptions {
  readonly migrations: Migrations;
  readonly durability: Durability;
  /** WAL pages after which a commit also checkpoints. */
  readonly checkpointPages?: number;
  /** Pages kept in memory, in KiB. */
  readonly cacheKib?: number;
  /** How long to wait for another connection's lock, in milliseconds. */
  readonly busyMs?: number;
  /** Done to the connection before its schema is looked at: an extension is loaded. */
  readonly prepare?: (db: SqliteDatabase) => void;
}

/** How large a WAL file may stay after a checkpoint that emptied it. */
const WAL_KEPT_BYTES = 64 * 1024 * 1024;

/**
 * WAL pages of a view after which a commit also checkpoints. A view's file is touched all over, batch after batch: the
 * seldomer the log is moved into it, the more changes of one page are written once.
 */
export const VIEW_CHECKPOINT_PAGES = 8_000;

/**
 * How long a view waits for another process's lock, in milliseconds: nobody else has one for longer than it takes to look, and
 * all the views share a thread. It is tried again every second.
 */
export const VIEW_BUSY_MS = 250;

/** What a connection that only reads keeps of its file; the system keeps the rest. */
const READER_CACHE_KIB = 2048;

/** Opens a file for writing, made and migrated when needed. @throws SigilError `storage_failed`. */
export function openDatabase(file: string, options: OpenOptions): SqliteDatabase {
  return guarded(file, () => {
    const db = new Database(file, { timeout: options.busyMs ?? 5000 });
    try {
      refuseNewer(db, file, options.migrations.length);
      options.prepare?.(db);
      db.pragma('journal_mode = WAL');
      db.pragma(`synchronous = ${options.durability === 'full' ? 'FULL' : 'NORMAL'}`);
      // On macOS an ordinary fsync leaves the data in the drive's own cache.
      if (process.platform === 'darwin' && options.durability === 'full') {
        db.pragma('fullfsync = ON');
        db.pragma('checkpoint_fullfsync = ON');
      }
      db.pragma('foreign_keys = ON');
      // What is deleted is overwritten: it is not to be found in the file by who looks at its bytes.
      db.pragma('secure_delete = ON');
      db.pragma(`cache_size = -${options.cacheKib ?? 8192}`);
      db.pragma(`wal_autocheckpoint = ${options.checkpointPages ?? 1000}`);
      db.pragma(`journal_size_limit = ${WAL_KEPT_BYTES}`);
      migrate(db, options.migrations);
      return db;
    } catch (thrown) {
      db.close();
      throw thrown;
    }
  });
}

/** Opens a file for reading; undefined while it is not there or not yet made. @throws SigilError `storage_failed`. */
export function openReadonly(file: string, version: number): SqliteDatabase | undefined {
  return guarded(file, () => {
    if (!existsSync(file)) return undefined;
    const db = openToRead(file, 2000);
    try {
      refuseNewer(db, file, version);
      if (versionOf(db) === version) {
        db.pragma(`cache_size = -${READER_CACHE_KIB}`);
        return db;
      }
    } catch (thrown) {
      db.close();
      throw thrown;
    }
    db.close();
    return undefined;
  });
}

/**
 * Opens a file to be read, as its last commit left it. One whose process or power ended in the middle of a commit without a
 * write-ahead log, as a file's first is, has to be rolled back first, which a connection that only reads may not do.
 *
 * @param timeout how long to wait for another connection's lock, in milliseconds
 */
export function openToRead(file: string, timeout: number): SqliteDatabase {
  const options = { fileMustExist: true, timeout };
  const opened = new Database(file, { ...options, readonly: true });
  try {
    versionOf(opened);
    return opened;
  } catch (thrown) {
    opened.close();
    if (codeOf(thrown) !== 'SQLITE_READONLY_ROLLBACK') throw thrown;
  }
  const db = new Database(file, options);
  try {
    versionOf(db);
  } finally {
    db.close();
  }
  return new Database(file, { ...options, readonly: true });
}

/** Tells a file from another that has taken its place; 0 while there is none. */
export function fileIdentity(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.ino ?? 0;
}

function versionOf(db: SqliteDatabase): number {
  return Number(db.pragma('user_version', { simple: true }));
}

function refuseNewer(db: SqliteDatabase, file: string, known: number): void {
  const version = versionOf(db);
  if (version <= known) return;
  const message = `${file}: written by a newer Sigil (schema ${version}, this one knows ${known}); start that version or a later one`;
  throw new SigilError(failure('storage_failed', message, { file, version, known }));
}

function migrate(db: SqliteDatabase, migrations: Migrations): void {
  if (versionOf(db) === migrations.length) return;
  db.transaction(() => {
    // Read again: another process may have been first.
    for (const step of migrations.slice(versionOf(db))) db.exec(step);
    db.pragma(`user_version = ${migrations.length}`);
  }).immediate();
}
