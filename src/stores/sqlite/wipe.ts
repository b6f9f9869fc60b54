// SPDX-License-Identifier: Apache-2.0
// What was erased leaves the bytes of a database too, a step at a time: rows lie overwritten, so do the gaps of pages, and the log is emptied.

import { failure, SigilError } from '../../errors.ts';
import { blankGaps } from './blank-gaps.ts';
import type { SqliteDatabase } from './database.ts';
import { guarded } from './storage-error.ts';

/**
 * One part after the other; between two of them others have their turn. What is yielded is how long the next one would rather wait,
 * in milliseconds.
 */
export type WipeSteps = Generator<number, void>;

/** How far the overwriting of a file has come, whichever connection does it. */
export interface WipePlace {
  /** Indexes of its texts that are merged. */
  texts: number;
  /** Pages whose gaps are overwritten; null: those of all. */
  pages: number | null;
}

/** A file that can be overwritten, by the connection that has it open. */
export interface Wiped {
  /** From where it had come to. */
  wipe(place: WipePlace): WipeSteps;
}

/**
 * Overwrites a file that may be closed and opened again between two steps.
 *
 * @param using does something with it, opened if it must be; undefined when that cannot be
 * @throws SigilError `overloaded`, `storage_failed`
 */
export function* wipeFile(
  file: string,
  using: (work: (open: Wiped) => IteratorResult<number, void>) => IteratorResult<number, void> | undefined,
): WipeSteps {
  const place: WipePlace = { texts: 0, pages: 0 };
  let under_way: { readonly open: Wiped; readonly steps: WipeSteps } | undefined;
  for (;;) {
    const step = using((open) => {
      const now = under_way?.open === open ? under_way : { open, steps: open.wipe(place) };
      under_way = now;
      return guarded(file, () => now.steps.next());
    });
    if (step === undefined) throw new SigilError(failure('storage_failed', `${file} cannot be written now`));
    if (step.done === true) return;
    yield step.value;
  }
}

/** How long to wait for those who read what the log held, in milliseconds, and how many times: a backup may read for long. */
const READERS_MS = 25;
const LOOKS = 1_200;

/**
 * Deleted rows are overwritten where they lay (`secure_delete`, on in every file), and so are pages that are free. What is left
 * is what SQLite moved from page to page before, which a `VACUUM` would leave behind too, but it holds its thread for 6 ms
 * a MiB, takes the file's size once more from the disk, and gives rows other numbers.
 *
 * @throws SigilError `overloaded` when somebody still reads what the log held; then it is to be done again
 */
export function* wipeDatabase(db: SqliteDatabase, place: WipePlace = { texts: 0, pages: 0 }): WipeSteps {
  const pageSize = Number(db.pragma('page_size', { simple: true }));
  while (place.pages !== null) {
    yield* moved(db, 'PASSIVE');
    // A page that is still known here would be written back as it was.
    db.pragma('shrink_memory');
    place.pages = blankGaps(db.name, pageSize, place.pages);
    yield 0;
  }
  yield* moved(db, 'TRUNCATE');
}

/** Moves the whole log into the file, or empties it, as soon as nobody reads what it held. */
function* moved(db: SqliteDatabase, how: 'PASSIVE' | 'TRUNCATE'): WipeSteps {
  for (let looks = 1; !moves(db, how); looks += 1) {
    if (looks > LOOKS) throw new SigilError(failure('overloaded', `${db.name} is being read; its log stays for now`));
    yield READERS_MS;
  }
}

function moves(db: SqliteDatabase, how: 'PASSIVE' | 'TRUNCATE'): boolean {
  const usual = Number(db.pragma('busy_timeout', { simple: true }));
  db.pragma('busy_timeout = 0');
  try {
    const [done] = db.pragma(`wal_checkpoint(${how})`) as readonly Checkpointed[];
    return done?.busy === 0 && done.log === done.checkpointed;
  } finally {
    db.pragma(`busy_timeout = ${usual}`);
  }
}

/** What SQLite says of a checkpoint: frames in the log, and those of them that are in the file. */
interface Checkpointed {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}
