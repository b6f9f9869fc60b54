// SPDX-License-Identifier: Apache-2.0
// What each record changes in a workspace's vectors: the messages people and models wrote, summaries and facts. Pure: no SQL, no clock.

import type { JournalRow, SessionRecord } from './records.ts';
import type { ReadRowOf } from './streams.ts';
import type { VectorItem } from './vector-store.ts';
import type { StoredFact, WorkspaceRecord } from './workspace-records.ts';

/** Where the items are. What is called changes them at once, in the batch's transaction. */
export interface VectorItems {
  /** Who wrote the session's newest message; undefined when none is known. */
  userOf(session_id: string): string | undefined;
  /** Whether there is one under this id. */
  has(id: string): boolean;
  put(items: readonly VectorItem[]): void;
  delete(ids: readonly string[]): void;
  /** Deletes what was made of these messages. */
  deleteMessages(message_ids: readonly string[]): void;
  /** Deletes what was made of these facts. */
  deleteFacts(fact_ids: readonly string[]): void;
  /** Deletes the items whose id begins so. */
  deleteBeginning(id_prefix: string): void;
  /** Deletes the summaries that are made of somebody's words too. */
  deleteSummariesWith(user_id: string): void;
  /** Deletes everything of a session or a user. */
  deleteOf(whose: { readonly session_id: string } | { readonly user_id: string }): void;
}

const SESSION_TYPES: ReadonlySet<SessionRecord['type']> = new Set<SessionRecord['type']>([
  'message_received',
  'model_replied',
  'session_deleted',
]);
const WORKSPACE_TYPES: ReadonlySet<WorkspaceRecord['type']> = new Set<WorkspaceRecord['type']>([
  'messages_added',
  'messages_deleted',
  'summary_stored',
  'facts_put',
  'facts_deleted',
  'entity_deleted',
  'session_forgotten',
  'user_erased',
]);

/** Whether a record changes vectors. Messages that are trimmed from the first tier stay here: this is what finds them still. */
export function changesVectors({ kind, record }: ReadRowOf<'session' | 'workspace'>): boolean {
  return kind === 'session' ? SESSION_TYPES.has(record.type) : WORKSPACE_TYPES.has(record.type);
}

/** Applies one row. Rows must come in order of seq, each once. */
export function applyToVectors(items: VectorItems, read: ReadRowOf<'session' | 'workspace'>): void {
  if (read.kind === 'session') {
    if (read.record.type === 'session_deleted') return items.deleteOf({ session_id: sessionIn(read.row) });
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
      const user_id = record.summary.user_id ?? items.userOf(session_id) ?? '';
      const of = { source: 'summary', ref: id, session_id, user_id, created_at: row.at } as const;
      // Whoever else spoke in it must be found by their erasure.
      const others = record.summary.user_ids?.filter((one) => one !== user_id) ?? [];
      const metadata = { from, to, ...(others.length === 0 ? {} : { others }) };
      items.put([{ ...of, id: `summary/${id}`, metadata, text: content }]);
      break;
    }
    case 'facts_put':
      // Put again under its id a fact may say something else, and what it said is said no longer.
      for (const fact of record.facts) {
        const item = factItem(fact, row.at);
        if (record.only_new === true && items.has(item.id)) continue;
        items.deleteFacts([fact.id]);
        items.put([item]);
      }
      break;
    case 'session_forgotten':
      items.deleteOf({ session_id: record.session_id });
      break;
    case 'facts_deleted':
      items.deleteFacts(record.ids);
      break;
    case 'entity_deleted':
      items.deleteBeginning(factsOf(record.id));
      break;
    case 'user_erased':
      items.deleteOf({ user_id: record.user_id });
      items.deleteSummariesWith(record.user_id);
      if (record.own) items.deleteOf({ user_id: '' });
      for (const session_id of record.session_ids) items.deleteOf({ session_id });
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

/** A statement is one item, whatever id it was put under last, as it is one triple; its facts go with their entity. */
function factItem(fact: StoredFact, at: number): VectorItem {
  const { id, entity_id, predicate, value, confidence, source, user_id, entity_name = entity_id } = fact;
  const { session_id = '' } = fact;
  const of = { source: 'fact', ref: id, session_id, user_id, created_at: fact.created_at ?? at } as const;
  const metadata = { entity_id, predicate, confidence, source };
  const place = `${factsOf(entity_id)}${JSON.stringify([predicate, value])}`;
  return { ...of, id: place, metadata, text: `${entity_name} ${predicate} ${value}` };
}

/** What the ids of an entity's facts begin with: no other entity's begin so, whatever it is called. */
function factsOf(entity_id: string): string {
  return `fact/${JSON.stringify(entity_id)}/`;
}

function sessionIn({ stream }: JournalRow): string {
  return stream.slice(stream.indexOf('/') + 1);
}

/** What tools returned is no item: it repeats what lies elsewhere, and nobody said it. */
function messageOf(items: VectorItems, row: JournalRow, record: SessionRecord): VectorItem | undefined {
  const session_id = sessionIn(row);
  const said = (role: string, user_id: string): VectorItem | undefined => {
    if (record.type !== 'message_received' && record.type !== 'model_replied') return undefined;
    const { message_id: id, turn_id, content } = record;
    return messageItem({ id, session_id, turn_id, user_id, role, content, at: row.at });
  };
  if (record.type === 'message_received') return said('user', record.user_id);
  if (record.type !== 'model_replied' || record.finish === 'failed' || record.content === '') return undefined;
  return said('assistant', items.userOf(session_id) ?? '');
}
