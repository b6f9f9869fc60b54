// SPDX-License-Identifier: Apache-2.0
// What a workspace remembers about a text, asked of every tier there is at once.

import type { RecalledRow } from './knowledge-queries.ts';
import type { Found, MemoryMessageRow, SummaryRow } from './memory-queries.ts';
import { type FoundKind, USUAL_KINDS } from './scope-words.ts';
import type { ReadStore } from './session-store.ts';

export interface RecallOptions {
  readonly workspace_id: string;
  /** All that the workspace has, when not given. */
  readonly user_id?: string | undefined;
  readonly session_id?: string | undefined;
  readonly text: string;
  /** Of each tier. */
  readonly limit: number;
  readonly kinds?: readonly FoundKind[] | undefined;
}

/** What each tier has, best first; known things last put first. What is alike in meaning (tier 4) has its place here. */
export interface Recalled {
  readonly known: readonly RecalledRow[];
  readonly messages: readonly Found<MemoryMessageRow>[];
  readonly summaries: readonly Found<SummaryRow>[];
}

export async function recall(read: ReadStore, options: RecallOptions, barrier?: Barrier): Promise<Recalled> {
  const { limit, kinds = USUAL_KINDS, ...rest } = options;
  const body = { ...rest, match: 'any', page: { limit } } as const;
  const { workspace_id, user_id, text } = options;
  const words = plainWords(text);
  const [known, messages, summaries] = await Promise.all([
    words.length === 0
      ? { items: [] }
      : read.read('knowledge.recall', { workspace_id, user_id, words, limit }, barrier),
    read.read('memory.search', { ...body, kinds }, barrier),
    read.read('memory.search_summaries', body, barrier),
  ]);
  return { known: known.items, messages: messages.items, summaries: summaries.items };
}

/** Words that what is known is asked for: all of them must be in it. */
const WORDS_MOST = 12;

export function plainWords(text: string): readonly string[] {
  return [
    ...new Set(
      text
        .slice(0, 4_096)
        .toLowerCase()
        .match(/[\p{L}\p{N}\p{M}]+/gu) ?? [],
    ),
  ].slice(0, WORDS_MOST);
}

type Barrier = Parameters<ReadStore['read']>[2];
