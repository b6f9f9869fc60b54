// SPDX-License-Identifier: Apache-2.0
// What SQLite and the file system say about a file, as one of our errors that names the file and what to do.

import { failure, SigilError } from '../../errors.ts';
import { spaceAt } from '../../free-space.ts';

const REASONS: readonly (readonly [prefix: string, says: string])[] = [
  ['SQLITE_FULL', 'the disk is full; free some space and it goes on by itself'],
  ['ENOSPC', 'the disk is full; free some space and try again'],
  ['EDQUOT', 'the disk quota is used up; free some space and try again'],
  ['SQLITE_READONLY', 'it cannot be written; check the permissions of the file and its directory'],
  ['SQLITE_PERM', 'it may not be opened; check the permissions of the file and its directory'],
  ['SQLITE_CANTOPEN', 'it cannot be opened; check that its directory is there and may be written'],
  [
    'SQLITE_CORRUPT',
    'it is damaged; `sigil doctor` says what to do, `sigil backup restore FILE` puts a backup in its place',
  ],
  [
    'SQLITE_NOTADB',
    'it is not a database; `sigil doctor` says what to do, `sigil backup restore FILE` puts a backup in its place',
  ],
  ['SQLITE_IOERR', 'the disk reported an error; check the system log and the disk'],
  ['SQLITE_BUSY', 'another process is using it; stop that process'],
  ['SQLITE_LOCKED', 'another process is using it; stop that process'],
  ['EIO', 'the disk reported an error; check the system log and the disk'],
  ['EBUSY', 'the system is using it for something else; see what it is'],
  ['ETXTBSY', 'the system is using it for something else; see what it is'],
  ['EACCES', 'permission denied; choose another data directory or change its owner'],
  ['EPERM', 'permission denied; choose another data directory or change its owner'],
  ['EROFS', 'the file system is read-only; choose another data directory'],
  ['ENOTDIR', 'a part of the path is a file and not a directory; choose another data directory'],
  ['ENOENT', 'it cannot be made there; choose another data directory'],
  ['EEXIST', 'it is a file and not a directory; choose another data directory'],
  ['ELOOP', 'the path has too many symbolic links; choose another data directory'],
  ['ENAMETOOLONG', 'the path is too long; choose another data directory'],
];

/** The `code` of a thrown error, empty when it has none. */
export function codeOf(thrown: unknown): string {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string')
    return thrown.code;
  return '';
}

/** What a gateway needs to go on: a commit at its largest, and its way from the log into the file. In bytes. */
const NEEDED_BYTES = 64 * 1024 * 1024;

/** A thrown error as `storage_failed` that names the file; what is already one of ours is left as it is. */
export function storageError(thrown: unknown, file: string): SigilError {
  if (thrown instanceof SigilError) return thrown;
  const code = codeOf(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const reason = REASONS.find(([prefix]) => code.startsWith(prefix));
  const space = /^(?:SQLITE_FULL|ENOSPC)/.test(code) ? spaceAt(file, NEEDED_BYTES) : '';
  const says = reason === undefined ? message : `${reason[1]}${space === '' ? '' : `: ${space}`} (${message})`;
  return new SigilError(failure('storage_failed', `${file}: ${says}`, { file, ...(code === '' ? {} : { code }) }), {
    cause: thrown,
  });
}

/** Runs `work` on `file`; what it throws comes out as `storage_failed`. */
export function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw storageError(thrown, file);
  }
}
