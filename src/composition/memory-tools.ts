// SPDX-License-Identifier: Apache-2.0
// The memory the tools of a turn are given: bound to its workspace and to the person who asks.

import type { Known, MemoryHit, MemoryPort, MemorySummary } from '../agent/tools/memory-port.ts';
import { toFailure } from '../errors.ts';
import type { RecalledRow } from '../stores/knowledge-queries.ts';
import type { KnowledgeStore } from '../stores/knowledge-store.ts';
import { SUBJECT } from '../stores/knowledge-view.ts';
import type { MemoryMessageRow, SummaryRow } from '../stores/memory-queries.ts';
import { plainWords, recall } from '../stores/recall.ts';
import type { FoundKind } from '../stores/scope-words.ts';
import type { ReadBarrier, ReadStore } from '../stores/session-store.ts';
import { statementIds } from './statement-ids.ts';

export interface MemoryToolsOptions {
  readonly read: ReadStore;
  readonly knowledge: KnowledgeStore;
  readonly workspace_id: string;
  readonly user_id: string;
  readonly turn_id: string;
}

/** What the agent finds: what was said, and what it was asked to keep. Results of other tools repeat the rest. */
const KINDS: readonly FoundKind[] = ['user', 'assistant', 'remembered'];

export function memoryTools({ read, knowledge, workspace_id, user_id, turn_id }: MemoryToolsOptions): MemoryPort {
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
      const { known, messages, summaries } = await fresh((barrier) =>
        recall(read, { ...of, text, limit, kinds: KINDS }, barrier),
      );
      return { known: known.map(knownOf), messages: messages.map(hitOf), summaries: summaries.map(summaryOf) };
    },
    summaries: async (from, to, limit) => {
      const body = { ...of, from, to, order: 'newest', page: { limit } } as const;
      return (await fresh((barrier) => read.read('memory.summaries', body, barrier))).items.map(summaryOf);
    },
    remember: async (statement) => {
      const { entity_id, fact_id } = statementIds(user_id, statement);
      const { subject, predicate, value } = statement;
      await knowledge.putFacts(
        workspace_id,
        [{ id: fact_id, entityId: entity_id, predicate, value, source: turn_id, userId: user_id }],
        [{ id: entity_id, type: SUBJECT, name: subject, userId: user_id }],
      );
      return 'facts';
    },
  };
}

/** Reads everything acknowledged before; under load memory may be behind, and then what there is is better than nothing. */
async function fresh<T>(read: (barrier: ReadBarrier) => Promise<T>): Promise<T> {
  try {
    return await read({ after: 'latest' });
  } catch (thrown) {
    if (toFailure(thrown).code !== 'view_behind') throw thrown;
    return await read({ after: 0 });
  }
}

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
