// SPDX-License-Identifier: Apache-2.0
// SQLite's extension for vectors, sqlite-vec, as npm brings it: a library of this platform, loaded into a connection.

import Database from 'better-sqlite3';
import { getLoadablePath } from 'sqlite-vec';
import { failure, SigilError } from '../../errors.ts';
import type { SqliteDatabase } from './database.ts';

/** Nearest that `vec0` answers with at most. */
export const VEC_NEAREST_MOST = 4_096;

/** Gives a connection `vec0`. @throws SigilError `storage_failed` where there is no library for this platform */
export function loadVec(db: SqliteDatabase): void {
  try {
    db.loadExtension(getLoadablePath());
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const says = `sqlite-vec cannot be loaded on ${process.platform}-${process.arch}: ${why}. Install with optional dependencies, or turn sessions.memory.embeddings off.`;
    throw new SigilError(failure('storage_failed', says), { cause });
  }
}

let tried: { readonly trouble: string | undefined } | undefined;

/** Why the extension cannot be loaded in this process, in words that end no sentence; undefined when it can. Tried once. */
export function vecTrouble(): string | undefined {
  tried ??= { trouble: tryVec() };
  return tried.trouble;
}

function tryVec(): string | undefined {
  const db = new Database(':memory:');
  try {
    db.loadExtension(getLoadablePath());
    return undefined;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return `sqlite-vec cannot be loaded on ${process.platform}-${process.arch} (${why.replace(/\.$/, '')})`;
  } finally {
    db.close();
  }
}
