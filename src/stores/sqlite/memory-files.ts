// SPDX-License-Identifier: Apache-2.0
// What the projection of memory is made of: which rows of the journal it reads, and the files it writes in a workspace.

import { changesKnowledge } from '../knowledge-view.ts';
import { changesMemory } from '../memory-view.ts';
import type { JournalRow } from '../records.ts';
import { type ReadRowOf, readRows } from '../streams.ts';
import { KnowledgeView } from './knowledge-view.ts';
import { type GrownSessions, MemoryView } from './memory-view.ts';
import type { ProjectedFile } from './projection.ts';

/** A session's or a workspace's row with its record. */
export type MemoryRow = ReadRowOf<'session' | 'workspace'>;

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

/** The same for all workspaces. */
export type RecentMessages = Omit<GrownSessions, 'grown'> & {
  readonly grown: (workspace_id: string, session_id: string) => void;
};

/** The files of a workspace's memory, in the order they are written. */
export function memoryFiles(recent?: RecentMessages): readonly ProjectedFile<MemoryRow>[] {
  return [
    {
      name: 'memory.db',
      open: (file, workspace) => {
        if (recent === undefined) return new MemoryView(file);
        return new MemoryView(file, {
          // Looked at with each message: they may be others than before.
          get keep_last() {
            return recent.keep_last;
          },
          get summed() {
            return recent.summed;
          },
          grown: (session_id) => recent.grown(workspace, session_id),
        });
      },
      wants: changesMemory,
    },
    { name: 'knowledge.db', open: (file) => new KnowledgeView(file), wants: changesKnowledge },
  ];
}
