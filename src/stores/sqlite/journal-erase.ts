// SPDX-License-Identifier: Apache-2.0
// Redacts rows of the journal that are owed an erasure, a few at a time, on the connection of its writer.

import { type Redaction, redactionBefore } from '../erasure.ts';
import type { TailRow } from '../records.ts';
import type { SqliteDatabase } from './database.ts';

/** Rows looked at in one step, and bytes of payload after which it ends early. */
const STEP = { rows: 256, bytes: 1024 * 1024 } as const;

interface Owed {
  readonly seq: number;
  readonly stream: string;
}

interface ErasedRow extends TailRow {
  readonly prev: number;
}

/** One stream on its way: first all its rows are noticed, then they are redacted, both along `prev` from the newest on. */
interface UnderWay {
  readonly owed: Owed;
  readonly redaction: Redaction;
  readonly begin: number;
  phase: 'notice' | 'redact';
  at: number;
}

/**
 * What is owed is settled in the transaction of a stream's last rows, so an end in between begins that stream anew, which
 * changes nothing that is redacted already. Rows keep their numbers, their times and their place in the stream.
 */
export class JournalErase {
  readonly #db: SqliteDatabase;
  readonly #sql: ReturnType<typeof prepare>;
  #under_way: UnderWay | null = null;

  constructor(db: SqliteDatabase) {
    this.#db = db;
    this.#sql = prepare(db);
  }

  /** Whether something is owed. */
  get owes(): boolean {
    return this.#under_way !== null || this.#sql.next.get() !== undefined;
  }

  /** Redacts a few rows. @throws Error for a record of a newer Sigil, `storage_failed` */
  step(): void {
    const under_way = this.#under_way ?? this.#next();
    if (under_way === null) return;
    this.#under_way = null;
    const rows = this.#read(under_way.at);
    const last = rows.at(-1);
    if (under_way.phase === 'notice') {
      for (const row of rows) under_way.redaction.notice(row);
      if (last === undefined || last.prev === 0) Object.assign(under_way, { phase: 'redact', at: under_way.begin });
      else under_way.at = last.prev;
    } else {
      const over = last === undefined || last.prev === 0;
      this.#db
        .transaction(() => {
          for (const row of rows) {
            const made = under_way.redaction.redact(row);
            if (made !== undefined) this.#sql.redact.run(made.type, made.version, made.payload, row.seq);
          }
          if (over) this.#sql.settle.run(under_way.owed.seq);
        })
        .immediate();
      if (over) return;
      under_way.at = last.prev;
    }
    this.#under_way = under_way;
  }

  #next(): UnderWay | null {
    const owed = this.#sql.next.get();
    if (owed === undefined) return null;
    const erasing = this.#sql.row.get(owed.seq);
    if (erasing === undefined) {
      // Trimmed with all that was before it.
      this.#sql.settle.run(owed.seq);
      return this.#next();
    }
    const redaction = redactionBefore(owed.stream, erasing);
    return { owed, redaction, begin: erasing.prev, phase: 'notice', at: erasing.prev };
  }

  /** Rows of a stream from this one back; the last has what comes before it in `prev`, 0 at the beginning or where it is trimmed. */
  #read(from: number): readonly ErasedRow[] {
    const rows: ErasedRow[] = [];
    let bytes = 0;
    for (let seq = from; seq > 0 && rows.length < STEP.rows && bytes < STEP.bytes; ) {
      const row = this.#sql.row.get(seq);
      if (row === undefined) {
        const last = rows.pop();
        if (last !== undefined) rows.push({ ...last, prev: 0 });
        return rows;
      }
      rows.push(row);
      bytes += row.payload.length;
      seq = row.prev;
    }
    return rows;
  }
}

function prepare(db: SqliteDatabase) {
  return {
    next: db.prepare<[], Owed>(`SELECT seq, stream FROM owed WHERE kind = 'erasure' ORDER BY seq LIMIT 1`),
    row: db.prepare<[number], ErasedRow>('SELECT seq, prev, at, type, version, payload FROM records WHERE seq = ?'),
    redact: db.prepare<[string, number, string, number]>(
      'UPDATE records SET type = ?, version = ?, payload = ? WHERE seq = ?',
    ),
    settle: db.prepare<[number]>('DELETE FROM owed WHERE seq = ?'),
  };
}
