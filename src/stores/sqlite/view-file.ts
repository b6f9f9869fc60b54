// SPDX-License-Identifier: Apache-2.0
// A view's file: its connection, its checkpoint, and batches applied in one transaction each, exactly once.

import type { JournalRow } from '../records.ts';
import { type Migrations, openDatabase, type SqliteDatabase, VIEW_BUSY_MS, VIEW_CHECKPOINT_PAGES } from './database.ts';
import type { JournalRows } from './journal-source.ts';
import { guarded } from './storage-error.ts';
import { ViewState } from './view-state.ts';
import { type WipePlace, type WipeSteps, wipeDatabase } from './wipe.ts';
import { mergeText } from './wipe-text.ts';

export interface ViewFileOptions {
  /** Begins with {@link VIEW_STATE}. */
  readonly migrations: Migrations;
  /** Empties every table but the checkpoint. */
  readonly clear: string;
  /** Done to the connection before anything is prepared: an extension, functions. */
  readonly prepare?: (db: SqliteDatabase) => void;
}

export class ViewFile {
  readonly db: SqliteDatabase;
  readonly #file: string;
  readonly #clear: string;
  readonly #state: ViewState;

  constructor(file: string, { migrations, clear, prepare }: ViewFileOptions) {
    this.#file = file;
    this.#clear = clear;
    this.db = openDatabase(file, {
      migrations,
      durability: 'normal',
      cacheKib: 1024,
      checkpointPages: VIEW_CHECKPOINT_PAGES,
      busyMs: VIEW_BUSY_MS,
      ...(prepare === undefined ? {} : { prepare }),
    });
    this.#state = new ViewState(this.db);
  }

  get upto(): number {
    return this.#state.upto;
  }

  belongsTo(source: JournalRows): boolean {
    return guarded(this.#file, () => this.#state.belongsTo(source));
  }

  /** Applies the rows of a batch that are not applied yet, and moves the checkpoint to its last one, in one transaction. */
  apply<R extends { readonly row: JournalRow }>(
    journal: string,
    batch: readonly R[],
    work: (fresh: readonly R[]) => void,
  ): void {
    const { upto } = this;
    const fresh = batch.filter(({ row }) => row.seq > upto);
    const last = fresh.at(-1);
    if (last === undefined) return;
    this.transact(() => {
      work(fresh);
      this.#state.write(journal, last.row);
    });
  }

  /** Runs `work` in one transaction that leaves the checkpoint where it is. */
  transact(work: () => void): void {
    guarded(this.#file, () => this.db.transaction(work).immediate());
    this.#state.committed();
  }

  clear(): void {
    this.transact(() => {
      this.db.exec(this.#clear);
      this.#state.clear();
    });
  }

  /** Overwrites what was deleted; the words of these indexes first. */
  *wipe(place: WipePlace, texts: readonly string[], then?: () => WipeSteps): WipeSteps {
    for (const table of texts.slice(place.texts)) {
      yield* mergeText(this.db, table);
      place.texts += 1;
    }
    if (then !== undefined && place.pages === 0) yield* then();
    yield* wipeDatabase(this.db, place);
  }

  close(): void {
    this.db.close();
  }
}
