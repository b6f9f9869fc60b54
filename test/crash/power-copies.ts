// SPDX-License-Identifier: Apache-2.0
// A journal as a power loss leaves it: what was synced is there; of what was not, any part, in any order, torn or turned to garbage.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { JournalWriter } from '../../src/stores/journal-writer.ts';
import type { Op } from './power-record.ts';
import { openDisk } from './power-workload.ts';

/** What had been told when the power went. */
export interface Told {
  /** Everything up to here was acknowledged. */
  readonly seq: number;
  /** Everything up to here was in the file before. */
  readonly checkpointed: number;
}

type Pending = Exclude<Op, { readonly op: 'told' | 'sync' | 'mkdir' }>;

/** A file: what a sync made certain, and what has been asked for since. */
interface FileState {
  bytes: Buffer;
  exists: boolean;
  pending: Pending[];
}

const SECTOR = 512;
/** How often a directory whose name was not synced is not there, with all that is in it. */
const GONE = 0.4;

/** Plays a recording up to any point, and makes copies there. */
export class Disk {
  readonly #files = new Map<string, FileState>();
  /** Directories that were made, and whose names no sync has made certain. */
  readonly #newDirectories = new Set<string>();

  apply(op: Op): void {
    if (op.op === 'told') return;
    if (op.op === 'mkdir') {
      this.#newDirectories.add(op.file);
      return;
    }
    if (op.op === 'sync' && op.directory === true) return this.#syncNames(op.file);
    const file = this.#files.get(op.file) ?? { bytes: Buffer.alloc(0), exists: false, pending: [] };
    this.#files.set(op.file, file);
    if (op.op !== 'sync') {
      file.pending.push(op);
      return;
    }
    for (const pending of file.pending) settle(file, pending);
    file.pending = [];
  }

  /** A directory was synced: a file that was removed from it does not come back, and a directory that was made in it is there. */
  #syncNames(directory: string): void {
    for (const made of this.#newDirectories) if (dirname(made) === directory) this.#newDirectories.delete(made);
    for (const [name, file] of this.#files) {
      if (dirname(name) !== directory) continue;
      const upto = file.pending.findLastIndex(({ op }) => op === 'unlink') + 1;
      for (const pending of file.pending.splice(0, upto)) settle(file, pending);
    }
  }

  /** Whether a file has something that no sync has made certain. */
  unsynced(file: string): boolean {
    return (this.#files.get(file)?.pending.length ?? 0) > 0;
  }

  /** Writes what programs see now of the files with such a name. */
  copyWhole(dir: string, names: RegExp): void {
    for (const [name, { bytes, exists, pending }] of this.#files) {
      if (!names.test(name)) continue;
      const file: FileState = { bytes: Buffer.from(bytes), exists, pending: [] };
      for (const op of pending) settle(file, op);
      if (file.exists) writeFileSync(join(dir, name), file.bytes);
    }
  }

  /** Writes into `dir` what a power loss now might leave. */
  copyTo(dir: string, random: () => number): void {
    // How much of what was not synced has reached the disk: often nearly nothing or nearly all.
    const reached = random() < 0.3 ? random() ** 4 : 1 - random() ** 3 * 0.6;
    const ragged = random() < 0.5;
    const gone = [...this.#newDirectories].filter(() => random() < GONE);
    for (const [name, { bytes, exists, pending }] of this.#files) {
      if (gone.some((directory) => name.startsWith(`${directory}/`))) continue;
      const file: FileState = { bytes: Buffer.from(bytes), exists, pending: [] };
      for (const op of pending) {
        if (random() < reached) settle(file, op.op === 'write' && ragged ? torn(file, op, random) : op);
        else if (op.op === 'write') grown(file, op, random);
      }
      if (!file.exists) continue;
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), file.bytes);
      // The index of the log is memory that happens to have a file: after a power loss it may hold anything.
      if (name.endsWith('.db') && random() < 0.3) writeFileSync(join(dir, `${name}-shm`), garbage(32_768, random));
    }
  }
}

function settle(file: FileState, op: Pending): void {
  if (op.op === 'unlink') {
    Object.assign(file, { bytes: Buffer.alloc(0), exists: false });
    return;
  }
  file.exists = true;
  if (op.op === 'truncate') {
    file.bytes = sized(file.bytes, op.length).subarray(0, op.length);
    return;
  }
  file.bytes = sized(file.bytes, op.at + op.bytes.length);
  op.bytes.copy(file.bytes, op.at);
}

function sized(bytes: Buffer, length: number): Buffer {
  return bytes.length >= length ? bytes : Buffer.concat([bytes], length);
}

function garbage(length: number, random: () => number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, () => Math.floor(random() * 256)));
}

type Write = Extract<Op, { readonly op: 'write' }>;

/** A write of which some sectors arrived, some did not, and one may be neither old nor new. */
function torn(file: FileState, op: Write, random: () => number): Write {
  const bytes = Buffer.from(op.bytes);
  const how = random();
  if (how < 0.4) return op;
  const old = sized(file.bytes, op.at + bytes.length);
  const cut = Math.floor(random() * bytes.length);
  for (let at = 0; at < bytes.length; at += SECTOR) {
    const arrived = how < 0.7 ? at < cut : random() < 0.6;
    if (!arrived) old.copy(bytes, at, op.at + at, Math.min(op.at + at + SECTOR, op.at + bytes.length));
    if (random() < 0.05) garbage(Math.min(SECTOR, bytes.length - at), random).copy(bytes, at);
  }
  return { ...op, bytes };
}

/** A write whose data did not arrive, while the file's new length did: zeros, or what lay there before. */
function grown(file: FileState, op: Write, random: () => number): void {
  const end = op.at + op.bytes.length;
  if (file.bytes.length >= end || random() < 0.5) return;
  const from = file.bytes.length;
  file.bytes = sized(file.bytes, end);
  if (random() < 0.5) garbage(end - from, random).copy(file.bytes, from);
  file.exists = true;
}

/** What the recording's last state has: every row, and what was owed at each commit. */
export interface Truth {
  /** By seq, from 1. */
  readonly rows: readonly string[];
  /** By the last seq of each commit. */
  readonly owed: ReadonlyMap<number, string>;
}

const ROWS = `SELECT json_array(seq, prev, stream, n, at, type, workspace_id, payload) FROM records ORDER BY seq`;

export function rowsOf(file: string): readonly string[] {
  const db = new Database(file);
  try {
    return db.prepare<[], string>(ROWS).pluck().all();
  } finally {
    db.close();
  }
}

/** Starts a journal on a copy: what is wrong with it. */
export function check(dir: string, truth: Truth, least: number): readonly string[] {
  const file = join(dir, 'journal.db');
  try {
    const disk = openDisk(file, 'full');
    const problems: string[] = [];
    const last = disk.last();
    if (last < least) problems.push(`${least - last} acknowledged rows are lost: it ends with ${last}, not ${least}`);
    const rows = rowsOf(file);
    const wrong = rows.findIndex((row, at) => row !== truth.rows[at]);
    if (wrong >= 0) problems.push(`row ${wrong + 1} is ${rows[wrong]?.slice(0, 100)}`);
    if (last !== rows.length) problems.push(`it ends with ${last} and has ${rows.length} rows`);
    const owed = truth.owed.get(last);
    if (owed === undefined && last > 0) problems.push(`it ends in the middle of a commit, at ${last}`);
    const db = new Database(file);
    const now = db.prepare<[], number>('SELECT seq FROM owed ORDER BY seq').pluck().all().join(',');
    if (last > 0 && now !== owed) problems.push(`${now} are owed instead of ${owed}`);
    const integrity = String(db.pragma('integrity_check', { simple: true }));
    if (integrity !== 'ok') problems.push(`the file is damaged: ${integrity.slice(0, 100)}`);
    db.close();
    problems.push(...goesOn(disk));
    disk.close();
    return problems;
  } catch (thrown) {
    return [`it cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`];
  }
}

/** The journal takes the next row of a stream it knows, and gives it back. */
function goesOn(disk: ReturnType<typeof openDisk>): readonly string[] {
  const problems: string[] = [];
  let run = (): void => undefined;
  const writer = new JournalWriter({
    disk,
    soon: (flush) => {
      run = flush;
    },
  });
  const stream = 'session/0';
  const n = (disk.head(stream)?.n ?? 0) + 1;
  const record = { type: 'session_changed', version: 1, turn_id: null, payload: '{"type":"session_changed"}' } as const;
  let told = false;
  writer.append({
    body: { stream, workspace_id: 'home', n, items: [{ at: 1, records: [record], owes: [], settles: [] }] },
    reply: () => {
      told = true;
    },
    fail: ({ message }) => void problems.push(`the next append fails: ${message}`),
  } as Parameters<JournalWriter['append']>[0]);
  run();
  if (!told && problems.length === 0) problems.push('the next append is not answered');
  return problems;
}

/** A directory for one copy, emptied. */
export function freshDir(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
}
