// SPDX-License-Identifier: Apache-2.0
// Texts that are like a text, asked of the workspace's vector index.

import { address } from '../bus/address.ts';
import type { VectorResult } from '../stores/vector-store.ts';
import { ask } from './ask.ts';
import type { EdgePorts } from './ports.ts';

export interface SimilarQuery {
  readonly workspace_id: string;
  readonly user_id?: string;
  readonly session_id?: string;
  readonly text: string;
  readonly limit: number;
  /** Ids of what was found by its words already. */
  readonly known: ReadonlySet<string>;
}

/** How long the index may take, in milliseconds: it may have to load. */
const WITHIN = 10_000;
/**
 * Below it two texts are taken for unrelated. Of the built-in model over the notes of `test/embeddings/`: 99 of 100 questions to
 * another note stay under 0.15, and 19 of 20 to their own reach 0.22.
 */
const LEAST_SCORE = 0.2;

/** The nearest that are near at all, best first; nothing where the configuration has nothing embedded. */
export async function similarTexts(
  { bus, config }: EdgePorts,
  { workspace_id, user_id, session_id, text, limit, known }: SimilarQuery,
): Promise<readonly VectorResult[]> {
  if (!config.sessions.memory.embeddings.enabled || text.trim() === '') return [];
  const to = address('vector-index', workspace_id);
  const filter = { user_id, session_id };
  const body = { query: text, k: limit + known.size, filter };
  const { results } = await ask(bus, to, 'vector.search', body, WITHIN);
  return results.filter(({ ref, score }) => score >= LEAST_SCORE && !known.has(ref)).slice(0, limit);
}
