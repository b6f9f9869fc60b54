// SPDX-License-Identifier: Apache-2.0
// The memory the tools of a turn are given: bound to its workspace and to the person who asks.

import { rememberedIn } from '../agent/tools/memory.ts';
import type {
  Forgotten,
  Known,
  MemoryHit,
  MemoryPort,
  MemorySummary,
  SimilarHit,
  SimilarHits,
  Statement,
} from '../agent/tools/memory-port.ts';
import { failure, SigilError, toFailure } from '../errors.ts';
import { foldedText } from '../stores/folded-text.ts';
import type { RecalledRow } from '../stores/knowledge-queries.ts';
import type { KnowledgeStore } from '../stores/knowledge-store.ts';
import { SUBJECT } from '../stores/knowledge-view.ts';
import type { MemoryMessageRow, SummaryRow } from '../stores/memory-queries.ts';
import { plainWords, recall } from '../stores/recall.ts';
import type { FoundKind } from '../stores/scope-words.ts';
import type { ReadBarrier, ReadStore } from '../stores/session-store.ts';
import type { VectorFilter, VectorResult } from '../stores/vector-store.ts';
import type { WorkspaceRecord } from '../stores/workspace-records.ts';
import type { WorkspaceWriter } from '../stores/workspace-writer.ts';
import { statementIds } from './statement-ids.ts';

export interface MemoryToolsOptions {
  readonly read: ReadStore;
  readonly knowledge: KnowledgeStore;
  readonly workspace_id: string;
  readonly user_id: string;
  readonly turn_id: string;
  readonly writer: WorkspaceWriter;
  /** Whether statements become facts; else they stay in the history alone. */
  readonly keepsFacts: boolean;
  /** The nearest texts of a workspace; null where nothing is embedded. */
  readonly nearest: Nearest | null;
}

/** Asks the index of a workspace; rejects with why it cannot answer. */
export type Nearest = (
  workspace_id: string,
  body: { readonly query: string; readonly k: number; readonly filter: VectorFilter },
) => Promise<readonly VectorResult[]>;

/** What a recall adds of what is alike. */
const ALIKE = 20;
/** Things, and facts of each, that are looked through for what is to be forgotten. */
const FORGET = { entities: 50, facts: 200, messages: 200 } as const;

/** What the agent finds: what was said, and what it was asked to keep. Results of other tools repeat the rest. */
const KINDS: readonly FoundKind[] = ['user', 'assistant', 'remembered'];

export function memoryTools(options: MemoryToolsOptions): MemoryPort {
  const { read, knowledge, workspace_id, user_id, turn_id } = options;
  const of = { workspace_id, user_id };
  return {
    search: async (text, match, limit) => {
      const body = { ...of, text, match, kinds: KINDS, page: { limit } };
      return (await fresh((barrier) => read.read('memory.search', body, barrier))).items.map(hitOf);
    },
    known: async (text, limit) => {
      const body = { ...of, words: plainWords(text), limit };
      return (await fresh((barrier) => read.read('knowledge.recall', body, barrier))).items.map(knownOf);
    },
    recall: async (text, limit) => {
      // Words need nobody; what is alike is told where it can be had.
      const [{ known, messages, summaries }, { items }] = await Promise.all([
        fresh((barrier) => recall(read, { ...of, text, limit, kinds: KINDS }, barrier)),
        similar(options, text, ALIKE),
      ]);
      return {
        known: known.map(knownOf),
        messages: messages.map(hitOf),
        summaries: summaries.map(summaryOf),
        similar: items,
      };
    },
    summaries: async (from, to, limit) => {
      const body = { ...of, from, to, order: 'newest', page: { limit } } as const;
      return (await fresh((barrier) => read.read('memory.summaries', body, barrier))).items.map(summaryOf);
    },
    remember: async (statement) => {
      if (!options.keepsFacts) return 'history';
      const { entity_id, fact_id } = statementIds(user_id, statement);
      const { subject, predicate, value } = statement;
      await knowledge.putFacts(
        workspace_id,
        [{ id: fact_id, entityId: entity_id, predicate, value, source: turn_id, userId: user_id }],
        [{ id: entity_id, type: SUBJECT, name: subject, userId: user_id }],
      );
      return 'facts';
    },
    similar: (text, k) => similar(options, text, k),
    forget: (what) => forget(options, what),
    sessions: async (limit) => {
      const body = { ...of, page: { limit } };
      const { items } = await fresh((barrier) => read.read('session.list', body, barrier));
      return items.map(({ id, title, status, messages, created_at, updated_at }) => {
        return { id, title, status, messages, created_at, updated_at };
      });
    },
  };
}

async function similar(
  { nearest, workspace_id, user_id }: MemoryToolsOptions,
  text: string,
  k: number,
): Promise<SimilarHits> {
  if (nearest === null) return { items: [], unavailable: 'nothing is embedded here.' };
  try {
    const items = await nearest(workspace_id, { query: text, k, filter: { user_id } });
    return { items: items.map(similarOf), unavailable: null };
  } catch (thrown) {
    return { items: [], unavailable: toFailure(thrown).message };
  }
}

function similarOf({ source, metadata, text, score, created_at }: VectorResult): SimilarHit {
  const { role, turn_id } = metadata;
  return {
    source,
    role: role === 'user' || role === 'assistant' || role === 'system' || role === 'tool' ? role : null,
    turn_id: typeof turn_id === 'string' ? turn_id : '',
    text,
    score,
    created_at: new Date(created_at).toISOString(),
  };
}

/** Facts that state it, things of which nothing else is known, and results in which it was kept. Others' stay. */
async function forget(options: MemoryToolsOptions, what: Forgotten): Promise<readonly Statement[]> {
  const { read, writer, workspace_id, user_id } = options;
  const of = { workspace_id, user_id };
  const own = (owner: string): boolean => owner === user_id || (owner === '' && workspace_id === `personal:${user_id}`);
  const same = (one: string | undefined, wanted: string | undefined): boolean =>
    wanted === undefined || (one !== undefined && foldedText(one) === foldedText(wanted));
  const forgotten = new Map<string, Statement>();
  const note = ({ subject, predicate, value }: Statement): void =>
    void forgotten.set(JSON.stringify([subject, predicate, value]), { subject, predicate, value });
  const [facts, things, messages]: [string[], string[], string[]] = [[], [], []];

  const named = { ...of, name_prefix: what.subject, page: { limit: FORGET.entities } };
  const { items: entities } = await whole((barrier) => read.read('knowledge.entities', named, barrier));
  for (const { id, type, name, user_id: owner, properties } of entities) {
    if (!same(name, what.subject)) continue;
    const body = { ...of, entity_id: id, page: { limit: FORGET.facts } };
    const { items, next_cursor } = await whole((barrier) => read.read('knowledge.facts', body, barrier));
    const going = items.filter(
      (fact) => own(fact.user_id) && same(fact.predicate, what.predicate) && same(fact.value, what.value),
    );
    for (const { id: fact_id, predicate, value } of going) {
      facts.push(fact_id);
      note({ subject: name, predicate, value });
    }
    const empty = going.length === items.length && next_cursor === null && Object.keys(properties).length === 0;
    if (empty && own(owner) && type === SUBJECT) things.push(id);
  }
  const said = [what.subject, what.predicate, what.value].filter((text) => text !== undefined).join(' ');
  const kept = { ...of, text: said, match: 'all', kinds: ['remembered'], page: { limit: FORGET.messages } } as const;
  for (const { id, content } of (await whole((barrier) => read.read('memory.search', kept, barrier))).items) {
    const { subject, predicate, value } = rememberedIn(content) ?? {};
    if (subject === undefined || predicate === undefined || value === undefined) continue;
    if (!same(subject, what.subject) || !same(predicate, what.predicate) || !same(value, what.value)) continue;
    messages.push(id);
    note({ subject, predicate, value });
  }
  const records: WorkspaceRecord[] = [
    ...(facts.length === 0 ? [] : [{ type: 'facts_deleted', ids: facts } as const]),
    ...things.map((id) => ({ type: 'entity_deleted', id }) as const),
    ...(messages.length === 0 ? [] : [{ type: 'messages_deleted', ids: messages } as const]),
  ];
  if (records.length > 0) await writer.write({ workspace_id, records });
  return [...forgotten.values()];
}

/** Reads everything acknowledged before. @param behind what is done where memory does not come to it in time */
async function upToDate<T>(read: (barrier: ReadBarrier) => Promise<T>, behind: () => Promise<T>): Promise<T> {
  try {
    return await read({ after: 'latest' });
  } catch (thrown) {
    if (toFailure(thrown).code !== 'view_behind') throw thrown;
    return await behind();
  }
}

/** Under load memory may be behind, and then what there is is better than nothing. */
function fresh<T>(read: (barrier: ReadBarrier) => Promise<T>): Promise<T> {
  return upToDate(read, () => read({ after: 0 }));
}

/**
 * All or nothing: what is not indexed yet would stay, and whoever had it forgotten was told that it is gone.
 *
 * @throws SigilError `view_behind`
 */
function whole<T>(read: (barrier: ReadBarrier) => Promise<T>): Promise<T> {
  return upToDate(read, () => Promise.reject(new SigilError(failure('view_behind', NOT_INDEXED))));
}

const NOT_INDEXED = 'What was said last is not indexed yet, so nothing was forgotten. Try again in a moment.';

function hitOf({ turn_id, role, content, created_at }: MemoryMessageRow): MemoryHit {
  return { turn_id, role, content, created_at };
}

function summaryOf({ content, from, to }: SummaryRow): MemorySummary {
  return { content, from, to };
}

function knownOf(row: RecalledRow): Known {
  if (row.kind === 'entity') {
    const { type, name, properties, created_at } = row.entity;
    return { kind: 'entity', type, name, properties, created_at };
  }
  const { entity_id, entity_name, predicate, value, created_at } = row.fact;
  return { kind: 'fact', subject: entity_name ?? entity_id, predicate, value, created_at };
}
