// SPDX-License-Identifier: Apache-2.0
// Rows of the journal with their records read, as the views apply them.

import { type JournalRow, restore, type SessionRecord } from '../records.ts';
import { sessionOf } from '../session-view.ts';

/** A row of the journal with its record. */
export interface ReadRow {
  readonly row: JournalRow;
  readonly record: SessionRecord;
}

const CHECKPOINT: SessionRecord = { type: 'checkpoint', state: null };

/** The rows of sessions with their records; other actors' streams are no part of these views. */
export function readSessions(rows: readonly JournalRow[]): readonly ReadRow[] {
  const read: ReadRow[] = [];
  for (const row of rows) {
    if (sessionOf(row.stream) === undefined) continue;
    read.push({ row, record: row.type === 'checkpoint' ? CHECKPOINT : restore(row) });
  }
  return read;
}

/** Rows by workspace, each in order. */
export function byWorkspace(rows: readonly ReadRow[]): ReadonlyMap<string, readonly ReadRow[]> {
  const parts = new Map<string, ReadRow[]>();
  for (const read of rows) {
    const part = parts.get(read.row.workspace_id);
    if (part === undefined) parts.set(read.row.workspace_id, [read]);
    else part.push(read);
  }
  return parts;
}
