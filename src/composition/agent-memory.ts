// SPDX-License-Identifier: Apache-2.0
// A workspace's memory as the agent's tools get it, bound to one person: what the stores hold, in the tools' words.

import type { MemoryHit, MemoryPort, MemorySummary } from '../agent/tools/memory-port.ts';
import { toFailure } from '../errors.ts';
import type { MemoryMessageRow, SummaryRow } from '../stores/memory-queries.ts';
import { recall } from '../stores/recall.ts';
import type { FoundKind } from '../stores/scope-words.ts';
import type { ReadBarrier, ReadStore } from '../stores/session-store.ts';

/** Whose memory it is. */
export interface MemoryOf {
  readonly workspace_id: string;
  readonly user_id: string;
}

/** What the agent finds: what was said, and what it was asked to keep. Results of other tools repeat the rest. */
const KINDS: readonly FoundKind[] = ['user', 'assistant', 'remembered'];

export function createAgentMemory(store: ReadStore, of: MemoryOf): MemoryPort {
  return {
    search: async (text, match, limit) => {
      const body = { ...of, text, match, kinds: KINDS, page: { limit } };
      return (await fresh((barrier) => store.read('memory.search', body, barrier))).items.map(hitOf);
    },
    recall: async (text, limit) => {
      const { messages, summaries } = await fresh((barrier) =>
        recall(store, { ...of, text, limit, kinds: KINDS }, barrier),
      );
      return { messages: messages.map(hitOf), summaries: summaries.map(summaryOf) };
    },
    summaries: async (from, to, limit) => {
      const body = { ...of, from, to, order: 'newest', page: { limit } } as const;
      return (await fresh((barrier) => store.read('memory.summaries', body, barrier))).items.map(summaryOf);
    },
    // There is no store of facts yet: the statement is in the history, where search finds it.
    remember: async () => 'history',
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
