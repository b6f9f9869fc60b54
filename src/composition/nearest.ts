// SPDX-License-Identifier: Apache-2.0
// The nearest texts of a workspace, asked of its vector index: what tools find by meaning.

import type { SigilBus } from '../actors/protocols.ts';
import { type Address, address } from '../bus/address.ts';
import type { Config } from '../config/schema.ts';
import { leastScore } from '../stores/nearness.ts';
import { asking } from './asking.ts';
import type { Nearest } from './memory-tools.ts';

/** How long the index may take, in milliseconds: it may have to load, and a vendor to be asked. */
const WITHIN = 12_000;

/** Null where the configuration has nothing embedded. */
export function nearestTexts(bus: Pick<SigilBus, 'ask'>, from: Address, config: Config): Nearest | null {
  const { enabled, model } = config.sessions.memory.embeddings;
  if (!enabled) return null;
  const least = leastScore(model);
  return async (workspace_id, body) => {
    const to = address('vector-index', workspace_id);
    const { results } = await asking(bus, to, 'vector.search', body, { from, within: WITHIN });
    return results.filter(({ score }) => score >= least);
  };
}
