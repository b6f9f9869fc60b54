// SPDX-License-Identifier: Apache-2.0
// Puts restored files in the place of those that are there, in renames that can be cut short anywhere and finished later.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { failure, SigilError } from '../../../errors.ts';
import { BACKUP_DIR, PROBE_FILE, RESTORE_DIR, roleOf, SIDE_FILES } from '../data-files.ts';
import { guarded } from '../storage-error.ts';

/** Where a crash test may end the process. */
export type ReplacePoint =
  | 'restore.prepared'
  | 'restore.decided'
  | 'restore.put_aside'
  | 'restore.moved'
  | 'restore.done';

/** Where the restored files wait, and where the replaced ones do. */
export const newFiles = (dataDir: string): string => join(dataDir, RESTORE_DIR, 'new');
const oldFiles = (dataDir: string): string => join(dataDir, RESTORE_DIR, 'old');
/** Its presence is the decision: before it nothing is replaced, from it on everything will be. */
const planFile = (dataDir: string): string => join(dataDir, RESTORE_DIR, 'plan.json');

/** Names directly in the data directory. */
const Plan = z.strictObject({ put_aside: z.array(z.string()), move_in: z.array(z.string()) });
type Plan = z.output<typeof Plan>;

/** What a restore replaces whole, whether the backup has it or not; secrets only when it has them. */
function belongs(name: string): boolean {
  if (name === 'workspaces' || name === 'blobs' || name === 'skills') return true;
  const database = SIDE_FILES.reduce((left, end) => (left.endsWith(end) ? left.slice(0, -end.length) : left), name);
  return database.endsWith('.db') && roleOf(database) !== 'temporary';
}

/**
 * Replaces what is in a data directory by what lies in {@link newFiles}, which must be whole and closed. The caller holds
 * the directory's lock.
 */
export function replaceFiles(dataDir: string, point: (name: ReplacePoint) => void = () => undefined): void {
  guarded(dataDir, () => {
    const move_in = readdirSync(newFiles(dataDir)).sort();
    const put_aside = readdirSync(dataDir).filter((name) => belongs(name) || move_in.includes(name));
    mkdirSync(oldFiles(dataDir), { recursive: true, mode: 0o700 });
    syncTree(newFiles(dataDir));
    point('restore.prepared');
    const file = planFile(dataDir);
    writeFileSync(`${file}.tmp`, JSON.stringify({ put_aside, move_in } satisfies Plan), { mode: 0o600, flush: true });
    renameSync(`${file}.tmp`, file);
    syncDir(join(dataDir, RESTORE_DIR));
    point('restore.decided');
    finish(dataDir, { put_aside, move_in }, point);
  });
}

/**
 * Every step looks at what is there: what still waits in `new` is not in its place yet, so what has its name is the old.
 * So it does not matter how often, or where, this was cut short.
 */
function finish(dataDir: string, { put_aside, move_in }: Plan, point: (name: ReplacePoint) => void): void {
  const waiting = (name: string): boolean => existsSync(join(newFiles(dataDir), name));
  for (const name of put_aside) {
    const moved = move_in.includes(name) && !waiting(name);
    if (moved || !existsSync(join(dataDir, name))) continue;
    renameSync(join(dataDir, name), join(oldFiles(dataDir), name));
    point('restore.put_aside');
  }
  syncDir(dataDir);
  for (const name of move_in) {
    if (!waiting(name)) continue;
    renameSync(join(newFiles(dataDir), name), join(dataDir, name));
    point('restore.moved');
  }
  syncDir(dataDir);
  rmSync(planFile(dataDir));
  syncDir(join(dataDir, RESTORE_DIR));
  point('restore.done');
  rmSync(join(dataDir, RESTORE_DIR), { recursive: true, force: true });
}

/** Whether a restore was decided and cut short. */
export function restoreUnfinished(dataDir: string): boolean {
  return existsSync(planFile(dataDir));
}

/**
 * What whoever takes a data directory's lock does first: a restore that was decided is finished, what others that were cut
 * short have left is removed.
 *
 * @returns whether a restore was finished
 * @throws SigilError `storage_failed`
 */
export function tidyDataDir(dataDir: string, point: (name: ReplacePoint) => void = () => undefined): boolean {
  return guarded(dataDir, () => {
    rmSync(join(dataDir, PROBE_FILE), { force: true });
    rmSync(join(dataDir, BACKUP_DIR), { recursive: true, force: true });
    if (!existsSync(join(dataDir, RESTORE_DIR))) return false;
    const unfinished = restoreUnfinished(dataDir);
    if (unfinished) finish(dataDir, planOf(planFile(dataDir)), point);
    else rmSync(join(dataDir, RESTORE_DIR), { recursive: true, force: true });
    return unfinished;
  });
}

function planOf(file: string): Plan {
  try {
    return Plan.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const says =
      'a restore was cut short and its plan cannot be read; the new files lie in `new` beside it, the old ones in `old`';
    throw new SigilError(failure('storage_failed', `${file}: ${says}`, { file }), { cause });
  }
}

/** Makes everything below a directory durable: a rename must not come before what it names. */
function syncTree(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) syncTree(path);
    else syncDir(path);
  }
  syncDir(dir);
}

function syncDir(path: string): void {
  // Windows knows no sync of directories, and needs none.
  if (process.platform === 'win32') return;
  const opened = openSync(path, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
