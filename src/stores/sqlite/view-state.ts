// SPDX-License-Identifier: Apache-2.0
// How far a view's file has come, kept in the file itself: of which journal, up to which row, and what that row was.

import type { JournalRow } from '../records.ts';
import type { SqliteDatabase } from './database.ts';
import type { JournalRows } from './journal-source.ts';

/** The table every view's schema begins with. */
export const VIEW_STATE = `CREATE TABLE view_state (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  journal TEXT NOT NULL,
  upto INTEGER NOT NULL,
  mark TEXT NOT NULL
) STRICT;
INSERT INTO view_state VALUES (1, '', 0, '');`;

/** Of which journal a view is, up to which row, and what that row was. */
export interface ViewPlace {
  readonly journal: string;
  readonly upto: number;
  readonly mark: string;
}

/** The place of a view that has nothing yet. */
export const NOWHERE: ViewPlace = { journal: '', upto: 0, mark: '' };

/** The place of the view in this file. */
export function preparePlace(db: SqliteDatabase) {
  return db.prepare<[], ViewPlace>('SELECT journal, upto, mark FROM view_state');
}

/** Whether a view at this place was made of this journal as it is: not of another, not of rows it has lost since. */
export function placeBelongs(place: ViewPlace, source: JournalRows): boolean {
  if (place.upto === 0) return true;
  if (place.journal !== source.id || place.upto > source.last()) return false;
  const mark = source.mark(place.upto);
  // A row that was trimmed says nothing against the view.
  return mark === undefined || mark === place.mark;
}

/** The checkpoint of one view. Written in the transaction of the rows it speaks of. */
export class ViewState {
  readonly #get;
  readonly #set;
  #upto: number;

  constructor(db: SqliteDatabase) {
    this.#get = preparePlace(db);
    this.#set = db.prepare<[string, number, string]>('UPDATE view_state SET journal = ?, upto = ?, mark = ?');
    this.#upto = this.#get.get()?.upto ?? 0;
  }

  /** The last row applied, as this connection wrote or found it. */
  get upto(): number {
    return this.#upto;
  }

  /** See {@link placeBelongs}. */
  belongsTo(source: JournalRows): boolean {
    return placeBelongs(this.#get.get() ?? NOWHERE, source);
  }

  /** Inside a transaction: everything up to this row is applied. Call {@link committed} when it is durable. */
  write(journal: string, row: JournalRow): void {
    this.#set.run(journal, row.seq, markOf(row));
  }

  /** Inside a transaction: nothing is applied. */
  clear(): void {
    this.#set.run('', 0, '');
  }

  /** After a transaction: takes the checkpoint it left. */
  committed(): void {
    this.#upto = this.#get.get()?.upto ?? 0;
  }
}

/** What tells a row from another that once had its seq, as {@link JournalRows.mark} reads it. */
export function markOf({ stream, n, at }: Pick<JournalRow, 'stream' | 'n' | 'at'>): string {
  return `${stream}#${n}@${at}`;
}
