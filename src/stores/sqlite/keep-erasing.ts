// SPDX-License-Identifier: Apache-2.0
// When rows of the journal are redacted that are owed an erasure: at once, in small steps, after whoever waits for a commit.

import { type Failure, failure, toFailure } from '../../errors.ts';
import type { Request } from '../request.ts';
import type { SqliteJournalDisk } from './journal-disk.ts';
import type { WipeSteps } from './wipe.ts';

/** Where a crash test may end the process: some rows are redacted, the file is overwritten. */
export type ErasePoint = 'journal.redacted' | 'journal.wiped';

export interface KeepErasingOptions {
  readonly disk: Pick<SqliteJournalDisk, 'eraser' | 'owedErasure' | 'touched' | 'wipe'>;
  readonly clock: { after(ms: number, run: () => void): () => void; monotonic(): number };
  /** Whether somebody waits for a commit. */
  readonly waiting: () => boolean;
  readonly point?: (name: ErasePoint) => void;
  readonly failed?: (failure: Failure) => void;
}

export interface KeptErasing {
  /** Something was committed: it may owe an erasure. */
  look(): void;
  /** Answered once nothing is owed and the file is overwritten. */
  erase(request: Request<Record<string, never>, Record<string, never>>): void;
  close(): void;
}

/** Between two steps, in milliseconds: those who append have the thread. */
const PAUSE_MS = 1;
/** How long a step gives way to who waits, before it is taken all the same, in milliseconds. */
const POSTPONED_MS = 200;
/** After a step that failed, in milliseconds. */
const AGAIN_MS = 1_000;
/** Askers that may wait. */
const ASKERS = 64;

export function keepErasing({ disk, clock, waiting, point, failed }: KeepErasingOptions): KeptErasing {
  const eraser = disk.eraser();
  let askers: Request<Record<string, never>, Record<string, never>>[] = [];
  let scheduled = false;
  let closed = false;
  let due = 0;
  let cancel = (): void => undefined;
  /** The overwriting that is under way, and how many it is for. */
  let wiping: { readonly steps: WipeSteps; readonly askers: number } | undefined;
  const later = (ms: number): void => {
    if (closed || scheduled) return;
    scheduled = true;
    due = clock.monotonic() + ms;
    cancel = clock.after(ms, run);
  };
  const run = (): void => {
    scheduled = false;
    if (waiting() && clock.monotonic() - due < POSTPONED_MS) {
      const since = due;
      later(PAUSE_MS);
      due = since;
      return;
    }
    try {
      if (eraser.owes) {
        eraser.step();
        disk.touched();
        point?.('journal.redacted');
        return later(PAUSE_MS);
      }
      if (askers.length === 0) return;
      // Who asks later may mean what is redacted later, behind what is overwritten already.
      wiping ??= { steps: disk.wipe(), askers: askers.length };
      const step = wiping.steps.next();
      if (step.done !== true) return later(Math.max(PAUSE_MS, step.value));
      point?.('journal.wiped');
      for (const { reply } of askers.splice(0, wiping.askers)) reply({});
      wiping = undefined;
      if (askers.length > 0) later(PAUSE_MS);
    } catch (thrown) {
      wiping = undefined;
      failed?.(toFailure(thrown));
      later(AGAIN_MS);
    }
  };
  later(PAUSE_MS);
  return {
    look: () => {
      if (disk.owedErasure()) later(PAUSE_MS);
    },
    erase: (request) => {
      if (askers.length >= ASKERS) return request.fail(failure('overloaded', 'too many wait for an erasure'));
      askers.push(request);
      later(PAUSE_MS);
    },
    close: () => {
      closed = true;
      cancel();
      for (const { fail } of askers) fail(failure('draining', 'the journal is closing'));
      askers = [];
    },
  };
}
