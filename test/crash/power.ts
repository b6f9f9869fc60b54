// SPDX-License-Identifier: Apache-2.0
// Power loss: thousands of copies of a journal as a cut at any system call would leave it, each started and read whole.

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Durability } from '../../src/stores/sqlite/database.ts';
import { check, Disk, freshDir, rowsOf, type Truth } from './power-copies.ts';
import { type Op, record } from './power-record.ts';
import { seeded } from './random.ts';

export interface PowerOptions {
  readonly copies: number;
  readonly seed: number;
  readonly keep: boolean;
}

export interface PowerFigures {
  copies: number;
  /** Of those, made while the log was being moved into the file: pages of the file itself torn. */
  while_checkpointing: number;
  /** Of the copies with `normal`, those that had lost rows since the last checkpoint, as is said of it. */
  normal_short: number;
  normal: number;
  /** Answers given before what they acknowledge was synced, with `full`. */
  early: number;
  by: string;
  problems: number;
  seconds: number;
}

/** Copies of one recording, and its commits. */
const COPIES = 250;
const COMMITS = 110;
const SHOWN = 10;
/** Copies with `normal` of which some must have lost something. */
const BLIND_FROM = 50;

/** @returns figures; every promise that did not hold is printed */
export async function losePower({ copies, seed, keep }: PowerOptions): Promise<PowerFigures> {
  const began = performance.now();
  const recordings = Math.max(2, Math.ceil(copies / COPIES));
  const figures: PowerFigures = {
    copies: 0,
    while_checkpointing: 0,
    normal_short: 0,
    normal: 0,
    early: 0,
    by: '',
    problems: 0,
    seconds: 0,
  };
  console.log(`power loss: ${copies} copies of ${recordings} journals, seed ${seed}`);
  for (let at = 0; at < recordings; at += 1) {
    // One in four with the weaker setting, which promises less.
    const durability = at % 4 === 1 ? 'normal' : 'full';
    const { ops, by } = await record(durability, seed * 1_000 + at, COMMITS);
    figures.by = by;
    const share = Math.floor((copies * (at + 1)) / recordings) - Math.floor((copies * at) / recordings);
    cut(figures, ops, { durability, copies: share, seed: seed * 7_919 + at, keep });
    if ((at + 1) % 5 === 0) console.log(`  ${figures.copies} copies, ${figures.problems} problems`);
  }
  // Copies that never lose what may be lost would not show a loss that must not be.
  if (figures.normal >= BLIND_FROM && figures.normal_short === 0) {
    figures.problems += 1;
    console.log('  PROBLEM no copy is short of anything: they are no power losses');
  }
  figures.seconds = Math.round((performance.now() - began) / 100) / 10;
  return figures;
}

interface CutOptions extends PowerOptions {
  readonly durability: Durability;
}

function cut(figures: PowerFigures, ops: readonly Op[], { durability, copies, seed, keep }: CutOptions): void {
  const random = seeded(seed);
  const dir = mkdtempSync(join(tmpdir(), 'sigil-power-'));
  const copy = join(dir, 'copy');
  const truth = truthOf(ops, copy);
  const places = Array.from({ length: copies }, () => Math.floor(random() * (ops.length + 1))).sort((a, b) => a - b);
  const disk = new Disk();
  const told = { seq: 0, checkpointed: 0 };
  let done = 0;
  for (const place of places) {
    for (; done < place; done += 1) {
      const op = ops[done];
      if (op === undefined) break;
      disk.apply(op);
      if (op.op !== 'told') continue;
      const [what, seq] = op.text.trimEnd().split(' ');
      if (what === 'checkpoint') told.checkpointed = Number(seq);
      else told.seq = Number(seq);
      if (durability === 'full' && disk.unsynced('journal.db-wal')) figures.early += 1;
    }
    freshDir(copy);
    disk.copyTo(copy, random);
    figures.copies += 1;
    if (disk.unsynced('journal.db')) figures.while_checkpointing += 1;
    const least = durability === 'full' ? told.seq : told.checkpointed;
    if (durability === 'normal') {
      figures.normal += 1;
      const kept = join(dir, 'short');
      cpSync(copy, kept, { recursive: true });
      if (short(kept, told.seq)) figures.normal_short += 1;
      rmSync(kept, { recursive: true });
    }
    const problems = check(copy, truth, least);
    figures.problems += problems.length;
    for (const problem of problems) {
      if (figures.problems <= SHOWN)
        console.log(`  PROBLEM at call ${place} of ${ops.length} (${durability}): ${problem}`);
    }
  }
  if (figures.early > 0) figures.problems += figures.early;
  if (!keep) rmSync(dir, { recursive: true });
}

function short(dir: string, seq: number): boolean {
  try {
    return rowsOf(join(dir, 'journal.db')).length < seq;
  } catch {
    return true;
  }
}

/** Everything that reached the disk, as if the power had never failed. */
function truthOf(ops: readonly Op[], dir: string): Truth {
  freshDir(dir);
  const disk = new Disk();
  const owed = new Map<number, string>();
  for (const op of ops) {
    disk.apply(op);
    if (op.op !== 'told') continue;
    const [what, seq, rows = ''] = op.text.trimEnd().split(' ');
    const sorted = rows
      .split(',')
      .map(Number)
      .sort((a, b) => a - b);
    if (what === 'ack') owed.set(Number(seq), rows === '' ? '' : sorted.join(','));
  }
  for (const file of ['journal.db', 'journal.db-wal', 'journal.db-journal']) disk.apply({ op: 'sync', file });
  disk.copyTo(dir, () => 0.9);
  return { rows: rowsOf(join(dir, 'journal.db')), owed };
}
