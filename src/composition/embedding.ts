// SPDX-License-Identifier: Apache-2.0
// How the views' thread has texts embedded: by the configured model, over the bus, with the indexes told of a change.

import { address } from '../bus/address.ts';
import { BUILT_IN_MODELS } from '../embeddings/model-list.ts';
import { STORE_IDS } from '../stores/protocol.ts';
import type { VectorsOptions } from '../stores/sqlite/vectors-projection.ts';
import type { ThreadContext } from './context.ts';

/** How long a batch may take, in milliseconds. */
const WITHIN = 60_000;

/** Undefined where nothing is embedded: it is turned off, or its model is not there, which is said at the start. */
export function embedding({ bus, house }: ThreadContext): VectorsOptions | undefined {
  const { enabled, model: name } = house.config.sessions.memory.embeddings;
  const dimensions = BUILT_IN_MODELS.get(name);
  if (!enabled || dimensions === undefined) return undefined;
  const from = address('store', STORE_IDS.views);
  const embedder = address('store', STORE_IDS.embedder);
  return {
    model: { name, dimensions },
    embed: (request, answered) =>
      bus.ask(embedder, 'pool.embed', request, { from, within: WITHIN }, (answer) => {
        answered(answer.ok ? { ok: true, vectors: answer.body.vectors } : answer);
      }),
    filling: (workspace, filling) =>
      void bus.send(address('vector-index', workspace), 'vector.filling', { filling }, { from }),
  };
}
