// SPDX-License-Identifier: Apache-2.0
// Work for a journal whose power is to fail: the real rules on the real disk, commits of many sizes, checkpoints in between.

import type { Append } from '../../src/stores/journal.ts';
import { JournalWriter } from '../../src/stores/journal-writer.ts';
import type { StoredRecord } from '../../src/stores/records.ts';
import { type Durability, openDatabase } from '../../src/stores/sqlite/database.ts';
import { SqliteJournalDisk } from '../../src/stores/sqlite/journal-disk.ts';
import { seeded } from './random.ts';

export interface Workload {
  readonly file: string;
  readonly durability: Durability;
  readonly seed: number;
  readonly commits: number;
  /** A commit was answered: everything up to `seq` is acknowledged, and these rows are owed. */
  readonly acknowledged: (seq: number, owed: readonly number[]) => void;
  /** The log was moved into the file up to `seq`. */
  readonly checkpointed: (seq: number) => void;
}

/** Small bounds, so that heads are written and the log is moved and begun again many times in a short run. */
const HEAD_ROWS = 40;
const CHECKPOINT_PAGES = 60;
const STREAMS = 9;
/** One commit in so many is followed by a checkpoint of its own. */
const CHECKPOINT_ONE_IN = 12;

/** Opens the journal as the journal's thread does, with these bounds. */
export function openDisk(file: string, durability: Durability): SqliteJournalDisk {
  return new SqliteJournalDisk({
    file,
    durability,
    headRows: HEAD_ROWS,
    open: (name, options) => openDatabase(name, { ...options, checkpointPages: CHECKPOINT_PAGES }),
  });
}

/** Does all of it; what it leaves open nobody closes. */
export function work({ file, durability, seed, commits, acknowledged, checkpointed }: Workload): void {
  const random = seeded(seed);
  const disk = openDisk(file, durability);
  let flush = (): void => undefined;
  const writer = new JournalWriter({
    disk,
    soon: (run) => {
      flush = run;
    },
  });
  const heads = new Map<string, number>();
  const owed = new Map<number, string>();
  for (let commit = 1; commit <= commits; commit += 1) {
    const appends = 1 + Math.floor(random() * 4);
    for (let at = 0; at < appends; at += 1) {
      const stream = `session/${Math.floor(random() * STREAMS)}`;
      const body = append(random, stream, (heads.get(stream) ?? 0) + 1, settled(random, owed, stream));
      heads.set(stream, body.n + (body.items[0]?.records.length ?? 0) - 1);
      const owes = body.items[0]?.owes[0];
      writer.append({
        body,
        reply: ({ seq }) => {
          if (owes !== undefined) owed.set(seq + owes.record, stream);
        },
        fail: ({ message }) => {
          throw new Error(message);
        },
      } as Parameters<JournalWriter['append']>[0]);
    }
    flush();
    acknowledged(writer.seq, [...owed.keys()]);
    if (random() * CHECKPOINT_ONE_IN >= 1) continue;
    disk.checkpoint();
    checkpointed(writer.seq);
  }
}

/** Some of what a stream owes, to be settled with its next append. */
function settled(random: () => number, owed: Map<number, string>, stream: string): readonly number[] {
  const mine = [...owed].filter(([, of]) => of === stream && random() < 0.5).map(([seq]) => seq);
  for (const seq of mine) owed.delete(seq);
  return mine;
}

function append(random: () => number, stream: string, n: number, settles: readonly number[]): Append {
  const records = Array.from({ length: 1 + Math.floor(random() * 3) }, (): StoredRecord => {
    // Most are short; some need pages of their own.
    const length = Math.floor(random() ** 4 * 9_000);
    const title = String.fromCharCode(97 + Math.floor(random() * 26)).repeat(length);
    return {
      type: 'session_changed',
      version: 1,
      turn_id: null,
      payload: JSON.stringify({ type: 'session_changed', title }),
    };
  });
  const owes = random() < 0.4 ? [{ record: records.length - 1, kind: 'turn' as const }] : [];
  return { stream, workspace_id: 'home', n, items: [{ at: 1_700_000_000_000 + n, records, owes, settles }] };
}
