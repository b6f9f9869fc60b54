// SPDX-License-Identifier: Apache-2.0
// Files only their owner may read: replaced whole or not at all, one writer at a time whatever process it is in.

import {
  chmodSync,
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { SigilError } from '../errors.ts';
import { spaceAt } from '../free-space.ts';
import { secretFailure } from './store.ts';

/** How long a writer waits for another, in milliseconds: longer than a write takes, passphrase and slow disk included. */
const LOCK_MS = 15_000;
const LOCK_EVERY_MS = 25;

/** A file's bytes, and what tells whether it has been replaced since. */
export interface FileReading {
  readonly bytes: Uint8Array;
  readonly version: string;
  /** Somebody besides its owner may read it. */
  readonly open: boolean;
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
}

/** Anything thrown by the file system as an error that names the file. */
export function fileFailure(path: string, thrown: unknown, what: string): SigilError {
  if (thrown instanceof SigilError) return thrown;
  const code = codeOf(thrown) || (thrown instanceof Error ? thrown.message : String(thrown));
  const space = code === 'ENOSPC' ? spaceAt(path, 1) : '';
  const why = space === '' ? code : `the disk is full: ${space}`;
  return secretFailure(
    'storage_failed',
    `${path} cannot be ${what} (${why}).`,
    'Check its owner and permissions, those of its directory, and the free space.',
    thrown,
  );
}

/** Makes a directory for its owner alone, when it is missing. @throws SigilError `storage_failed` */
export function makeDirectory(path: string): void {
  const make = (directory: string): void => {
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
    try {
      mkdirSync(directory, { mode: 0o700 });
    } catch (thrown) {
      // Not `recursive`: that never comes back where a parent is there and yet says it is not (`/proc`).
      if (codeOf(thrown) !== 'ENOENT' || dirname(directory) === directory) throw thrown;
      make(dirname(directory));
      mkdirSync(directory, { mode: 0o700 });
    }
  };
  try {
    make(path);
  } catch (thrown) {
    throw fileFailure(path, thrown, 'made');
  }
}

/**
 * Reads a file; undefined when there is none.
 *
 * @param most largest size in bytes
 * @param known the version read before: answered as `same` when it still is
 * @throws SigilError `storage_failed`
 */
export function readPrivate(path: string, most: number, known?: string): FileReading | 'same' | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined;
    throw fileFailure(path, thrown, 'read');
  }
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, mode } = fstatSync(fd, { bigint: true });
    const version = [dev, ino, size, mtimeNs, ctimeNs].join(':');
    if (version === known) return 'same';
    if (size > BigInt(most))
      throw secretFailure(
        'storage_failed',
        `${path} is larger than ${most} bytes, which no file of secrets is.`,
        'Move it away, or put back the one that was there before.',
      );
    // Windows has no such bits; its files are their owner's by where they lie.
    const open = process.platform !== 'win32' && (mode & 0o077n) !== 0n;
    return { bytes: readFileSync(fd), version, open };
  } catch (thrown) {
    throw fileFailure(path, thrown, 'read');
  } finally {
    closeSync(fd);
  }
}

/** Replaces a file: whoever reads it meanwhile, and whatever ends the process, finds the old bytes or the new. */
export function replacePrivate(path: string, bytes: Uint8Array): void {
  // Under the lock nobody else writes it, so one that lies there was left by a process that was killed.
  const beside = `${path}.new`;
  try {
    rmSync(beside, { force: true });
    const fd = openSync(beside, 'wx', 0o600);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(beside, path);
    syncDirectory(dirname(path));
  } catch (thrown) {
    rmSync(beside, { force: true });
    throw fileFailure(path, thrown, 'written');
  }
}

/** The new name is on the disk too, where directories can be synced. */
function syncDirectory(path: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes a file that is not there. One that is there is not even opened: to close it would give up every lock this process has on
 * it, whoever took it.
 */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown;
  }
}

/**
 * Runs `work` while no other process does the same. SQLite's lock on an empty file: the kernel frees it with the process,
 * and it is there on every platform.
 *
 * @throws SigilError `conflict` when another one does not let go in time
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const { default: Database } = await import('better-sqlite3');
  let db: InstanceType<typeof Database>;
  try {
    makeFile(path);
    chmodSync(path, 0o600);
    db = new Database(path, { timeout: 0 });
  } catch (thrown) {
    throw fileFailure(path, thrown, 'locked');
  }
  try {
    const until = performance.now() + LOCK_MS;
    for (;;) {
      try {
        db.exec('BEGIN IMMEDIATE');
        break;
      } catch (thrown) {
        if (!codeOf(thrown).startsWith('SQLITE_BUSY')) throw fileFailure(path, thrown, 'locked');
        if (performance.now() > until)
          throw secretFailure(
            'conflict',
            `Another process has been writing secrets for ${LOCK_MS / 1000} seconds.`,
            'Wait for it to end, or end it, and try again.',
          );
        await new Promise((resolve) => setTimeout(resolve, LOCK_EVERY_MS));
      }
    }
    return await work();
  } finally {
    db.close();
  }
}
