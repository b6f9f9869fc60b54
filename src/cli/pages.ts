// SPDX-License-Identifier: Apache-2.0
// Lists that come in pages, read until there is enough of them.

import type { GatewayClient } from './client.ts';
import { type JsonObject, object, objects, text } from './json-reading.ts';

const LARGEST_PAGE = 200;
/** For lists that somebody wrote by hand and nobody wants a part of. */
export const EVERYTHING = Number.POSITIVE_INFINITY;

/** The path with a query; what is undefined is left out. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search.size === 0 ? path : `${path}?${search}`;
}

/** What was read of a list, and the first page's other fields (totals). */
export interface ListReading {
  readonly items: readonly JsonObject[];
  /** Where the rest begins; null when there is no rest. */
  readonly nextCursor: string | null;
  readonly first: JsonObject;
}

/** At most `most` items of a list. */
export async function listOf(
  client: GatewayClient,
  path: string,
  most: number,
  query: Readonly<Record<string, string | undefined>> = {},
): Promise<ListReading> {
  const items: JsonObject[] = [];
  let first: JsonObject | undefined;
  let cursor: string | undefined;
  do {
    const limit = Math.min(LARGEST_PAGE, most - items.length);
    const page = object(await client.get(withQuery(path, { ...query, limit, cursor })));
    first ??= page;
    items.push(...objects(page['items']));
    cursor = text(page['next_cursor']) || undefined;
  } while (cursor !== undefined && items.length < most);
  return { items, nextCursor: cursor ?? null, first: first ?? {} };
}
