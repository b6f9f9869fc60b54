// SPDX-License-Identifier: Apache-2.0
// Texts that are like a text, asked of the workspace's vector index.

import { address } from '../bus/address.ts';
import { toFailure } from '../errors.ts';
import { leastScore } from '../stores/nearness.ts';
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

/** How long the index may take, in milliseconds: it may have to load, and a vendor to be asked. */
const WITHIN = 12_000;

/** What is near a text; and when that cannot be found now, why. */
export interface Similar {
  readonly items: readonly VectorResult[];
  readonly error: { readonly code: string; readonly message: string } | null;
}

/**
 * The nearest that are near at all, best first; nothing where the configuration has nothing embedded. What a text brings to mind
 * by its words does not depend on any of this, so it is never thrown.
 */
export async function similarTexts(
  { bus, config }: EdgePorts,
  { workspace_id, user_id, session_id, text, limit, known }: SimilarQuery,
): Promise<Similar> {
  const { enabled, model } = config.sessions.memory.embeddings;
  if (!enabled || text.trim() === '') return { items: [], error: null };
  const to = address('vector-index', workspace_id);
  const filter = { user_id, session_id };
  const body = { query: text, k: limit + known.size, filter };
  const least = leastScore(model);
  try {
    const { results } = await ask(bus, to, 'vector.search', body, WITHIN);
    return {
      items: results.filter(({ ref, score }) => score >= least && !known.has(ref)).slice(0, limit),
      error: null,
    };
  } catch (thrown) {
    const { code, message } = toFailure(thrown);
    return { items: [], error: { code, message } };
  }
}
