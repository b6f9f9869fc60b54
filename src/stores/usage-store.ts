// SPDX-License-Identifier: Apache-2.0
// What was used: tokens and cost by provider, model, workspace, user and session, whole or by the hour.

import type { Instant } from '../world.ts';
import type { UsageBy, UsagePer, UsageRow, UsageSums } from './directory-queries.ts';
import type { ListRequest } from './gateway-store.ts';
import type { Page } from './page.ts';
import type { ReadStore } from './session-store.ts';

export interface UsageFilter {
  readonly by: UsageBy;
  /** Whole hours: the one that holds `from` counts, the one that begins at `to` does not. */
  readonly from?: Instant | undefined;
  readonly to?: Instant | undefined;
  /** Only what this user used; not together with a workspace, and not by workspace or session, which is not kept. */
  readonly userId?: string | undefined;
  /** Only what was used in this workspace; not by user, which is not kept. */
  readonly workspaceId?: string | undefined;
  /** One row for all, or one for each hour or day (UTC). */
  readonly per?: UsagePer | undefined;
}

export interface Used extends UsedSums {
  /** A provider's name, `provider/model`, or the id of a workspace, user or session; empty in a total. */
  readonly key: string;
  /** When the hour or the day began; null in a sum over all. */
  readonly hour: Instant | null;
}

export interface UsedSums {
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** Of calls that were interrupted, at what was reserved for them. */
  readonly settledTokens: number;
  readonly costUsd: number;
}

export interface UsedPage extends Page<Used> {
  /** Of all pages together; null on those after the first. */
  readonly totals: UsedSums | null;
}

export interface UsageStore {
  /** By key, then by hour. */
  query(filter: UsageFilter, page?: ListRequest): Promise<UsedPage>;
}

/** @param dateOf makes a time of epoch milliseconds */
export function createUsageStore(store: ReadStore, dateOf: (epoch: number) => Instant): UsageStore {
  const used = (row: UsageRow): Used => ({
    key: row.key,
    hour: row.hour === null ? null : dateOf(row.hour),
    ...sumsOf(row),
  });
  const sumsOf = (row: UsageSums): UsedSums => ({
    calls: row.calls,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    cacheReadTokens: row.cache_read_tokens,
    cacheWriteTokens: row.cache_write_tokens,
    settledTokens: row.settled_tokens,
    costUsd: row.cost_usd,
  });
  return {
    async query({ by, from, to, userId, workspaceId, per = 'all' }, { limit = 50, cursor } = {}) {
      const query = { by, from: from?.getTime(), to: to?.getTime(), user_id: userId, workspace_id: workspaceId, per };
      const { items, next_cursor, totals } = await store.read(
        'usage.list',
        { query, page: { limit, cursor } },
        { after: 'latest' },
      );
      return { items: items.map(used), next_cursor, totals: totals === null ? null : sumsOf(totals) };
    },
  };
}
