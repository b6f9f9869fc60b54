// SPDX-License-Identifier: Apache-2.0
// What the command line does to a data directory itself, over the files as they are kept.

import type { DataKeeping } from '../cli/data-keeping.ts';
import { createBackup } from '../stores/sqlite/backup/create.ts';
import { readArchive } from '../stores/sqlite/backup/read-archive.ts';
import { restoreBackup } from '../stores/sqlite/backup/restore.ts';
import { rebuildViews } from '../stores/sqlite/rebuild.ts';
import { takeDataDir } from './data-dir.ts';
import { CHECKS } from './doctor/checks.ts';
import { killPoints } from './kill-points.ts';

/** Runs work that needs the directory for itself. */
async function alone<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  const held = takeDataDir(dataDir, point);
  try {
    return await work();
  } finally {
    held.release();
  }
}

const point = killPoints(process.env['SIGIL_KILL_AT']);

export const dataKeeping: DataKeeping = {
  backup: (options) => alone(options.dataDir, () => createBackup({ ...options, point })),
  verify: (file, progress) => readArchive({ file, ...(progress === undefined ? {} : { progress }) }),
  restore: (options) => alone(options.dataDir, () => restoreBackup(options, point)),
  rebuild: (options) => alone(options.dataDir, () => rebuildViews(options)),
  checks: CHECKS,
};
