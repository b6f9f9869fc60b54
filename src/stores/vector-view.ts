// SPDX-License-Identifier: Apache-2.0
// What each record changes in a workspace's vectors: the messages people and models wrote, summaries and facts. Pure: no SQL, no clock.

import type { JournalRow, SessionRecord } from './records.ts';
import type { ReadRow } from './streams.ts';
import type { VectorItem } from './vector-store.ts';
import type { StoredFact, WorkspaceRecord } from './workspace-records.ts';

/** Where the items are. What is called changes them at once, in the batch's transaction. */
export interface VectorItems {
  /** Who wrote the session's newest message; undefined when none is known. */
  userOf(session_id: string): string | undefined;
  put(items: readonly VectorItem[]): void;
  delete(ids: readonly string[]): void;
  /** Deletes what was made of these messages. */
  deleteMessages(message_ids: readonly string[]): void;
}

const SESSION_TYPES: ReadonlySet<SessionRecord['type']> = new Set<SessionRecord['type']>([
  'message_received',
  'model_replied',
]);
const WORKSPACE_TYPES: ReadonlySet<WorkspaceRecord['type']> = new Set<WorkspaceRecord['type']>([
  'messages_added',
  'messages_deleted',
  'summary_stored',
  'facts_put',
  'facts_deleted',
]);

/** Whether a record changes vectors. Messages that are trimmed from the first tier stay here: this is what finds them still. */
export function changesVectors({ kind, record }: ReadRow): boolean {
  return kind === 'session' ? SESSION_TYPES.has(record.type) : WORKSPACE_TYPES.has(record.type);
}

/** Applies one row. Rows must come in order of seq, each once. */
export function applyToVectors(items: VectorItems, read: ReadRow): void {
  if (read.kind === 'session') {
    const item = messageOf(items, read.row, read.record);
    if (item !== undefined) items.put([item]);
    return;
  }
  const { row, record } = read;
  switch (record.type) {
    case 'messages_added':
      items.put(
        record.messages.flatMap(({ id, session_id, turn_id, user_id, role, content, at }) =>
          role === 'tool' || content === ''
            ? []
            : [messageItem({ id, session_id, turn_id, user_id, role, content, at })],
        ),
      );
      break;
    case 'messages_deleted':
      items.deleteMessages(record.ids);
      break;
    case 'summary_stored': {
      const { id, session_id, content, from, to } = record.summary;
      const of = { source: 'summary', ref: id, session_id, user_id: '', created_at: row.at } as const;
      items.put([{ ...of, id: `summary/${id}`, metadata: { from, to }, text: content }]);
      break;
    }
    case 'facts_put':
      items.put(record.facts.map((fact) => factItem(fact, row.at)));
      break;
    case 'facts_deleted':
      items.delete(record.ids.map((id) => `fact/${id}`));
      break;
    default:
      break;
  }
}

interface Message {
  readonly id: string;
  readonly session_id: string;
  readonly turn_id: string;
  readonly user_id: string;
  readonly role: string;
  readonly content: string;
  readonly at: number;
}

/** A message's id is its sender's and unique in its session only. */
function messageItem({ id, session_id, turn_id, user_id, role, content, at }: Message): VectorItem {
  const of = { source: 'message', ref: id, session_id, user_id, created_at: at } as const;
  return { ...of, id: `message/${session_id}/${role}/${id}`, metadata: { role, turn_id }, text: content };
}

function factItem({ id, entity_id, predicate, value, confidence, source }: StoredFact, at: number): VectorItem {
  const of = { source: 'fact', ref: id, session_id: '', user_id: '', created_at: at } as const;
  const metadata = { entity_id, predicate, confidence, source };
  return { ...of, id: `fact/${id}`, metadata, text: `${entity_id} ${predicate} ${value}` };
}

/** What tools returned is no item: it repeats what lies elsewhere, and nobody said it. */
function messageOf(items: VectorItems, row: JournalRow, record: SessionRecord): VectorItem | undefined {
  const session_id = row.stream.slice(row.stream.indexOf('/') + 1);
  const said = (role: string, user_id: string): VectorItem | undefined => {
    if (record.type !== 'message_received' && record.type !== 'model_replied') return undefined;
    const { message_id: id, turn_id, content } = record;
    return messageItem({ id, session_id, turn_id, user_id, role, content, at: row.at });
  };
  if (record.type === 'message_received') return said('user', record.user_id);
  if (record.type !== 'model_replied' || record.finish === 'failed' || record.content === '') return undefined;
  return said('assistant', items.userOf(session_id) ?? '');
}
