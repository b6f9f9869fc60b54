// SPDX-License-Identifier: Apache-2.0
// A page of a list that is whole in memory: what the configuration names, what one part answered.

import { openCursor, otherList, sealCursor } from './cursor.ts';

/** What of a list is wanted. */
export interface Wanted {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** What a page of a list is. */
export interface Listed<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

/**
 * A page in the list's own order. The next one begins behind the last item of this one, wherever that stands by then; when it
 * is gone, at the place it had.
 *
 * @throws Refusal `validation_failed` for a cursor of another list
 */
export function pageOf<T>(all: readonly T[], keyOf: (item: T) => string, { limit, cursor }: Wanted): Listed<T> {
  let from = 0;
  if (cursor !== undefined) {
    const { after, at = '' } = openCursor(cursor);
    if (after === undefined || !/^\d{1,9}$/.test(at)) throw otherList();
    const found = all.findIndex((item) => keyOf(item) === after);
    from = found === -1 ? Number(at) : found + 1;
  }
  const items = all.slice(from, from + limit);
  const last = items.at(-1);
  const more = last !== undefined && from + items.length < all.length;
  return { items, next_cursor: more ? sealCursor({ after: keyOf(last), at: from + items.length }) : null };
}
