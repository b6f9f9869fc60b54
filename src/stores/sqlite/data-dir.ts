// SPDX-License-Identifier: Apache-2.0
// The data directory: made for its owner alone, and known to be writable before anything is opened in it.

import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROBE_FILE } from './data-files.ts';
import { syncDirectory } from './make-dirs.ts';
import { codeOf, guarded } from './storage-error.ts';

/** Makes the directory when it is missing and writes in it once. @throws SigilError `storage_failed` saying what to do. */
export function prepareDataDir(dir: string): void {
  guarded(dir, () => {
    makeDir(dir);
    // Permissions alone do not tell: the file system may be read-only or full.
    const probe = join(dir, PROBE_FILE);
    try {
      writeFileSync(probe, 'x', { mode: 0o600 });
    } finally {
      rmSync(probe, { force: true });
    }
  });
}

/** Not `recursive`: that never comes back where a parent is there and yet says it is not (`/proc`). */
function makeDir(dir: string): void {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true) return;
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT' || dirname(dir) === dir) throw thrown;
    makeDir(dirname(dir));
    mkdirSync(dir, { mode: 0o700 });
  }
  syncDirectory(dirname(dir));
}
