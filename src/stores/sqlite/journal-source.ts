// SPDX-License-Identifier: Apache-2.0
// The journal's file as the other threads read it: rows after a seq, a turn's rows along its stream, the last durable seq.

import type { JournalRow } from '../records.ts';
import { openReadonly, type SqliteDatabase } from './database.ts';
import { JOURNAL_MIGRATIONS, ROW_COLUMNS } from './journal-schema.ts';
import { guarded } from './storage-error.ts';

/** A checkpoint's state is only for its lane: it is large, and nobody here reads it. */
const COLUMNS = ROW_COLUMNS.replace('payload', `CASE type WHEN 'checkpoint' THEN '' ELSE payload END AS payload`);

export interface BatchBounds {
  readonly rows: number;
  /** UTF-16 units of payload. */
  readonly length: number;
}

/** What is read of a journal, wherever it is. */
export type JournalRows = Pick<
  JournalSource,
  'open' | 'id' | 'last' | 'mark' | 'trimmed' | 'after' | 'afterOf' | 'turn' | 'close'
>;

/** Opens by itself once the journal's own thread has made the file. */
export class JournalSource {
  readonly #file: string;
  #db: SqliteDatabase | undefined;
  #sql: ReturnType<typeof prepare> | undefined;
  #id = '';

  constructor(file: string) {
    this.#file = file;
  }

  /** Whether there is a journal to read yet. @throws SigilError when there is one that cannot be read. */
  open(): boolean {
    if (this.#db !== undefined) return true;
    const db = openReadonly(this.#file, JOURNAL_MIGRATIONS.length);
    if (db === undefined) return false;
    return guarded(this.#file, () => {
      const id = db.prepare<[], string>(`SELECT value FROM meta WHERE name = 'id'`).pluck().get();
      if (id === undefined) {
        // Made, but not named yet.
        db.close();
        return false;
      }
      this.#id = id;
      this.#db = db;
      this.#sql = prepare(db);
      return true;
    });
  }

  /** The journal's id; empty before it is open. */
  get id(): string {
    return this.#id;
  }

  /** The last durable seq; 0 while there is none. */
  last(): number {
    return guarded(this.#file, () => this.#sql?.last.get() ?? 0);
  }

  /** What tells a row from another that once had its seq. Undefined when it is not there. */
  mark(seq: number): string | undefined {
    return guarded(this.#file, () => this.#sql?.mark.get(seq));
  }

  /** Up to which row the view in this file must have come, because rows it was made of may be gone; 0 when none is. */
  trimmed(view: string): number {
    return guarded(this.#file, () => this.#sql?.trimmed.get(view) ?? 0);
  }

  /** The rows after `seq`, oldest first, within the bounds but at least one if there is one. */
  after(seq: number, bounds: BatchBounds): readonly JournalRow[] {
    return guarded(this.#file, () => within(this.#sql?.after.iterate(seq), bounds));
  }

  /** A workspace's rows after `seq` and up to `upto`. Reads the whole range: only for a file that was lost. */
  afterOf(workspace: string, seq: number, upto: number, bounds: BatchBounds): readonly JournalRow[] {
    return guarded(this.#file, () => within(this.#sql?.afterOf.iterate(seq, upto, workspace), bounds));
  }

  /** A turn's rows, oldest first: along its stream from its newest row back to its first. */
  turn(turn_id: string, first: number, last: number): readonly JournalRow[] {
    return guarded(this.#file, () => {
      const rows: JournalRow[] = [];
      let row = this.#sql?.row.get(last);
      while (row !== undefined) {
        if (row.turn_id === turn_id) rows.push(row);
        if (row.prev < first) break;
        row = this.#sql?.row.get(row.prev);
      }
      return rows.reverse();
    });
  }

  close(): void {
    this.#db?.close();
    this.#db = undefined;
    this.#sql = undefined;
  }
}

function within(rows: Iterable<JournalRow> | undefined, bounds: BatchBounds): readonly JournalRow[] {
  const taken: JournalRow[] = [];
  let length = 0;
  for (const row of rows ?? []) {
    taken.push(row);
    length += row.payload.length;
    if (taken.length >= bounds.rows || length >= bounds.length) break;
  }
  return taken;
}

function prepare(db: SqliteDatabase) {
  return {
    last: db.prepare<[], number>('SELECT max(seq) FROM records').pluck(),
    mark: db.prepare<[number], string>(`SELECT stream || '#' || n || '@' || at FROM records WHERE seq = ?`).pluck(),
    trimmed: db.prepare<[string], number>('SELECT upto FROM trimmed WHERE view = ?').pluck(),
    row: db.prepare<[number], JournalRow>(`SELECT ${COLUMNS} FROM records WHERE seq = ?`),
    after: db.prepare<[number], JournalRow>(`SELECT ${COLUMNS} FROM records WHERE seq > ? ORDER BY seq`),
    afterOf: db.prepare<[number, number, string], JournalRow>(
      `SELECT ${COLUMNS} FROM records WHERE seq > ? AND seq <= ? AND workspace_id = ? ORDER BY seq`,
    ),
  };
}
