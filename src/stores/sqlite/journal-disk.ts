// SPDX-License-Identifier: Apache-2.0
// The journal in a SQLite file: rows in order of seq, what is owed, and heads written in the journal thread's own time.

import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import type { AuditHead, AuditRow } from '../audit.ts';
import type { OwedKind } from '../journal.ts';
import type { Head, JournalDisk } from '../journal-disk.ts';
import type { JournalRow, TailRow } from '../records.ts';
import { type AuditTable, auditTable, sha256 } from './audit-table.ts';
import { type Durability, openDatabase, type SqliteDatabase } from './database.ts';
import { DurableViews } from './durable-views.ts';
import { HeadCache, type HeadTable } from './head-cache.ts';
import { JournalErase } from './journal-erase.ts';
import { JOURNAL_MIGRATIONS, ROW_COLUMNS } from './journal-schema.ts';
import { JournalTrim } from './journal-trim.ts';
import { guarded, storageError } from './storage-error.ts';
import { type WipeSteps, wipeDatabase } from './wipe.ts';

export interface JournalDiskOptions {
  readonly file: string;
  readonly durability: Durability;
  /** Rows after which the heads that changed are written; a start reads at most about twice as many again. */
  readonly headRows?: number;
  /** How the file is opened; tests put a disk under it that fails. */
  readonly open?: typeof openDatabase;
}

/** WAL pages after which a commit checkpoints by itself; the idle checkpoint comes before it unless the load never ends. */
const CHECKPOINT_PAGES = 4000;

/** A WAL file above this is emptied by force at the next idle moment: a reader has kept it from starting over. */
const WAL_BYTES = 64 * 1024 * 1024;

/** The fewest heads a commit writes while a generation is open, so that a thin stream of commits finishes it too. */
const FEWEST_HEADS = 64;

/** Makes a journal's disk out of a file. @throws SigilError `storage_failed`. */
export class SqliteJournalDisk implements JournalDisk {
  readonly id: string;
  readonly file: string;
  /** Rows read at the start to know all heads. */
  readonly rescanned: number;
  readonly #db: SqliteDatabase;
  readonly digest = sha256;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #audit: AuditTable;
  readonly #heads: HeadCache;
  readonly #table: HeadTable;
  #last: number;
  #inserted = 0;
  #uncheckpointed = true;
  /** An erasure was owed since somebody asked. */
  #erasing = false;

  constructor({ file, durability, headRows = 16_384, open = openDatabase }: JournalDiskOptions) {
    this.file = file;
    this.#db = open(file, { migrations: JOURNAL_MIGRATIONS, durability, checkpointPages: CHECKPOINT_PAGES });
    this.#sql = prepare(this.#db);
    this.#audit = auditTable(this.#db);
    this.#heads = new HeadCache(headRows);
    const sql = this.#sql;
    this.#table = {
      put: (stream, head) => sql.putHead.run(stream, head.seq, head.n),
      complete: (upto) => sql.setMeta.run('heads_upto', String(upto)),
    };
    try {
      this.id = this.#identify();
      this.#last = this.#sql.last.get() ?? 0;
      let rescanned = 0;
      for (const [stream, seq, n] of this.#sql.headsAfter.iterate(Number(this.#sql.meta.get('heads_upto') ?? 0))) {
        this.#heads.set(stream, { seq, n });
        rescanned++;
      }
      this.#heads.committed(rescanned);
      this.rescanned = rescanned;
    } catch (thrown) {
      this.#db.close();
      throw storageError(thrown, file);
    }
  }

  #identify(): string {
    this.#sql.addMeta.run('id', randomUUID());
    return this.#sql.meta.get('id') ?? '';
  }

  commit(run: () => void): void {
    const { begin, commit } = this.#sql;
    this.#inserted = 0;
    const last = this.#last;
    try {
      this.#undo();
      this.#heads.begin(last);
      begin.run();
      run();
      this.#heads.write(Math.max(FEWEST_HEADS, 2 * this.#inserted), this.#table);
      commit.run();
    } catch (thrown) {
      this.#last = last;
      this.#undo();
      throw storageError(thrown, this.file);
    }
    this.#heads.committed(this.#inserted);
    this.#uncheckpointed = true;
  }

  insert(row: JournalRow): void {
    const { seq, prev, stream, n, at, type, version, workspace_id, turn_id, payload } = row;
    this.#sql.insert.run(seq, prev, stream, n, at, type, version, workspace_id, turn_id, payload);
    this.#inserted++;
    this.#last = seq;
  }

  owe(seq: number, stream: string, kind: OwedKind): void {
    this.#sql.owe.run(seq, stream, kind);
    if (kind === 'erasure') this.#erasing = true;
  }

  settle(seq: number): void {
    this.#sql.settle.run(seq);
  }

  audit(row: AuditRow): void {
    this.#audit.add(row);
  }

  auditHead(): AuditHead {
    return guarded(this.file, () => this.#audit.head());
  }

  attempt(run: () => void): { readonly thrown: unknown } | undefined {
    const [last, inserted] = [this.#last, this.#inserted];
    this.#audit.begin();
    try {
      run();
      this.#audit.keep();
      return undefined;
    } catch (thrown) {
      // Some errors of the disk end the whole transaction.
      if (!this.#db.inTransaction) throw thrown;
      this.#audit.undo();
      this.#last = last;
      this.#inserted = inserted;
      return { thrown: storageError(thrown, this.file) };
    }
  }

  row(seq: number): JournalRow | undefined {
    return guarded(this.file, () => this.#sql.row.get(seq));
  }

  tail(seq: number): readonly TailRow[] {
    return guarded(this.file, () => this.#sql.tail.all(seq).reverse());
  }

  head(stream: string): Head | undefined {
    return this.#heads.get(stream) ?? guarded(this.file, () => this.#sql.head.get(stream));
  }

  setHead(stream: string, head: Head): void {
    this.#heads.set(stream, head);
  }

  owedStreams(): readonly string[] {
    return guarded(this.file, () => this.#sql.owed.all());
  }

  last(): number {
    return this.#last;
  }

  /** Moves the log into the file while nothing else is to be done. Returns whether there was anything to move. */
  checkpoint(): boolean {
    if (!this.#uncheckpointed) return false;
    return guarded(this.file, () => {
      if (walBytes(this.file) > WAL_BYTES) {
        // Waits for readers, but not long: who appends meanwhile waits too.
        this.#db.pragma('busy_timeout = 50');
        this.#db.pragma('wal_checkpoint(TRUNCATE)');
        this.#db.pragma('busy_timeout = 5000');
      } else this.#db.pragma('wal_checkpoint(PASSIVE)');
      this.#uncheckpointed = false;
      return true;
    });
  }

  /** Forgets old rows of this very file; its steps are taken between commits. */
  trimmer(dataDir: string): JournalTrim {
    const head = (stream: string): Head | undefined => this.head(stream);
    return new JournalTrim({ db: this.#db, head, views: new DurableViews(dataDir, this.id) });
  }

  /** Whether an erasure was owed since this was asked last. */
  owedErasure(): boolean {
    const owed = this.#erasing;
    this.#erasing = false;
    return owed;
  }

  /** Redacts rows of this very file; its steps are taken between commits. */
  eraser(): JournalErase {
    return new JournalErase(this.#db);
  }

  /** Overwrites what was deleted or redacted; its steps are taken between commits. */
  wipe(): WipeSteps {
    return wipeDatabase(this.#db);
  }

  /** Something was written beside the commits: the next idle moment moves it into the file too. */
  touched(): void {
    this.#uncheckpointed = true;
  }

  /** Lets go of the file as a crash would: what is only in memory is lost. For tests. */
  abandon(): void {
    this.#db.close();
  }

  close(): void {
    if (!this.#db.open) return;
    try {
      this.#sql.begin.run();
      this.#heads.writeAll(this.#last, this.#table);
      this.#sql.commit.run();
    } catch {
      // Heads are only a shortcut: the next start reads them from the rows.
      this.#undo();
    }
    this.#db.close();
  }

  /** Rolls back what an error of the disk has not rolled back by itself. */
  #undo(): void {
    try {
      if (this.#db.inTransaction) this.#sql.rollback.run();
    } catch {
      // The error that led here says more; the next commit begins by trying this again.
    }
  }
}

function walBytes(file: string): number {
  return statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/** What is read of a row that is folded, and what leads to the one before it. */
const TAIL_COLUMNS = 'seq, at, type, version, payload';
const BACK_COLUMNS = `prev, ${TAIL_COLUMNS}`;
const BEFORE = BACK_COLUMNS.replace(/\w+/g, 'records.$&');

function prepare(db: SqliteDatabase) {
  return {
    begin: db.prepare<[]>('BEGIN IMMEDIATE'),
    commit: db.prepare<[]>('COMMIT'),
    rollback: db.prepare<[]>('ROLLBACK'),
    insert: db.prepare<[number, number, string, number, number, string, number, string, string | null, string]>(
      `INSERT INTO records (${ROW_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    owe: db.prepare<[number, string, string]>('INSERT INTO owed (seq, stream, kind) VALUES (?, ?, ?)'),
    settle: db.prepare<[number]>('DELETE FROM owed WHERE seq = ?'),
    row: db.prepare<[number], JournalRow>(`SELECT ${ROW_COLUMNS} FROM records WHERE seq = ?`),
    // One statement walks the whole way: after a start a thousand streams are read so, fifty rows each.
    tail: db.prepare<[number], TailRow>(
      `WITH RECURSIVE back AS (
         SELECT ${BACK_COLUMNS} FROM records WHERE seq = ?
         UNION ALL
         SELECT ${BEFORE} FROM back JOIN records ON records.seq = back.prev WHERE back.type <> 'checkpoint'
       ) SELECT ${TAIL_COLUMNS} FROM back`,
    ),
    head: db.prepare<[string], Head>('SELECT seq, n FROM heads WHERE stream = ?'),
    putHead: db.prepare<[string, number, number]>(
      'INSERT INTO heads (stream, seq, n) VALUES (?, ?, ?) ON CONFLICT (stream) DO UPDATE SET seq = excluded.seq, n = excluded.n',
    ),
    headsAfter: db
      .prepare<[number], [stream: string, seq: number, n: number]>(
        'SELECT stream, seq, n FROM records WHERE seq > ? ORDER BY seq',
      )
      .raw(),
    owed: db.prepare<[], string>(`SELECT DISTINCT stream FROM owed WHERE kind <> 'erasure' ORDER BY stream`).pluck(),
    last: db.prepare<[], number>('SELECT max(seq) FROM records').pluck(),
    meta: db.prepare<[string], string>('SELECT value FROM meta WHERE name = ?').pluck(),
    setMeta: db.prepare<[string, string]>(
      'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    ),
    addMeta: db.prepare<[string, string]>('INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)'),
  };
}
