// SPDX-License-Identifier: Apache-2.0
// How the views' thread has texts embedded: by the configured model, over the bus, with the indexes told of a change.

import { address } from '../bus/address.ts';
import { STORE_IDS } from '../stores/protocol.ts';
import type { VectorsOptions } from '../stores/sqlite/vectors-projection.ts';
import { askToEmbed } from './ask-to-embed.ts';
import type { ThreadContext } from './context.ts';
import { embeddingChoice } from './embedding-choice.ts';

/** How long a batch may take, in milliseconds: a vendor's may have to wait for its turn. */
const WITHIN = 5 * 60_000;

/** Undefined where nothing is embedded: it is turned off, or its model cannot run, which is said at the start. */
export function embedding(context: ThreadContext): VectorsOptions | undefined {
  const choice = embeddingChoice(context.house.config);
  if (choice.kind === 'off' || choice.kind === 'refused') return undefined;
  const from = address('store', STORE_IDS.views);
  return {
    model: choice.model,
    embed: (ask, answered) => askToEmbed(context, ask, { from, within: WITHIN }, answered),
    filling: (workspace, filling) =>
      void context.bus.send(address('vector-index', workspace), 'vector.filling', { filling }, { from }),
  };
}
