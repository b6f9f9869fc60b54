// SPDX-License-Identifier: Apache-2.0
// Whose stream a row of the journal is of, and the record in it: one family of records for each kind of owner.

import { type DirectoryRecord, restoreDirectory } from './directory-records.ts';
import { type JournalRow, restore, type SessionRecord } from './records.ts';
import { restoreWorkspace, type WorkspaceRecord } from './workspace-records.ts';

/** A row of the journal with its record, by the kind of actor whose stream it is of. */
export type ReadRow =
  | { readonly kind: 'session'; readonly row: JournalRow; readonly record: SessionRecord }
  | { readonly kind: 'workspace'; readonly row: JournalRow; readonly record: WorkspaceRecord }
  | { readonly kind: 'gateway'; readonly row: JournalRow; readonly record: DirectoryRecord };

export type StreamKind = ReadRow['kind'];
export type ReadRowOf<K extends StreamKind> = Extract<ReadRow, { readonly kind: K }>;

const SESSION_CHECKPOINT: SessionRecord = { type: 'checkpoint', state: null };
const WORKSPACE_CHECKPOINT: WorkspaceRecord = { type: 'checkpoint', state: null };
const DIRECTORY_CHECKPOINT: DirectoryRecord = { type: 'checkpoint', state: null };

/** The kind of actor that owns a stream; undefined where no view follows its kind. */
export function streamKind(stream: string): StreamKind | undefined {
  if (stream.startsWith('session/')) return 'session';
  if (stream.startsWith('workspace/')) return 'workspace';
  return stream.startsWith('gateway/') ? 'gateway' : undefined;
}

/** The rows of the given kinds of streams with their records, in order. */
export function readRows<K extends StreamKind>(rows: readonly JournalRow[], kinds: readonly K[]): ReadRowOf<K>[] {
  const read: ReadRow[] = [];
  for (const row of rows) {
    const kind = streamKind(row.stream);
    if (kind === undefined || !(kinds as readonly StreamKind[]).includes(kind)) continue;
    const checkpoint = row.type === 'checkpoint';
    if (kind === 'session') read.push({ kind, row, record: checkpoint ? SESSION_CHECKPOINT : restore(row) });
    else if (kind === 'gateway')
      read.push({ kind, row, record: checkpoint ? DIRECTORY_CHECKPOINT : restoreDirectory(row) });
    else read.push({ kind, row, record: checkpoint ? WORKSPACE_CHECKPOINT : restoreWorkspace(row) });
  }
  // Only the wanted kinds were taken.
  return read as ReadRowOf<K>[];
}

/** Rows by workspace, each in order. */
export function byWorkspace<R extends { readonly row: JournalRow }>(
  rows: readonly R[],
): ReadonlyMap<string, readonly R[]> {
  const parts = new Map<string, R[]>();
  for (const read of rows) {
    const part = parts.get(read.row.workspace_id);
    if (part === undefined) parts.set(read.row.workspace_id, [read]);
    else part.push(read);
  }
  return parts;
}
