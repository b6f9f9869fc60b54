// SPDX-License-Identifier: Apache-2.0
// Forgets old rows of the journal that nobody needs any more, a few at a time, on the connection of its writer.

import type { Head } from '../journal-disk.ts';
import { GATEWAY_FILE } from './data-files.ts';
import type { SqliteDatabase } from './database.ts';
import type { DurableViews } from './durable-views.ts';

export interface TrimOptions {
  readonly db: SqliteDatabase;
  readonly head: (stream: string) => Head | undefined;
  readonly views: DurableViews;
}

/** What a step came to. `wanted`: views whose checkpoints have to be looked up before the next step. */
export type TrimStep =
  | { readonly done: false; readonly rows: number; readonly wanted?: string }
  | { readonly done: true; readonly rows: number };

/** Streams that are never trimmed: what they hold is in no view alone. */
const KEPT = /^(?:gateway|workspace)\//;

/** Rows a step looks at: at first, at most. */
const ROWS = { first: 64, most: 512 } as const;
/** Bytes of payload a step may free: each page of a long one is read for it. */
const STEP_BYTES = 1024 * 1024;
/** A step that took longer is followed by a smaller one, one that took less than a quarter by a larger; in milliseconds. */
const STEP_MS = 2;
/** How far back from its head a stream's checkpoint is looked for, in rows. */
const BACK_ROWS = 8192;
/** Streams whose bound is remembered within a pass. */
const BOUNDS_KEPT = 4096;

interface Candidate {
  readonly seq: number;
  readonly stream: string;
  readonly at: number;
  readonly workspace_id: string;
  readonly bytes: number;
}

/**
 * One pass goes over the rows older than a moment, from the first to the last. A row may go when
 *
 * - its stream is not the gateway's or a workspace's own;
 * - it lies before its stream's newest checkpoint, from which the stream's owner is folded: so a stream's head, and with it
 *   the journal's last row, stays, and no number is used again;
 * - it lies before everything its stream still owes: its turn is over and its outbox settled;
 * - every view of its workspace, and gateway.db, has it **on the disk**: views are not synced with every batch, and a power
 *   cut must not take back what then nobody has.
 *
 * What is gone up to which row is noted for each of these views in the same transaction, so that one that is lost is never
 * taken for one that can be made again. The transaction is not synced: a power cut brings rows back, and the next pass
 * takes them again.
 */
export class JournalTrim {
  readonly #db: SqliteDatabase;
  readonly #head: TrimOptions['head'];
  readonly #views: DurableViews;
  readonly #sql: ReturnType<typeof prepare>;
  #position = 0;
  #rows: number = ROWS.first;
  #bounds = new Map<string, number>();

  constructor({ db, head, views }: TrimOptions) {
    this.#db = db;
    this.#head = head;
    this.#views = views;
    this.#sql = prepare(db);
  }

  /** Begins another pass. */
  restart(): void {
    this.#position = 0;
    this.#bounds = new Map();
    this.#views.forget();
  }

  /** Looks up what a step wanted to know. */
  look(workspace: string): Promise<void> {
    return this.#views.look(workspace);
  }

  /** Forgets a few rows written before `cutoff` (epoch milliseconds). */
  step(cutoff: number, monotonic: () => number): TrimStep {
    const began = monotonic();
    const rows = this.#sql.next.all(this.#position, this.#rows);
    const gone: Candidate[] = [];
    let bytes = 0;
    let old = 0;
    let wanted: string | undefined;
    let position = this.#position;
    for (const row of rows) {
      if (row.at < cutoff) {
        old += 1;
        const known = this.#views.upto(row.workspace_id);
        if (known === undefined) {
          wanted = row.workspace_id;
          break;
        }
        if (row.seq <= known && row.seq < this.#bound(row.stream)) {
          gone.push(row);
          bytes += row.bytes;
        }
      }
      position = row.seq;
      if (bytes > STEP_BYTES) break;
    }
    if (gone.length > 0) this.#forget(gone);
    this.#position = position;
    const took = monotonic() - began;
    if (took > STEP_MS) this.#rows = Math.max(1, this.#rows >> 1);
    else if (took < STEP_MS / 4) this.#rows = Math.min(ROWS.most, this.#rows * 2);
    if (wanted !== undefined) return { done: false, rows: gone.length, wanted };
    // Clocks are set back now and then: one row that is too young says nothing, a whole step of them does.
    return { done: rows.length === 0 || old === 0, rows: gone.length };
  }

  /** The first row of a stream that has to stay. */
  #bound(stream: string): number {
    if (KEPT.test(stream)) return 0;
    const held = this.#bounds.get(stream);
    if (held !== undefined) return held;
    const head = this.#head(stream);
    const checkpoint = head === undefined ? 0 : (this.#sql.checkpoint.get(head.seq, BACK_ROWS) ?? 0);
    const owed = this.#sql.owed.get(stream) ?? Number.POSITIVE_INFINITY;
    const bound = Math.min(checkpoint, owed);
    if (this.#bounds.size >= BOUNDS_KEPT) this.#bounds = new Map();
    this.#bounds.set(stream, bound);
    return bound;
  }

  #forget(gone: readonly Candidate[]): void {
    const upto = new Map<string, number>();
    for (const { seq, workspace_id } of gone) {
      upto.set(GATEWAY_FILE, seq);
      // What lies behind a file's last row was not for it.
      for (const [view, last] of this.#views.files(workspace_id)) upto.set(view, Math.min(seq, last));
    }
    const synchronous = Number(this.#db.pragma('synchronous', { simple: true }));
    this.#db.pragma('synchronous = NORMAL');
    try {
      this.#db.transaction(() => {
        for (const [view, seq] of upto) this.#sql.note.run(view, seq);
        for (const { seq } of gone) this.#sql.forget.run(seq);
      })();
    } finally {
      this.#db.pragma(`synchronous = ${synchronous}`);
    }
  }
}

function prepare(db: SqliteDatabase) {
  return {
    next: db.prepare<[number, number], Candidate>(
      'SELECT seq, stream, at, workspace_id, octet_length(payload) AS bytes FROM records WHERE seq > ? ORDER BY seq LIMIT ?',
    ),
    checkpoint: db
      .prepare<[number, number], number>(
        `WITH RECURSIVE back AS (
           SELECT seq, prev, type FROM records WHERE seq = ?
           UNION ALL
           SELECT records.seq, records.prev, records.type FROM back JOIN records ON records.seq = back.prev
           WHERE back.type <> 'checkpoint' LIMIT ?
         ) SELECT seq FROM back WHERE type = 'checkpoint'`,
      )
      .pluck(),
    owed: db.prepare<[string], number | null>('SELECT min(seq) FROM owed WHERE stream = ?').pluck(),
    note: db.prepare<[string, number]>(
      'INSERT INTO trimmed (view, upto) VALUES (?, ?) ON CONFLICT (view) DO UPDATE SET upto = max(upto, excluded.upto)',
    ),
    forget: db.prepare<[number]>('DELETE FROM records WHERE seq = ?'),
  };
}
