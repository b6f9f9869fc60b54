// SPDX-License-Identifier: Apache-2.0
// What was used: tokens and cost by provider, model, workspace, user and session, whole or by the hour.

import type { Instant } from '../world.ts';
import type { UsageBy, UsageRow } from './directory-queries.ts';
import type { ListRequest } from './gateway-store.ts';
import type { Page } from './page.ts';
import type { ReadStore } from './session-store.ts';

export interface UsageFilter {
  readonly by: UsageBy;
  /** Whole hours: the one that holds `from` counts, the one that begins at `to` does not. */
  readonly from?: Instant | undefined;
  readonly to?: Instant | undefined;
  /** By provider or model only: what this user used. */
  readonly userId?: string | undefined;
  /** A row for each hour instead of one for all. */
  readonly hourly?: boolean | undefined;
}

export interface Used {
  /** A provider's name, `provider/model`, or the id of a workspace, user or session. */
  readonly key: string;
  /** When the hour began; null in a sum over all. */
  readonly hour: Instant | null;
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** Of calls that were interrupted, at what was reserved for them. */
  readonly settledTokens: number;
  readonly costUsd: number;
}

export interface UsageStore {
  /** By key, then by hour. */
  query(filter: UsageFilter, page?: ListRequest): Promise<Page<Used>>;
}

/** @param dateOf makes a time of epoch milliseconds */
export function createUsageStore(store: ReadStore, dateOf: (epoch: number) => Instant): UsageStore {
  const used = (row: UsageRow): Used => ({
    key: row.key,
    hour: row.hour === null ? null : dateOf(row.hour),
    calls: row.calls,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    cacheReadTokens: row.cache_read_tokens,
    cacheWriteTokens: row.cache_write_tokens,
    settledTokens: row.settled_tokens,
    costUsd: row.cost_usd,
  });
  return {
    async query({ by, from, to, userId, hourly = false }, { limit = 50, cursor } = {}) {
      const query = { by, from: from?.getTime(), to: to?.getTime(), user_id: userId, hourly };
      const { items, next_cursor } = await store.read(
        'usage.list',
        { query, page: { limit, cursor } },
        { after: 'latest' },
      );
      return { items: items.map(used), next_cursor };
    },
  };
}
