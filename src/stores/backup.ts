// SPDX-License-Identifier: Apache-2.0
// Backups as their callers see them: what one holds, how far it is, and what came of a restore.

/** A file in a backup. */
export interface BackedUpFile {
  /** Relative to the data directory, with `/`. */
  readonly path: string;
  readonly role: 'journal' | 'view' | 'primary' | 'blob' | 'skill' | 'secret';
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly sha256: string;
}

/** Something of the data directory that is not in a backup. */
export interface LeftOut {
  readonly path: string;
  readonly why: string;
}

/** What a backup says about itself; the last entry of its archive. */
export interface BackupManifest {
  readonly format: 1;
  /** The version of Sigil that made it. */
  readonly sigil: string;
  /** RFC 3339. */
  readonly created_at: string;
  readonly journal: { readonly id: string; readonly last: number };
  readonly secrets: boolean;
  /** The configuration is no part of a data directory: only its place is noted. */
  readonly config: { readonly file: string | null; readonly included: false };
  readonly left_out: readonly LeftOut[];
  readonly files: readonly BackedUpFile[];
}

/** How far long work on files is. */
export interface DataProgress {
  readonly step: 'copy' | 'unpack' | 'check' | 'views' | 'replace';
  /** The file at hand; empty when it is about all. */
  readonly file: string;
  /** Bytes, or rows for `views`, out of `total`; `total` is 0 when it is not known. */
  readonly done: number;
  readonly total: number;
}

export interface CreateBackupOptions {
  readonly dataDir: string;
  readonly withSecrets: boolean;
  readonly version: string;
  readonly configFile: string | null;
  readonly progress?: (progress: DataProgress) => void;
}

export interface RestoreOptions {
  readonly dataDir: string;
  readonly file: string;
  readonly progress?: (progress: DataProgress) => void;
}
