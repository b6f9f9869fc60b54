// SPDX-License-Identifier: Apache-2.0
// The audit in the journal's file: its table, written in the transaction of the records the entries belong to.

import { hash } from 'node:crypto';
import { type AuditHead, type AuditRow, NO_AUDIT } from '../audit.ts';
import type { SqliteDatabase } from './database.ts';

/** Rows are never trimmed with their records. The head is kept beside them, so that an end that was cut off is missed. */
export const AUDIT_SCHEMA = `CREATE TABLE audit (
     n INTEGER PRIMARY KEY,
     at INTEGER NOT NULL,
     seq INTEGER NOT NULL,
     action TEXT NOT NULL,
     actor TEXT NOT NULL,
     plugin TEXT NOT NULL,
     workspace_id TEXT NOT NULL,
     session_id TEXT NOT NULL,
     result TEXT NOT NULL,
     details TEXT NOT NULL,
     prev TEXT NOT NULL,
     hash TEXT NOT NULL
   ) STRICT;
   CREATE TABLE audit_head (one INTEGER PRIMARY KEY CHECK (one = 1), n INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
   INSERT INTO audit_head VALUES (1, ${NO_AUDIT.n}, '${NO_AUDIT.hash}');`;

export const AUDIT_COLUMNS = 'n, at, seq, action, actor, plugin, workspace_id, session_id, result, details, prev, hash';

/** As {@link Digest} says. */
export function sha256(text: string): string {
  return hash('sha256', text);
}

export interface AuditTable {
  /** Inside a transaction: the next entry, and the head it makes. */
  add(row: AuditRow): void;
  head(): AuditHead;
  /** A part of the transaction that may be undone without the rest. */
  begin(): void;
  keep(): void;
  undo(): void;
}

export function auditTable(db: SqliteDatabase): AuditTable {
  const values = AUDIT_COLUMNS.replaceAll(/\w+/g, '@$&');
  const insert = db.prepare<[AuditRow]>(`INSERT INTO audit (${AUDIT_COLUMNS}) VALUES (${values})`);
  const setHead = db.prepare<[number, string]>('UPDATE audit_head SET n = ?, hash = ?');
  const head = db.prepare<[], AuditHead>('SELECT n, hash FROM audit_head');
  const begin = db.prepare<[]>('SAVEPOINT audited');
  const keep = db.prepare<[]>('RELEASE audited');
  const undo = db.prepare<[]>('ROLLBACK TO audited');
  return {
    add(row) {
      insert.run(row);
      setHead.run(row.n, row.hash);
    },
    head: () => head.get() ?? NO_AUDIT,
    begin: () => void begin.run(),
    keep: () => void keep.run(),
    undo() {
      undo.run();
      keep.run();
    },
  };
}
