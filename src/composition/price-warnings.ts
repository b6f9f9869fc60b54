// SPDX-License-Identifier: Apache-2.0
// A model is used whose price nobody knows though there is a budget in USD: said once, where the permits of all threads pass.

import type { ProviderProtocol } from '../actors/provider/protocol.ts';
import { idOf } from '../bus/address.ts';
import type { Envelope } from '../bus/envelope.ts';
import type { ThreadContext } from './context.ts';
import { livePrices } from './live-prices.ts';
import { currentPrices } from './model-prices.ts';

export interface PriceWarnings {
  /** Looks at a message for a provider. */
  note(envelope: Envelope): void;
  stop(): void;
}

/** Models warned of: their names come from people. */
const WARNED_MOST = 1_024;

/** @param live what vendors say of their prices now; asked for here when not given */
export function priceWarnings(context: ThreadContext, live = livePrices(context)): PriceWarnings {
  const prices = currentPrices(context.house, live.now);
  const looked = new Set<string>();
  return {
    note: ({ to, type, body }) => {
      if (type !== 'provider.request' || looked.size >= WARNED_MOST) return;
      const { model: name, workspace_id } = body as ProviderProtocol['provider.request']['body'];
      const model = `${idOf(to)}/${name}`;
      // A vendor that tells its prices may only not have been heard yet.
      if (looked.has(model) || !live.known() || !prices.uncounted(model, workspace_id)) return;
      looked.add(model);
      const says =
        `The price of ${model} is not known: its tokens are counted, and against budgets in USD it counts nothing. ` +
        `Set models.pricing."${model}", or models.budgets.unknown_price to deny.`;
      context.log('warn', { model }, says);
    },
    stop: live.stop,
  };
}
