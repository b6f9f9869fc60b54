// SPDX-License-Identifier: Apache-2.0
// A search of one full-text index, in steps: others' reads come in between, and no step takes long.

import type { Found, SearchBody } from '../memory-queries.ts';
import type { Page } from '../page.ts';
import type { FoundKind } from '../scope-words.ts';
import { matchExpression, type SearchTerm, searchTerms, stemOf, termsExpression } from '../search-query.ts';
import { type Candidate, inOrder, ranked } from '../search-rank.ts';
import { snippetSteps } from '../snippet.ts';
import { folded } from '../text-words.ts';
import { cursorAt, pageLimit, placeOf } from './cursor.ts';

/** A row that matches, as it lies there. */
export interface StoredCandidate {
  readonly n: number;
  readonly text: string | null;
  readonly length: number;
}

/** What a search needs of its file. Asked for anew at every step, for files may be closed in between. */
export interface TextIndex<R> {
  /** The numbers of the newest rows that match within a time, newest first. */
  numbers(expression: string, from: number, to: number, limit: number): readonly number[];
  /** The index's own BM25 of every row that matches, the higher the better. For words that few rows have: it counts them all. */
  scores(expression: string): ReadonlyMap<number, number>;
  /** The newest rows that match within a time, newest first. */
  candidates(expression: string, from: number, to: number, limit: number): readonly StoredCandidate[];
  /** How many rows match, counted up to a limit from the newest on, and the number of the oldest that was counted. */
  frequency(expression: string, limit: number): { readonly count: number; readonly oldest: number };
  /** The first and the last number there is. */
  span(): { readonly first: number; readonly last: number };
  /** Words that begin so. */
  wordsLike(stem: string, limit: number): readonly string[];
  /** A row by its number, with its content; undefined when it is gone or not within the scope. */
  row(n: number, scope: SearchBody): R | undefined;
}

export type TextSearch = SearchBody & { readonly kinds?: readonly FoundKind[] | undefined };

/**
 * How many of the newest matches are ranked. Ranking all that hold a common word would take longer than anybody waits, and
 * those left out are the oldest of very many.
 */
const RANKED = 500;
/** A search that found fewer goes on with other forms of its words, then with some of them. */
const FEW = 10;
/**
 * Rows a frequency is counted over: beyond, it is taken from how close they lie, and the index, which would count them all
 * (the commonest word of a hundred thousand rows takes it hundreds of milliseconds), is not asked for the order any more.
 */
const COUNTED = 2_000;
/** A word that more than one of so many rows has is common: the index's own BM25 says nothing about it any more. */
const COMMON = 3;
/** Other forms of a word that are looked for, and how many words are looked through for them. */
const FORMS = 40;
const FORMS_SEEN = 400;
/** Texts looked at between two breaths when they are ranked. */
const BREATH = 32;
/** Content on one page, in UTF-16 units: a page of longer messages is shorter. */
const PAGE_LENGTH = 4 * 1024 * 1024;

/** The name of the list in its cursors. */
const LIST = 'search';

/**
 * Finds rows by their words and gives a page of them, best first. The order is made once: the cursor carries the numbers of
 * all that was found and not shown yet, so pages neither repeat nor miss anything while rows are added.
 *
 * @param index asked for anew at each step; undefined while the workspace has no file
 */
export function* searchSteps<R extends { readonly content: string }>(
  index: () => TextIndex<R> | undefined,
  search: TextSearch,
): Generator<undefined, Page<Found<R>>> {
  const terms = searchTerms(search.text);
  const place = placeOf(LIST, search.page, '');
  if (terms.length === 0 || index() === undefined) return { items: [], next_cursor: null };
  const formed = (): readonly SearchTerm[] => terms.map((term) => ({ ...term, forms: formsOf(index(), term) }));
  if (place !== '') return yield* pageSteps(index, formed(), openOrder(place), search);
  const { order, shown } = yield* findAll(index, terms, formed, search);
  return yield* pageSteps(index, shown, order, search);
}

/** All that is found, best first, and the terms it was found by. */
function* findAll<R>(
  index: () => TextIndex<R> | undefined,
  terms: readonly SearchTerm[],
  formed: () => readonly SearchTerm[],
  search: TextSearch,
): Generator<undefined, { readonly order: readonly number[]; readonly shown: readonly SearchTerm[] }> {
  const first = yield* rankSteps(index, terms, 'all', search);
  const found = new Set(first.map(({ n }) => n));
  if (found.size >= FEW) return { order: [...found], shown: terms };
  const shown = formed();
  yield;
  for (const [which, of] of stagesOf(shown, search.match)) {
    if (found.size >= FEW) break;
    for (const { n } of yield* rankSteps(index, of, which, search)) found.add(n);
  }
  return { order: [...found].slice(0, RANKED), shown };
}

/** What is tried one after the other while little is found. */
function* stagesOf(
  formed: readonly SearchTerm[],
  match: 'all' | 'any',
): Generator<readonly ['all' | 'any', readonly SearchTerm[]]> {
  if (formed.some(({ forms }) => forms.length > 0)) yield ['all', formed];
  if (match === 'all') return;
  // A phrase of words that can stand alone is no phrase any more; one of a script without spaces stays what it is.
  const loose = formed.flatMap((term) => {
    const parts = term.words.map((word): SearchTerm => ({ words: [word], forms: [] }));
    return parts.length > 1 && parts.every((part) => stemOf(part) !== undefined) ? parts : [term];
  });
  if (loose.length > 1) yield ['any', loose];
}

function* rankSteps<R>(
  index: () => TextIndex<R> | undefined,
  terms: readonly SearchTerm[],
  which: 'all' | 'any',
  search: TextSearch,
): Generator<undefined, readonly { readonly n: number }[]> {
  const { from = Number.MIN_SAFE_INTEGER, to = Number.MAX_SAFE_INTEGER } = search;
  const expression = matchExpression(terms, which, search);
  // How rare a word is and what a row scores does not depend on whose it is.
  const timed = search.from !== undefined || search.to !== undefined;
  const everybody = termsExpression(terms, which, search);
  const numbers = index()?.numbers(expression, from, to, RANKED) ?? [];
  const { first, last } = index()?.span() ?? { first: 0, last: 0 };
  const isRare = (count: number): boolean => count < COUNTED && count * COMMON <= last - first + 1;
  // One word for everybody has as many rows as were found, when those are all.
  const known = terms.length === 1 && expression === everybody && numbers.length < RANKED && !timed;
  const counts = known
    ? [{ count: numbers.length, oldest: 0 }]
    : terms.map((term) => index()?.frequency(termsExpression([term], 'all', search), COUNTED));
  yield;
  if (counts.every((one) => one !== undefined && isRare(one.count))) {
    const scores = index()?.scores(everybody) ?? new Map<number, number>();
    yield;
    return inOrder(numbers.map((n) => ({ n, score: scores.get(n) ?? 0 })));
  }
  const matching = index()?.candidates(expression, from, to, RANKED) ?? [];
  yield;
  const shares = new Map<SearchTerm, number>();
  for (const [at, term] of terms.entries()) {
    const { count, oldest } = counts[at] ?? { count: 0, oldest: 0 };
    shares.set(term, count / Math.max(1, count, last - (count < COUNTED ? first : oldest) + 1));
  }
  const candidates: Candidate[] = [];
  for (const { n, text, length } of matching) {
    candidates.push({ n, length, text: text === null ? null : folded(text) });
    if (candidates.length % BREATH === 0) yield;
  }
  return ranked(terms, candidates, (term) => shares.get(term) ?? 0);
}

/** Other forms of a word: whatever it begins, and what shares its stem and is not much longer. The shortest come first. */
function formsOf<R>(index: TextIndex<R> | undefined, term: SearchTerm): readonly string[] {
  const stem = stemOf(term);
  const [word = ''] = term.words;
  if (stem === undefined || index === undefined) return [];
  return index
    .wordsLike(stem, FORMS_SEEN)
    .filter((form) => form !== word && (form.startsWith(word) || form.length <= word.length + 2))
    .sort((a, b) => a.length - b.length)
    .slice(0, FORMS);
}

function* pageSteps<R extends { readonly content: string }>(
  index: () => TextIndex<R> | undefined,
  terms: readonly SearchTerm[],
  order: readonly number[],
  search: TextSearch,
): Generator<undefined, Page<Found<R>>> {
  const limit = pageLimit(search.page.limit);
  const items: Found<R>[] = [];
  let length = 0;
  let next = 0;
  while (next < order.length && items.length < limit && length < PAGE_LENGTH) {
    const row = index()?.row(order[next] ?? 0, search);
    next += 1;
    if (row === undefined) continue;
    items.push({ ...row, snippet: yield* snippetSteps(row.content, terms) });
    length += row.content.length;
    yield;
  }
  const rest = order.slice(next);
  return { items, next_cursor: rest.length === 0 ? null : cursorAt(LIST, sealOrder(rest)) };
}

function sealOrder(order: readonly number[]): string {
  return order.map((n) => n.toString(36)).join('.');
}

function openOrder(place: string): readonly number[] {
  return place
    .split('.')
    .slice(0, RANKED)
    .map((n) => Number.parseInt(n, 36))
    .filter(Number.isSafeInteger);
}
