// SPDX-License-Identifier: Apache-2.0
// What every call of a model from a lane's thread has in common: how it is made again, what it is taken to have used, what that costs.

import type { CallModelOptions } from '../actors/session/call-model.ts';
import { costOf, estimateTokens, tokensOf } from '../agent/estimate.ts';
import type { Usage } from '../stores/records.ts';
import type { ThreadContext } from './context.ts';
import type { LaneAdapters } from './lane-adapters.ts';
import type { ModelPrices } from './model-prices.ts';

/** What every call of a model is made with, whoever it is for. */
export function callParts(
  { bus, world, house }: ThreadContext,
  { stream }: Pick<LaneAdapters, 'stream'>,
): Omit<CallModelOptions, 'prepare' | 'turn_timeout'> {
  return {
    bus,
    world,
    stream,
    retries: (provider) => {
      const { max_retries = 0, timeouts } = house.config.providers[provider] ?? {};
      return { most: max_retries, within: timeouts?.first_event ?? 0 };
    },
    unreported: (asked, characters) => ({
      inputTokens: estimateTokens(asked),
      // No more than it was allowed.
      outputTokens: Math.min(tokensOf(characters), asked.options.maxTokens ?? Number.POSITIVE_INFINITY),
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      estimated: true,
    }),
  };
}

/** What so much of a model costs, in USD. */
export function usageCost(model: string, usage: Usage, prices: ModelPrices): number {
  return costOf(
    {
      inputTokens: usage.input_tokens,
      outputTokens: usage.output_tokens,
      cacheReadTokens: usage.cache_read_tokens,
      cacheWriteTokens: usage.cache_write_tokens,
    },
    prices.of(model),
  );
}
