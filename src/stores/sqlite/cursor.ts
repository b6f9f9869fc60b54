// SPDX-License-Identifier: Apache-2.0
// Cursors of lists: opaque to whoever holds one, and a place in the order that stays where it is while rows are added.

import { failure, SigilError } from '../../errors.ts';
import type { Page, PageRequest } from '../page.ts';

const LARGEST = 200;

/** Whatever was asked for, between one and the most a page may hold. */
export function pageLimit(limit: number): number {
  return Math.max(1, Math.min(LARGEST, Math.floor(limit) || 1));
}

/** A place in an order: what the order goes by, and what decides between equals. */
type Place = string | number | readonly [string | number, string | number];

/** The place a cursor names in a list, `first` without one. @throws SigilError `validation_failed` when it is not one. */
export function placeOf<P extends Place>(list: string, page: PageRequest, first: P): P {
  if (page.cursor === undefined || page.cursor === '') return first;
  try {
    const [of, place]: unknown[] = JSON.parse(Buffer.from(page.cursor, 'base64url').toString());
    if (of === list && shape(place) === shape(first)) return place as P;
  } catch {
    // Not one of ours, as below.
  }
  throw new SigilError(failure('validation_failed', 'the cursor is not one of this list; leave it out to begin again'));
}

function shape(place: unknown): string {
  return Array.isArray(place) ? place.map((part) => typeof part).join() : typeof place;
}

/** The cursor that names a place in a list: {@link placeOf} finds it again. */
export function cursorAt(list: string, place: Place): string {
  return Buffer.from(JSON.stringify([list, place])).toString('base64url');
}

/** A page made of one row more than it holds: whether that one is there says whether there are more. */
export function pageOf<R, T>(
  list: string,
  limit: number,
  rows: readonly R[],
  place: (row: R) => Place,
  shown: (row: R) => T,
): Page<T> {
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items: items.map(shown), next_cursor: last === undefined ? null : cursorAt(list, place(last)) };
}

/**
 * A page of those rows that fit. At most `most` rows are looked at: the page may then hold fewer than it could, even none,
 * and the next one goes on behind them.
 */
export function pageOfFitting<R, T>(
  list: string,
  limit: number,
  rows: Iterable<R>,
  most: number,
  fits: (row: R) => boolean,
  place: (row: R) => Place,
  shown: (row: R) => T,
): Page<T> {
  const items: T[] = [];
  let looked = 0;
  let last: R | undefined;
  for (const row of rows) {
    if (last !== undefined && (items.length >= limit || looked >= most))
      return { items, next_cursor: cursorAt(list, place(last)) };
    if (fits(row)) items.push(shown(row));
    looked += 1;
    last = row;
  }
  return { items, next_cursor: null };
}
