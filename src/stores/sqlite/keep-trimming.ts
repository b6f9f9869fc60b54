// SPDX-License-Identifier: Apache-2.0
// When the journal's old rows are forgotten: pass after pass in small steps, after whoever waits for a commit.

import { type Failure, toFailure } from '../../errors.ts';
import type { SqliteJournalDisk } from './journal-disk.ts';

/** How long rows are kept at least, and the clock they are dated by. */
export interface Retention {
  readonly ms: number;
  /** Epoch milliseconds. */
  now(): number;
}

/** Where a crash test may end the process: old rows are gone. */
export type TrimPoint = 'journal.trimmed';

export interface KeepTrimmingOptions {
  readonly dataDir: string;
  readonly disk: Pick<SqliteJournalDisk, 'trimmer' | 'touched' | 'checkpoint'>;
  readonly clock: { after(ms: number, run: () => void): () => void; monotonic(): number };
  readonly retention: Retention;
  /** Whether somebody waits for a commit. */
  readonly waiting: () => boolean;
  readonly point?: (name: TrimPoint) => void;
  readonly failed?: (failure: Failure) => void;
}

/** After a start a gateway has other things to do, in milliseconds. */
const FIRST_MS = 5_000;
/** Between two steps at least; and as many times what the step took, so that it never has more than a twentieth of the thread. */
const PAUSE_MS = 5;
const REST = 20;
/** How long a step gives way to who waits, before it is taken all the same, in milliseconds. */
const POSTPONED_MS = 200;
/** Between two passes: an hour, or less for rows that are not kept for days. */
const PASS_MS = 3_600_000;
const PASS_SHARE = 24;

/** Trims until it is stopped; how to stop it. */
export function keepTrimming(options: KeepTrimmingOptions): () => void {
  const { clock, retention, disk, dataDir, waiting, point, failed } = options;
  const trimmer = disk.trimmer(dataDir);
  const pass_ms = Math.min(PASS_MS, retention.ms / PASS_SHARE);
  let stopped = false;
  /** When the next step may be taken. */
  let due = 0;
  let cancel = (): void => undefined;
  const again = (ms: number): void => {
    if (!stopped) cancel = clock.after(ms, run);
  };
  const next = (ms: number): void => {
    due = clock.monotonic() + ms;
    again(ms);
  };
  const over = (thrown?: unknown): void => {
    if (stopped) return;
    if (thrown !== undefined) failed?.(toFailure(thrown));
    trimmer.restart();
    next(pass_ms);
  };
  const run = (): void => {
    // Whoever waits comes first, but under a load that never ends the file would grow for ever: then a step comes between
    // two commits now and then.
    const now = clock.monotonic();
    if (waiting() && now - due < POSTPONED_MS) return again(PAUSE_MS);
    try {
      const step = trimmer.step(retention.now() - retention.ms, () => clock.monotonic());
      if (step.rows > 0) {
        disk.touched();
        point?.('journal.trimmed');
      }
      if (step.done) {
        disk.checkpoint();
        over();
      } else if (step.wanted !== undefined) {
        trimmer.look(step.wanted).then(() => next(PAUSE_MS), over);
      } else next(Math.max(PAUSE_MS, REST * (clock.monotonic() - now)));
    } catch (thrown) {
      over(thrown);
    }
  };
  next(Math.min(FIRST_MS, pass_ms));
  return () => {
    stopped = true;
    cancel();
  };
}
