// SPDX-License-Identifier: Apache-2.0
// What the projection of memory is made of: which rows of the journal it reads, and the files it writes in a workspace.

import { changesMemory } from '../memory-view.ts';
import type { JournalRow } from '../records.ts';
import { type ReadRow, readRows } from '../streams.ts';
import { MemoryView } from './memory-view.ts';
import type { ProjectedFile } from './projection.ts';

/** A session's or a workspace's row with its record. */
export type MemoryRow = ReadRow;

/** Records of sessions that become messages: of all others memory needs nothing, so they are not even parsed. */
const SESSION_TYPES: ReadonlySet<string> = new Set([
  'session_created',
  'message_received',
  'model_replied',
  'tool_returned',
  'message_added',
  'session_deleted',
]);

/** The rows memory is made of. */
export function readMemory(rows: readonly JournalRow[]): readonly MemoryRow[] {
  return readRows(
    rows.filter(({ stream, type }) => SESSION_TYPES.has(type) || stream.startsWith('workspace/')),
    ['session', 'workspace'],
  );
}

/** The files of a workspace's memory, in the order they are written. */
export const MEMORY_FILES: readonly ProjectedFile<MemoryRow>[] = [
  { name: 'memory.db', open: (file) => new MemoryView(file), wants: changesMemory },
];
