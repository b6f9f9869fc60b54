// SPDX-License-Identifier: Apache-2.0
// Cursors of lists: opaque to whoever holds one, and a place in the order that stays where it is while rows are added.

import { failure, SigilError } from '../../errors.ts';
import type { Page, PageRequest } from '../page.ts';

const LARGEST = 200;

/** Whatever was asked for, between one and the most a page may hold. */
export function pageLimit(limit: number): number {
  return Math.max(1, Math.min(LARGEST, Math.floor(limit) || 1));
}

/** The place a cursor names in a list, `first` without one. @throws SigilError `validation_failed` when it is not one. */
export function placeOf<P extends string | number>(list: string, page: PageRequest, first: P): P {
  if (page.cursor === undefined || page.cursor === '') return first;
  try {
    const [of, place]: unknown[] = JSON.parse(Buffer.from(page.cursor, 'base64url').toString());
    if (of === list && typeof place === typeof first) return place as P;
  } catch {
    // Not one of ours, as below.
  }
  throw new SigilError(failure('validation_failed', 'the cursor is not one of this list; leave it out to begin again'));
}

/** A page made of one row more than it holds: whether that one is there says whether there are more. */
export function pageOf<R, T>(
  list: string,
  limit: number,
  rows: readonly R[],
  place: (row: R) => string | number,
  shown: (row: R) => T,
): Page<T> {
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items: items.map(shown), next_cursor: last === undefined ? null : cursorOf(list, place(last)) };
}

/** The cursor that names a place in a list. */
export function cursorOf(list: string, place: string | number): string {
  return Buffer.from(JSON.stringify([list, place])).toString('base64url');
}
