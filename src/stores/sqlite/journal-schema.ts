// SPDX-License-Identifier: Apache-2.0
// The schema of the journal's file, shared by the one who writes it and those who read it.

import { AUDIT_SCHEMA } from './audit-table.ts';
import type { Migrations } from './database.ts';

/** The columns of a row, in the order of the table: the payload last, so that what does not need it never reads it. */
export const ROW_COLUMNS = 'seq, prev, stream, n, at, type, version, workspace_id, turn_id, payload';

/** No index with random keys is written when rows are committed: a stream is walked by `prev` from its head. */
export const JOURNAL_MIGRATIONS: Migrations = [
  `CREATE TABLE records (
     seq INTEGER PRIMARY KEY,
     prev INTEGER NOT NULL,
     stream TEXT NOT NULL,
     n INTEGER NOT NULL,
     at INTEGER NOT NULL,
     type TEXT NOT NULL,
     version INTEGER NOT NULL,
     workspace_id TEXT NOT NULL,
     turn_id TEXT,
     payload TEXT NOT NULL
   ) STRICT;
   CREATE TABLE owed (seq INTEGER PRIMARY KEY, stream TEXT NOT NULL, kind TEXT NOT NULL) STRICT;
   CREATE TABLE heads (stream TEXT PRIMARY KEY, seq INTEGER NOT NULL, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
  AUDIT_SCHEMA,
  // Views by file, and the row up to which each must have come: rows before it that it was made of may be trimmed.
  `CREATE TABLE trimmed (view TEXT PRIMARY KEY, upto INTEGER NOT NULL) STRICT, WITHOUT ROWID;`,
];
