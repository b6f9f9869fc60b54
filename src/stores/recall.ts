// SPDX-License-Identifier: Apache-2.0
// What a workspace remembers about a text, asked of every tier there is at once.

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

/** What each tier has, best first. Facts (tier 3) and what is alike in meaning (tier 4) have their place beside these. */
export interface Recalled {
  readonly messages: readonly Found<MemoryMessageRow>[];
  readonly summaries: readonly Found<SummaryRow>[];
}

export async function recall(read: ReadStore, options: RecallOptions, barrier?: Barrier): Promise<Recalled> {
  const { limit, kinds = USUAL_KINDS, ...rest } = options;
  const body = { ...rest, match: 'any', page: { limit } } as const;
  const [messages, summaries] = await Promise.all([
    read.read('memory.search', { ...body, kinds }, barrier),
    read.read('memory.search_summaries', body, barrier),
  ]);
  return { messages: messages.items, summaries: summaries.items };
}

type Barrier = Parameters<ReadStore['read']>[2];
