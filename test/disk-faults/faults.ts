// SPDX-License-Identifier: Apache-2.0
// What can go wrong with a file, brought about from outside: strace answers a process's calls for it, or another process holds its lock.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

/** `locked`: another process is writing to it, as SQLite's files know it. */
export type Fault = 'ENOSPC' | 'EIO' | 'EROFS' | 'locked';

const WRITES = 'write,writev,pwrite64,pwritev,fallocate,ftruncate';
/** The calls that fail, by what is wrong. A full disk is noticed by what needs space; a disk that is broken by everything. */
const CALLS: Readonly<Record<Exclude<Fault, 'locked'>, string>> = {
  ENOSPC: WRITES,
  EIO: `${WRITES},fsync,fdatasync`,
  EROFS: WRITES,
};

/** Something that is wrong until it is ended. */
export interface Wrong {
  end(): Promise<void>;
}

/** Whether this system lets a process be attached to. */
export function canInject(): boolean {
  const args = ['-qq', '-o', '/dev/null', '-P', '/dev/null', '-e', 'inject=write:error=EIO', 'true'];
  if (spawnSync('strace', args, { stdio: 'ignore' }).status !== 0) return false;
  const sleeper = spawn('sleep', ['30'], { stdio: 'ignore' });
  const probe = spawnSync('timeout', ['-s', 'INT', '0.3', 'strace', '-o', '/dev/null', '-p', String(sleeper.pid)]);
  sleeper.kill('SIGKILL');
  return probe.stderr.toString().includes('attached');
}

/** What strace is told; `reads` for a file that is only read. */
export function straceArgs(
  files: readonly string[],
  fault: Exclude<Fault, 'locked'>,
  calls: string = CALLS[fault],
): string[] {
  const paths = files.flatMap((file) => ['-P', file]);
  return ['-f', '-o', '/dev/null', ...paths, '-e', `trace=${calls}`, '-e', `inject=${calls}:error=${fault}`];
}

/** Lets a running process's calls for these files fail. */
export async function inject(pid: number, files: readonly string[], fault: Exclude<Fault, 'locked'>): Promise<Wrong> {
  const strace = spawn('strace', [...straceArgs(files, fault), '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await said(strace, 'attached');
  return ended(strace, 'SIGINT');
}

/** Holds the write lock of a database, as another process. */
export async function lock(file: string): Promise<Wrong> {
  const script = `const db = new (require('better-sqlite3'))(${JSON.stringify(file)}, { timeout: 20000 });
    db.exec('BEGIN IMMEDIATE'); process.stderr.write('locked'); setInterval(() => undefined, 1000);`;
  const holder = spawn(process.execPath, ['-e', script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await said(holder, 'locked');
  return ended(holder, 'SIGKILL');
}

/** Brings any of them about. SQLite writes to the files beside a database too. */
export async function goWrong(pid: number, file: string, fault: Fault): Promise<Wrong> {
  if (fault === 'locked') return await lock(file);
  return await inject(pid, [file, `${file}-wal`, `${file}-journal`, `${file}.new`], fault);
}

async function said(child: ChildProcess, word: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let text = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes(word)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${text}`)));
  });
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Wrong {
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    end: async () => {
      child.kill(signal);
      await gone;
    },
  };
}
