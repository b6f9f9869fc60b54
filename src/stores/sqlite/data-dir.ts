// SPDX-License-Identifier: Apache-2.0
// The data directory: made for its owner alone, and known to be writable before anything is opened in it.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { guarded } from './storage-error.ts';

/** Makes the directory when it is missing and writes in it once. @throws SigilError `storage_failed` saying what to do. */
export function prepareDataDir(dir: string): void {
  guarded(dir, () => {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    // Permissions alone do not tell: the file system may be read-only or full.
    const probe = join(dir, `.probe-${process.pid}`);
    try {
      writeFileSync(probe, 'x', { mode: 0o600 });
    } finally {
      rmSync(probe, { force: true });
    }
  });
}
