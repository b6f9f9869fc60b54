// SPDX-License-Identifier: Apache-2.0
// Restores a backup: unpacks beside what is there, checks everything, brings the views up to the journal, and only then replaces.

import { createWriteStream, mkdirSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { failure, SigilError } from '../../../errors.ts';
import type { BackupManifest, DataProgress, RestoreOptions } from '../../backup.ts';
import { catchUpViews } from '../catch-up.ts';
import { isDatabase, JOURNAL_FILE, RESTORE_DIR, roleOf, SIDE_FILES } from '../data-files.ts';
import {
  damagesOf,
  type JournalFacts,
  journalFacts,
  lookInto,
  refuseNewerFile,
  standingOf,
  viewFacts,
} from '../file-facts.ts';
import { guarded, storageError } from '../storage-error.ts';
import { broken } from './archive.ts';
import { readArchive } from './read-archive.ts';
import { newFiles, type ReplacePoint, replaceFiles } from './replace.ts';

/** Where a crash test may end the process: all unpacked, all checked, and the places of the replacing. */
export type RestorePoint = 'restore.unpacked' | 'restore.checked' | ReplacePoint;

/** Kept free besides what is unpacked, in bytes. */
const SPARE_BYTES = 16 * 1024 * 1024;

/**
 * Replaces the content of a data directory by that of a backup. The caller holds the directory's lock. Until everything has
 * been checked nothing in it changes; a process that is killed before the replacing is decided leaves it as it was, one that
 * is killed later leaves it to the next start to finish (`tidyDataDir`).
 *
 * @throws SigilError `validation_failed` for a backup that is not whole, `storage_failed` for a directory that cannot be
 * written or a file of a newer Sigil
 */
export async function restoreBackup(
  { dataDir, file, progress }: RestoreOptions,
  point: (name: RestorePoint) => void = () => undefined,
): Promise<BackupManifest> {
  const target = newFiles(dataDir);
  const staging = join(dataDir, RESTORE_DIR);
  guarded(dataDir, () => {
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(target, { recursive: true, mode: 0o700 });
  });
  let manifest: BackupManifest;
  try {
    manifest = await unpack(dataDir, file, target, progress);
    point('restore.unpacked');
    check(file, target, manifest, progress);
    await catchUpViews({ dataDir: target, ...(progress === undefined ? {} : { progress }) });
    point('restore.checked');
  } catch (thrown) {
    rmSync(staging, { recursive: true, force: true });
    throw thrown;
  }
  progress?.({ step: 'replace', file: '', done: 0, total: 0 });
  // What goes wrong from here on leaves everything where it is: the next start, or the next restore, goes on.
  replaceFiles(dataDir, point);
  return manifest;
}

async function unpack(
  dataDir: string,
  file: string,
  target: string,
  progress: ((progress: DataProgress) => void) | undefined,
): Promise<BackupManifest> {
  // Whoever reads the archive takes its name for all that goes wrong.
  let unwritten: { readonly cause: Error; readonly to: string } | undefined;
  const open = (path: string, bytes: number) => {
    if (!isKept(path)) throw broken(file, `${path} in it is no file of a data directory`);
    const to = join(target, path);
    return guarded(to, () => {
      const { bavail, bsize } = statfsSync(dataDir);
      const free = bavail * bsize;
      if (free < bytes + SPARE_BYTES) {
        const says = `the disk is full: ${path} needs ${mib(bytes + SPARE_BYTES)} and ${mib(free)} are free; free some space and try again`;
        throw new SigilError(failure('storage_failed', `${dataDir}: ${says}`, { needed: bytes + SPARE_BYTES, free }));
      }
      mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
      const stream = createWriteStream(to, { mode: 0o600, flags: 'wx' });
      stream.once('error', (cause) => {
        // What goes wrong with the archive ends it too.
        if ('syscall' in cause && cause.syscall !== 'read') unwritten ??= { cause, to };
      });
      return stream;
    });
  };
  try {
    return await readArchive({ file, open, ...(progress === undefined ? {} : { progress }) });
  } catch (thrown) {
    if (unwritten !== undefined) throw storageError(unwritten.cause, unwritten.to);
    throw storageError(thrown, dataDir);
  }
}

function isKept(path: string): boolean {
  const role = roleOf(path);
  return isDatabase(role) || role === 'blob' || role === 'skill' || role === 'secret';
}

function mib(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MiB`;
}

/** Every database as a whole, then each view against the journal. */
function check(
  file: string,
  target: string,
  manifest: BackupManifest,
  progress: ((progress: DataProgress) => void) | undefined,
): void {
  const total = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  for (const { path, role, bytes } of manifest.files) {
    progress?.({ step: 'check', file: path, done, total });
    if (isDatabase(role)) checkDatabase(file, target, path);
    done += bytes;
  }
  lookInto(join(target, JOURNAL_FILE), (db) => {
    const journal = journalFacts(JOURNAL_FILE, db);
    if (journal.id !== manifest.journal.id || journal.last !== manifest.journal.last)
      throw broken(file, 'its journal is not the one its manifest names');
    for (const { path, role } of manifest.files) if (role === 'view') checkView(file, target, path, journal);
  });
}

function checkDatabase(file: string, target: string, path: string): void {
  lookInto(join(target, path), (db) => {
    refuseNewerFile(path, db);
    const [damage] = damagesOf(db, 'full');
    if (damage !== undefined) throw broken(file, `${path} in it is damaged (${damage.says})`);
  });
}

/** A view that does not belong to the journal is made again, where that can be done. */
function checkView(file: string, target: string, path: string, journal: JournalFacts): void {
  const state = lookInto(join(target, path), (db) => viewFacts(db));
  const standing = state === undefined ? 'foreign' : standingOf(path, state, journal);
  if (standing === 'current' || standing === 'behind') return;
  if (journal.trimmed(path) > 0) throw broken(file, `${path} in it does not belong to its journal`);
  for (const end of ['', ...SIDE_FILES]) rmSync(`${join(target, path)}${end}`, { force: true });
}
