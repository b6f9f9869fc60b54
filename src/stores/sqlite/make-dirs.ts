// SPDX-License-Identifier: Apache-2.0
// Directories that are there after a power cut too: SQLite makes sure of its files' names, and not of where they lie.

import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { codeOf } from './storage-error.ts';

/** Where a directory cannot be opened or synced, everything else goes on, as SQLite does with those of its files. */
const UNABLE: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP', 'EISDIR']);

/** Makes a directory and those it is in, for their owner alone, and has their names on the disk. */
export function makeDirs(dir: string): void {
  const made = mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (made === undefined) return;
  const first = resolve(made);
  for (let at = resolve(dir); at.startsWith(first); at = dirname(at)) syncDirectory(dirname(at));
}

/** Has the names in a directory on the disk. */
export function syncDirectory(dir: string): void {
  // Windows knows no sync of directories, and needs none.
  if (process.platform === 'win32') return;
  try {
    const opened = openSync(dir, 'r');
    try {
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
  } catch (thrown) {
    if (!UNABLE.has(codeOf(thrown))) throw thrown;
  }
}
