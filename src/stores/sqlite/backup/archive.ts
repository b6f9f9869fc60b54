// SPDX-License-Identifier: Apache-2.0
// The form of a backup: a tar archive, gzipped, that `tar xzf` opens; files under data/, then their checksums, then the manifest.

import { z } from 'zod';
import { failure, SigilError } from '../../../errors.ts';
import type { BackupManifest } from '../../backup.ts';
import { roleOf } from '../data-files.ts';

/** The directory everything in an archive lies in. */
export const ARCHIVE_ROOT = 'sigil-backup';
/** First in the archive, so that something else is refused before it is read to its end. */
export const HEAD_ENTRY = `${ARCHIVE_ROOT}/backup.json`;
export const DATA_PREFIX = `${ARCHIVE_ROOT}/data/`;
/** In the form `sha256sum -c` reads. */
export const SUMS_ENTRY = `${ARCHIVE_ROOT}/SHA256SUMS`;
/** Last in the archive: what is cut short has none. */
export const MANIFEST_ENTRY = `${ARCHIVE_ROOT}/manifest.json`;
/** The format this build writes and reads. */
export const FORMAT = 1;

/** The first entry. */
export const Head = z.object({ format: z.int().positive(), sigil: z.string() });

const KEPT = ['journal', 'view', 'primary', 'blob', 'skill', 'secret'] as const;

/** A path that stays inside a data directory, and whose role is the one it is said to have. */
const File = z
  .strictObject({
    path: z.string().min(1).max(1024),
    role: z.enum(KEPT),
    bytes: z.int().nonnegative(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  })
  .refine(({ path, role }) => isPlainPath(path) && roleOf(path) === role, { error: 'is no file of a data directory' });

export const Manifest: z.ZodType<BackupManifest> = z.strictObject({
  format: z.literal(FORMAT),
  sigil: z.string(),
  created_at: z.string(),
  journal: z.strictObject({ id: z.string().min(1), last: z.int().nonnegative() }),
  secrets: z.boolean(),
  config: z.strictObject({ file: z.string().nullable(), included: z.literal(false) }),
  left_out: z.array(z.strictObject({ path: z.string(), why: z.string() })),
  files: z.array(File),
});

/** Whether a path can only lead to what lies below where it begins. */
export function isPlainPath(path: string): boolean {
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !/[\0\\]/.test(part));
}

/** A file that is no backup, or no whole one. */
export function broken(file: string, why: string, cause?: unknown): SigilError {
  const advice = 'nothing was changed; use another backup';
  return new SigilError(
    failure('validation_failed', `${file}: ${why}; ${advice}`, { file }),
    cause === undefined ? undefined : { cause },
  );
}
