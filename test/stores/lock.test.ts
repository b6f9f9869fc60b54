// SPDX-License-Identifier: Apache-2.0
// The data directory: one process at a time, freed when it dies, and clear words when it cannot be used.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeDataDir } from '../../src/composition/data-dir.ts';
import { SigilError } from '../../src/errors.ts';
import { tidyDataDir } from '../../src/stores/sqlite/backup/replace.ts';
import { prepareDataDir } from '../../src/stores/sqlite/data-dir.ts';
import { LOCK_FILE, PROBE_FILE } from '../../src/stores/sqlite/data-files.ts';
import { SqliteJournalDisk } from '../../src/stores/sqlite/journal-disk.ts';
import { acquireLock, type LockInfo } from '../../src/stores/sqlite/lock.ts';

const child = fileURLToPath(new URL('lock-child.ts', import.meta.url));

let dir = '';
let children: ChildProcess[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sigil-lock-'));
});
afterEach(() => {
  for (const one of children) one.kill('SIGKILL');
  children = [];
  rmSync(dir, { recursive: true, force: true });
});

interface Said {
  readonly ok: boolean;
  readonly holder?: LockInfo | null;
}

async function start(url: string): Promise<{ readonly said: Said; readonly process: ChildProcess }> {
  const process = spawn(globalThis.process.execPath, ['--expose-gc', child, join(dir, 'gateway.lock'), url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(process);
  const ended = once(process, 'exit').then(() => Promise.reject(new Error('it ended without a word')));
  const [line]: unknown[] = await Promise.race([once(process.stdout, 'data'), ended]);
  ended.catch(() => undefined);
  return { said: JSON.parse(String(line)) as Said, process };
}

const info: LockInfo = { pid: process.pid, url: null, socket: '/run/x.sock', started_at: '2026-01-01T00:00:00.000Z' };

describe('lock', () => {
  it('keeps a second process out and names the first, until it is killed', async () => {
    const first = await start('http://127.0.0.1:1');
    expect(first.said).toEqual({ ok: true });
    const second = await start('http://127.0.0.1:2');
    expect(second.said).toEqual({
      ok: false,
      holder: {
        pid: first.process.pid,
        url: 'http://127.0.0.1:1',
        socket: '/run/gateway.sock',
        started_at: '2026-01-01T00:00:00.000Z',
      },
    });
    first.process.kill('SIGKILL');
    await once(first.process, 'exit');
    const third = await start('http://127.0.0.1:3');
    expect(third.said).toEqual({ ok: true });
  });

  it('goes to exactly one of many that want it at once', async () => {
    const all = await Promise.all(Array.from({ length: 6 }, (_, index) => start(`http://127.0.0.1:${index}`)));
    expect(all.filter((one) => one.said.ok)).toHaveLength(1);
  });

  it('waits for a commit that is just being made, instead of taking it for an error', async () => {
    const path = join(dir, 'gateway.lock');
    const committing = fileURLToPath(new URL('commit-child.ts', import.meta.url));
    const other = spawn(process.execPath, [committing, path, '300'], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(other);
    await once(other.stdout, 'data');
    const lock = acquireLock(path, info);
    expect(lock.ok).toBe(true);
    if (lock.ok) lock.release();
  });

  it('is free after an orderly end, and tells what it was told last', () => {
    const path = join(dir, 'gateway.lock');
    const lock = acquireLock(path, info);
    if (!lock.ok) throw new Error('refused');
    lock.update({ ...info, url: 'http://127.0.0.1:9' });
    expect(acquireLock(path, info)).toEqual({ ok: false, holder: { ...info, url: 'http://127.0.0.1:9' } });
    lock.release();
    const next = acquireLock(path, info);
    expect(next.ok).toBe(true);
    if (next.ok) next.release();
  });

  it('is not held up by a file that a power cut has left half written', () => {
    const path = join(dir, 'gateway.lock');
    writeFileSync(path, 'half a file, and no database at all'.repeat(50));
    const lock = acquireLock(path, info);
    expect(lock.ok).toBe(true);
    if (lock.ok) lock.release();
  });
});

const failureOf = (work: () => unknown): unknown => {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof SigilError) return thrown.failure;
    throw thrown;
  }
  return undefined;
};

describe('data directory', () => {
  it('is made for its owner alone', () => {
    const made = join(dir, 'a', 'b');
    prepareDataDir(made);
    prepareDataDir(made);
    expect(statSync(made).mode & 0o777).toBe(0o700);
  });

  it('is rid of what a start that was killed has tried to write', () => {
    writeFileSync(join(dir, PROBE_FILE), 'x');
    takeDataDir(dir).release();
    expect(readdirSync(dir)).toEqual([LOCK_FILE]);
    writeFileSync(join(dir, PROBE_FILE), 'x');
    tidyDataDir(dir);
    expect(readdirSync(dir)).toEqual([LOCK_FILE]);
  });

  it('says what is wrong and what to do', () => {
    writeFileSync(join(dir, 'file'), '');
    for (const path of [join(dir, 'file'), join(dir, 'file', 'inside')]) {
      expect(failureOf(() => prepareDataDir(path))).toMatchObject({
        code: 'storage_failed',
        message: expect.stringMatching(/^.*file.*: .*choose another data directory/),
      });
    }
    expect(failureOf(() => prepareDataDir('/proc/sigil'))).toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('/proc/sigil'),
    });
  });
});

describe('database files', () => {
  it('of a newer Sigil are refused and left as they are', () => {
    const file = join(dir, 'journal.db');
    new SqliteJournalDisk({ file, durability: 'full' }).close();
    const db = new Database(file);
    db.pragma('user_version = 99');
    db.close();
    expect(failureOf(() => new SqliteJournalDisk({ file, durability: 'full' }))).toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining(`${file}: written by a newer Sigil`),
    });
  });

  it('that are none are named', () => {
    const file = join(dir, 'journal.db');
    writeFileSync(file, 'x'.repeat(5000));
    expect(failureOf(() => new SqliteJournalDisk({ file, durability: 'full' }))).toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining(`${file}: it is not a database`),
    });
  });
});
