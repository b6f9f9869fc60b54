// SPDX-License-Identifier: Apache-2.0
// The three stores over one directory, on a manual clock: append, let the views follow, read.

import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Failure } from '../../src/errors.ts';
import type { Append } from '../../src/stores/journal.ts';
import { JournalWriter } from '../../src/stores/journal-writer.ts';
import type { ReadBarrier, ReadProtocol, ReadQueries, ReadQuery } from '../../src/stores/session-store.ts';
import { SqliteJournalDisk } from '../../src/stores/sqlite/journal-disk.ts';
import { SqliteReader } from '../../src/stores/sqlite/reader.ts';
import {
  KEYED_TURN_COLUMNS,
  MESSAGE_COLUMNS,
  SESSION_COLUMNS,
  SESSIONS_MIGRATIONS,
} from '../../src/stores/sqlite/sessions-schema.ts';
import { SqliteViews, type ViewsOptions, WORKSPACE_FILES } from '../../src/stores/sqlite/views.ts';
import { type Asked, ask, bodyOf, ManualClock } from './manual-clock.ts';

export class StoreHouse {
  readonly dir: string;
  readonly clock = new ManualClock();
  readonly failures: Failure[] = [];
  /** False: the reader hears nothing and has to look for itself. */
  news = true;
  /** False: the views are not told of commits. */
  wakes = true;
  journal: SqliteJournalDisk | undefined;
  writer: JournalWriter | undefined;
  views: SqliteViews | undefined;
  reader: SqliteReader | undefined;

  constructor(dir = mkdtempSync(join(tmpdir(), 'sigil-house-'))) {
    this.dir = dir;
  }

  openJournal(): this {
    const disk = new SqliteJournalDisk({ file: join(this.dir, 'journal.db'), durability: 'normal' });
    this.journal = disk;
    this.writer = new JournalWriter({
      disk,
      soon: this.clock.soon,
      notify: (upto) => this.wakes && this.views?.wake(upto),
    });
    return this;
  }

  openViews(more: Pick<ViewsOptions, 'batchRows' | 'openFiles' | 'recent' | 'vectors'> = {}): this {
    this.views = new SqliteViews({
      dataDir: this.dir,
      soon: this.clock.soon,
      after: this.clock.after,
      monotonic: this.clock.monotonic,
      advanced: (upto, projection) => this.news && this.reader?.advanced(upto, projection),
      failed: (failure) => this.failures.push(failure),
      ...more,
    });
    return this;
  }

  openReader(more: { readonly openFiles?: number } = {}): this {
    this.reader = new SqliteReader({
      dataDir: this.dir,
      soon: this.clock.soon,
      after: this.clock.after,
      monotonic: this.clock.monotonic,
      hurry: (upto, projection) => this.wakes && this.views?.hurry(upto, projection),
      ...more,
    });
    return this;
  }

  open(): this {
    return this.openJournal().openViews().openReader();
  }

  /** Appends and settles; the seq of the last one's first record. */
  append(...appends: readonly Append[]): number {
    const { writer } = this;
    if (writer === undefined) throw new Error('the journal is not open');
    const asked = appends.map((body) =>
      ask((request: Parameters<JournalWriter['append']>[0]) => writer.append(request), body),
    );
    this.clock.settle();
    return asked.map(bodyOf).at(-1)?.seq ?? 0;
  }

  asks<Q extends ReadQuery>(
    query: Q,
    body: ReadQueries[Q]['body'],
    after: ReadBarrier['after'] = 'latest',
  ): Asked<ReadQueries[Q]['reply']> {
    const { reader } = this;
    if (reader === undefined) throw new Error('the reader is not open');
    const asked: ReadProtocol[Q]['body'] = { ...body, after };
    return ask<ReadProtocol[Q]['body'], ReadProtocol[Q]['reply']>((request) => reader.ask(query, request), asked);
  }

  read<Q extends ReadQuery>(
    query: Q,
    body: ReadQueries[Q]['body'],
    after: ReadBarrier['after'] = 'latest',
  ): ReadQueries[Q]['reply'] {
    const asked = this.asks(query, body, after);
    this.clock.settle();
    return bodyOf(asked);
  }

  close(): void {
    this.reader?.close();
    this.views?.close();
    this.journal?.close();
    this.reader = undefined;
    this.views = undefined;
    this.journal = undefined;
    this.writer = undefined;
  }

  remove(): void {
    this.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Every row of every view in a directory but of vectors, by file and table, or of some files; the views must be closed or idle. */
export function dumpViews(dir: string, only?: readonly string[]): Readonly<Record<string, readonly unknown[]>> {
  const all: Record<string, readonly unknown[]> = {};
  const spaces = join(dir, 'workspaces');
  const files = (existsSync(spaces) ? readdirSync(spaces) : [])
    .flatMap((name) => WORKSPACE_FILES.map((file) => join('workspaces', name, file)))
    // What is in there depends on the order in which texts were embedded, and takes an extension to read.
    .filter((file) => !file.endsWith('vectors.db'))
    .filter((file) => existsSync(join(dir, file)));
  for (const file of only ?? ['gateway.db', ...files.sort()]) {
    const db = new Database(join(dir, file), { readonly: true });
    const tables = db
      .prepare<[], { name: string; sql: string }>(
        `SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name`,
      )
      .all();
    const indexes = tables.filter(({ sql }) => /USING fts5/i.test(sql)).map(({ name }) => name);
    for (const { name } of tables) {
      // How an index keeps its words depends on how they came in; which words it has where does not.
      if (indexes.some((index) => name.startsWith(`${index}_`))) continue;
      if (indexes.includes(name)) all[`${file} ${name}`] = wordsOf(db, name);
      else all[`${file} ${name}`] = file.endsWith('sessions.db') ? spelledOf(db, name) : rowsOf(db, name);
    }
    db.close();
  }
  return all;
}

/** A table in the order of its first columns. */
function rowsOf(db: Database.Database, table: string): readonly unknown[] {
  const columns = columnsOf(db, table);
  return db.prepare(`SELECT * FROM ${table} ORDER BY ${columns.length > 1 ? '1, 2' : '1'}`).all();
}

/** A table of sessions.db, with ids in the places of numbers: those depend on when the file was made. */
function spelledOf(db: Database.Database, table: string): readonly unknown[] {
  const columns = columnsOf(db, table).filter((name) => name !== 'key' && name !== 'session');
  if (table === 'sessions') return db.prepare(`SELECT ${columns.join(', ')} FROM sessions ORDER BY id`).all();
  if (table === 'view_state') return rowsOf(db, table);
  const told = columns.map((name) => `${table}.${name}`).join(', ');
  return db
    .prepare(`SELECT ${told}, sessions.id AS session FROM ${table} JOIN sessions ON key = session ORDER BY 1`)
    .all();
}

function columnsOf(db: Database.Database, table: string): readonly string[] {
  return (db.pragma(`table_info(${table})`) as readonly { readonly name: string }[]).map(({ name }) => name);
}

/** Makes a workspace's sessions.db one of the schema before the last, with the same content. */
export function asOlderSessions(file: string): void {
  const db = new Database(file);
  const [first = '', second = ''] = SESSIONS_MIGRATIONS;
  db.exec(`BEGIN;
    ALTER TABLE sessions RENAME TO new_sessions; ALTER TABLE messages RENAME TO new_messages;
    ALTER TABLE turns RENAME TO new_turns; ALTER TABLE view_state RENAME TO new_state;
    DROP INDEX sessions_recent; DROP INDEX sessions_of_user; DROP INDEX messages_of_session; DROP INDEX messages_by_key;
    ${first}; ${second};
    DELETE FROM view_state; INSERT INTO view_state SELECT * FROM new_state;
    INSERT INTO sessions (${SESSION_COLUMNS}) SELECT ${SESSION_COLUMNS} FROM new_sessions;
    INSERT INTO messages (session_id, ${MESSAGE_COLUMNS})
      SELECT (SELECT id FROM new_sessions WHERE key = session), ${MESSAGE_COLUMNS} FROM new_messages;
    INSERT INTO turns (session_id, ${KEYED_TURN_COLUMNS})
      SELECT (SELECT id FROM new_sessions WHERE key = session), ${KEYED_TURN_COLUMNS} FROM new_turns;
    DROP TABLE new_sessions; DROP TABLE new_messages; DROP TABLE new_turns; DROP TABLE new_state;
    PRAGMA user_version = 2; COMMIT;`);
  db.close();
}

/** Every word of a full-text index with its place. */
function wordsOf(db: Database.Database, table: string): readonly unknown[] {
  db.exec(`CREATE VIRTUAL TABLE temp.words_of_${table} USING fts5vocab(main, ${table}, instance)`);
  return db.prepare(`SELECT * FROM temp.words_of_${table} ORDER BY doc, col, offset`).all();
}

/** The views of a directory's journal made anew elsewhere, dumped. */
export function dumpRebuilt(dir: string): Readonly<Record<string, readonly unknown[]>> {
  const house = new StoreHouse();
  for (const end of ['', '-wal', '-shm']) {
    if (existsSync(join(dir, `journal.db${end}`)))
      cpSync(join(dir, `journal.db${end}`), join(house.dir, `journal.db${end}`));
  }
  house.openViews();
  house.clock.settle();
  house.views?.close();
  try {
    return dumpViews(house.dir);
  } finally {
    house.remove();
  }
}
