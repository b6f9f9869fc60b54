// SPDX-License-Identifier: Apache-2.0
// T9: rows a second through the journal's rules and disk, against bare better-sqlite3 with the same table and groups of 64.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Append } from '../src/stores/journal.ts';
import { JournalWriter } from '../src/stores/journal-writer.ts';
import { SqliteJournalDisk } from '../src/stores/sqlite/journal-disk.ts';
import { JOURNAL_MIGRATIONS, ROW_COLUMNS } from '../src/stores/sqlite/journal-schema.ts';

export interface JournalFigures {
  /** Median of ours over the median of the floor. */
  readonly ratio: number;
  /** Rows a second, medians. */
  readonly floor: number;
  readonly ours: number;
  /** The floor's own spread: how far its rounds lie apart, as a part of its median. A run above 0.25 says nothing. */
  readonly spread: number;
}

const GROUP = 64;
const STREAMS = 1000;
const ROWS = 12_800;
const PAYLOAD = JSON.stringify({ type: 'model_replied', content: 'x'.repeat(400) });
const WORKSPACE = 'personal:u-0001';
const TURN = '01990000-0000-7000-8000-000000000000';

const streamOf = (index: number): string => `session/01990000-0000-7000-8000-${String(index).padStart(12, '0')}`;

/** Rows a second of prepared inserts in transactions of 64, `synchronous=FULL`. */
function bare(dir: string): number {
  const db = new Database(join(dir, 'bare.db'));
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  for (const step of JOURNAL_MIGRATIONS) db.exec(step);
  const insert = db.prepare(`INSERT INTO records (${ROW_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  let seq = 0;
  const group = db.transaction(() => {
    for (let index = 0; index < GROUP; index++) {
      seq += 1;
      insert.run(seq, 0, streamOf(seq % STREAMS), 1, seq, 'model_replied', 1, WORKSPACE, TURN, PAYLOAD);
    }
  });
  const began = performance.now();
  while (seq < ROWS) group();
  const took = performance.now() - began;
  db.close();
  return (seq * 1000) / took;
}

/** Rows a second when 64 of 1,000 streams append one record at a time each and wait for its answer. */
function journal(dir: string): number {
  const disk = new SqliteJournalDisk({ file: join(dir, 'journal.db'), durability: 'full' });
  let work: (() => void)[] = [];
  const writer = new JournalWriter({ disk, soon: (run) => work.push(run) });
  const numbers = new Map<string, number>();
  let sent = 0;
  let answered = 0;
  const send = (): void => {
    const stream = streamOf(sent % STREAMS);
    const n = (numbers.get(stream) ?? 0) + 1;
    numbers.set(stream, n);
    sent += 1;
    const records = [{ type: 'model_replied', version: 1, turn_id: TURN, payload: PAYLOAD } as const];
    const body: Append = { stream, workspace_id: WORKSPACE, n, items: [{ at: sent, records, owes: [], settles: [] }] };
    writer.append({ body, reply: replied, fail: refused });
  };
  const replied = (): void => {
    answered += 1;
    if (sent < ROWS) send();
  };
  const refused = (error: { readonly message: string }): void => {
    throw new Error(error.message);
  };
  const began = performance.now();
  for (let index = 0; index < GROUP; index++) send();
  while (answered < ROWS) {
    const now = work;
    work = [];
    for (const run of now) run();
  }
  const took = performance.now() - began;
  disk.close();
  return (ROWS * 1000) / took;
}

/** Measures T9: rounds of both in changing order, medians and the floor's spread. */
export function measureT9(rounds = 5): JournalFigures {
  const floors: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const dir = mkdtempSync(join(tmpdir(), 'sigil-t9-'));
    try {
      const both = [() => floors.push(bare(dir)), () => ours.push(journal(dir))];
      if (Math.random() < 0.5) both.reverse();
      for (const one of both) one();
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }
  // The first round warms up the code of both.
  const floor = summary(floors.slice(1));
  const mine = summary(ours.slice(1));
  return { ratio: mine.median / floor.median, floor: floor.median, ours: mine.median, spread: floor.spread };
}

function summary(values: readonly number[]): { readonly median: number; readonly spread: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  const median = at(0.5);
  return { median, spread: (at(0.75) - at(0.25)) / median };
}
