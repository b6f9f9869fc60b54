// SPDX-License-Identifier: Apache-2.0
// What a journal's process asked of the disk, in order: every write and every sync, told by strace, or else by looking after each commit.

import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Durability } from '../../src/stores/sqlite/database.ts';
import { work } from './power-workload.ts';

/** One thing that happened to a file, or something that was told. */
export type Op =
  | { readonly op: 'write'; readonly file: string; readonly at: number; readonly bytes: Buffer }
  | { readonly op: 'truncate'; readonly file: string; readonly length: number }
  | { readonly op: 'unlink'; readonly file: string }
  /** A directory was made. */
  | { readonly op: 'mkdir'; readonly file: string }
  /** Of a file, or of a directory (the recorded one is `.`): what files there are. */
  | { readonly op: 'sync'; readonly file: string; readonly directory?: boolean }
  | { readonly op: 'told'; readonly text: string };

export interface Recording {
  readonly ops: readonly Op[];
  /** Every system call was seen; otherwise what changed from commit to commit. */
  readonly by: 'strace' | 'looking';
}

const CHILD = fileURLToPath(new URL('./power-child.ts', import.meta.url));
const FILES = ['journal.db', 'journal.db-wal', 'journal.db-journal'] as const;

export function hasStrace(): boolean {
  return spawnSync('strace', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Records one run of the workload. */
export async function record(durability: Durability, seed: number, commits: number): Promise<Recording> {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-power-'));
  try {
    return hasStrace()
      ? { ops: await traced(dir, durability, seed, commits), by: 'strace' }
      : { ops: looked(dir, durability, seed, commits), by: 'looking' };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function traced(dir: string, durability: Durability, seed: number, commits: number): Promise<readonly Op[]> {
  return await trace({
    dir,
    directories: ['.'],
    files: FILES,
    child: [CHILD, dir, durability, String(seed), String(commits)],
  });
}

export interface TraceOptions {
  /** What is recorded lies in here, and the trace itself beside it. */
  readonly dir: string;
  /** Directories in it, which need not be there yet, and the files whose writes and syncs are recorded. */
  readonly directories: readonly string[];
  readonly files: readonly string[];
  /** The module that works on them, and its arguments; it tells by writing to `acks`. */
  readonly child: readonly string[];
}

/** Records a process with strace. */
export async function trace({ dir, directories, files, child: script }: TraceOptions): Promise<readonly Op[]> {
  const out = join(dir, 'trace');
  const calls = 'pwrite64,write,fsync,fdatasync,ftruncate,unlink,unlinkat,mkdir,mkdirat';
  const paths = [...directories, ...files, 'acks'].flatMap((name) => ['-P', join(dir, name)]);
  const child = [process.execPath, '--disable-warning=ExperimentalWarning', ...script];
  const args = ['-f', '-qq', '-y', '-xx', '-s', '1000000', '-e', `trace=${calls}`, ...paths, '-o', out, ...child];
  const ran = spawnSync('strace', args, { encoding: 'utf8' });
  if (!existsSync(out)) throw new Error(`strace could not record: ${ran.stderr}`);
  const ops: Op[] = [];
  for await (const line of createInterface({ input: createReadStream(out) })) {
    const op = read(line, dir, directories);
    if (op !== undefined) ops.push(op);
  }
  if (!ops.some(({ op }) => op === 'told')) throw new Error(`the journal's process did nothing: ${ran.stderr}`);
  return ops;
}

/** A line of strace: `pid call(fd<path>, "\x..", length, offset) = result`. Paths and data are in hexadecimal. */
function read(line: string, dir: string, directories: readonly string[]): Op | undefined {
  const found = /^\d+\s+(\w+)\((.*)\)\s+=\s+(-?\d+)/.exec(line);
  if (found === null) {
    if (line.includes('unfinished') || line.includes('resumed'))
      throw new Error(`a call was parted: ${line.slice(0, 80)}`);
    return undefined;
  }
  const [, call = '', args = '', result = ''] = found;
  if (Number(result) < 0) return undefined;
  const text = (hex: string): string => Buffer.from(hex.replaceAll('\\x', ''), 'hex').toString();
  const path = text(/<([^>]*)>/.exec(args)?.[1] ?? /"([^"]*)"/.exec(args)?.[1] ?? '');
  const file = relative(dir, path) || '.';
  switch (call) {
    case 'write':
    case 'pwrite64': {
      const [, hex = '', rest = ''] = /"((?:\\x[0-9a-f]{2})*)"(.*)$/.exec(args) ?? [];
      const bytes = Buffer.from(hex.replaceAll('\\x', ''), 'hex');
      if (file === 'acks') return { op: 'told', text: bytes.toString() };
      return { op: 'write', file, bytes, at: Number(rest.split(',')[2]) };
    }
    case 'fsync':
    case 'fdatasync':
      return directories.includes(file) ? { op: 'sync', file, directory: true } : { op: 'sync', file };
    case 'ftruncate':
      return { op: 'truncate', file, length: Number(args.split(',')[1]) };
    case 'mkdir':
    case 'mkdirat':
      return { op: 'mkdir', file };
    default:
      return { op: 'unlink', file };
  }
}

const BLOCK = 512;
const WAL_HEADER = 32;

/** The part of a block that is another one now. */
function changed(old: Buffer, now: Buffer, begin: number, end: number): readonly [from: number, to: number] {
  let [from, to] = [begin, end];
  while (from < to && now[from] === old[from]) from += 1;
  while (to > from && now[to - 1] === old[to - 1]) to -= 1;
  return [from, to];
}

/** Without strace: what each commit changed, taken to be written in any order and synced when it was answered. */
function looked(dir: string, durability: Durability, seed: number, commits: number): readonly Op[] {
  const ops: Op[] = [];
  const before = new Map<string, Buffer>();
  const look = (file: (typeof FILES)[number]): void => {
    const old = before.get(file) ?? Buffer.alloc(0);
    const now = existsSync(join(dir, file)) ? readFileSync(join(dir, file)) : Buffer.alloc(0);
    before.set(file, now);
    // A log that is begun again has its header synced before any of its frames is written.
    if (file === 'journal.db-wal' && !now.subarray(0, WAL_HEADER).equals(old.subarray(0, WAL_HEADER))) {
      ops.push({ op: 'write', file, at: 0, bytes: Buffer.from(now.subarray(0, WAL_HEADER)) });
      ops.push({ op: 'sync', file });
    }
    for (let at = 0; at < now.length; at += BLOCK) {
      const [from, to] = changed(old, now, at, Math.min(at + BLOCK, now.length));
      // Bytes beside those that were written stay as they were: SQLite counts on it.
      if (from < to) ops.push({ op: 'write', file, at: from, bytes: Buffer.from(now.subarray(from, to)) });
    }
    if (now.length < old.length) ops.push({ op: 'truncate', file, length: now.length });
  };
  const synced = durability === 'full';
  work({
    file: join(dir, 'journal.db'),
    durability,
    seed,
    commits,
    acknowledged: (seq, owed) => {
      look('journal.db-wal');
      if (synced) ops.push({ op: 'sync', file: 'journal.db-wal' });
      ops.push({ op: 'told', text: `ack ${seq} ${owed.join(',')}\n` });
      // A commit that checkpoints does so behind its own sync.
      lookAtFile();
    },
    checkpointed: (seq) => {
      lookAtFile();
      ops.push({ op: 'told', text: `checkpoint ${seq}\n` });
    },
  });
  return ops;

  function lookAtFile(): void {
    const count = ops.length;
    look('journal.db');
    if (ops.length === count) return;
    // The log is synced before the file is touched, the file before the log is begun again.
    ops.splice(count, 0, { op: 'sync', file: 'journal.db-wal' });
    ops.push({ op: 'sync', file: 'journal.db' });
  }
}
