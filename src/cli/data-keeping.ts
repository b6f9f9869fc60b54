// SPDX-License-Identifier: Apache-2.0
// Work on a data directory itself, as the command line asks for it: given by the composition root, which knows the files.

import type { Writable } from 'node:stream';
import type { Config } from '../config/schema.ts';
import type { BackupManifest, CreateBackupOptions, DataProgress, RestoreOptions } from '../stores/backup.ts';
import type { Check } from './doctor-check.ts';

export interface RebuildOptions {
  readonly dataDir: string;
  /** Views by file or workspace; all when empty. */
  readonly views: readonly string[];
  /** Makes them of what is left of a trimmed journal. */
  readonly acceptLoss: boolean;
  readonly progress?: (progress: DataProgress) => void;
}

/** A note for the audit: it is there when this settles, and what cannot be noted is not done. */
export type NoteChange = (
  action: string,
  details: Readonly<Record<string, unknown>>,
  result: 'ok' | 'failed',
  workspaceId?: string,
) => Promise<void>;

/** All but `verify` and `checks` take the directory's lock and reject with `conflict` while a gateway runs in it. */
export interface DataKeeping {
  /** Writes a backup of a directory no gateway runs in. */
  backup(options: CreateBackupOptions & { readonly sink: Writable }): Promise<BackupManifest>;
  /** Reads a backup to its end and holds it against its checksums. */
  verify(file: string, progress?: (progress: DataProgress) => void): Promise<BackupManifest>;
  /** Replaces what is in a directory by a backup. */
  restore(options: RestoreOptions): Promise<BackupManifest>;
  /** Makes views anew; the files that were made. */
  rebuild(options: RebuildOptions): Promise<readonly string[]>;
  /** Does work that belongs in the audit of a directory no gateway runs in; it is noted as done by the system. */
  audited<T>(
    of: { readonly dataDir: string; readonly config: Config },
    work: (note: NoteChange) => Promise<T>,
  ): Promise<T>;
  /** What `sigil doctor` looks at, in this order. */
  readonly checks: readonly Check[];
}
