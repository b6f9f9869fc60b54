// SPDX-License-Identifier: Apache-2.0
// The part of a text that shows what was looked for, with the places of the words that were found in it.

import type { SearchTerm } from './search-query.ts';
import { type TextWord, wordsOf } from './text-words.ts';

/** An excerpt. */
export interface Snippet {
  /** As the text has it, with an ellipsis where something was left out before or after. */
  readonly text: string;
  /** Where in `text` found words stand: first and past the last UTF-16 unit of each, in order. */
  readonly marks: readonly (readonly [from: number, to: number])[];
}

/** The longest snippet, without its ellipses, in UTF-16 units. */
export const SNIPPET_MOST = 240;
/** What stands before the first mark, about. */
const BEFORE = 60;
/** How far an edge moves to stand between two words. */
const EDGE = 24;
/** Words after which the search in a long text takes breath. */
const BREATH = 4_000;

/**
 * Finds the first part of the text with the most of the terms in it, or its beginning when there is none. A generator that
 * takes breath now and then: texts may be long, and others wait.
 */
export function* snippetSteps(text: string, terms: readonly SearchTerm[]): Generator<undefined, Snippet> {
  const best = yield* bestPlace(text, terms);
  let from = Math.max(0, (best[0]?.from ?? 0) - BEFORE);
  if (text.length - from < SNIPPET_MOST) from = Math.max(0, text.length - SNIPPET_MOST);
  from = from === 0 ? 0 : betweenWords(text, from, from + EDGE);
  let to = Math.min(text.length, from + SNIPPET_MOST);
  if (to < text.length) to = betweenWords(text, to, to - EDGE);
  const head = from > 0 ? '…' : '';
  const marks: (readonly [number, number])[] = [];
  for (const place of best) {
    if (place.from < from || place.to > to) continue;
    const [first, end] = [place.from - from + head.length, place.to - from + head.length];
    const last = marks.at(-1);
    // A word that is also the beginning of a phrase is one mark with it.
    if (last !== undefined && first < last[1]) marks[marks.length - 1] = [last[0], Math.max(last[1], end)];
    else marks.push([first, end]);
  }
  const shown = text.slice(from, to).toWellFormed();
  return { text: `${head}${shown}${to < text.length ? '…' : ''}`, marks };
}

/** The same at once, for texts that are known to be short. */
export function snippetOf(text: string, terms: readonly SearchTerm[]): Snippet {
  const steps = snippetSteps(text, terms);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

interface Place {
  readonly from: number;
  readonly to: number;
  readonly term: number;
}

/** The places of found words in the best stretch of the text. */
function* bestPlace(text: string, terms: readonly SearchTerm[]): Generator<undefined, readonly Place[]> {
  const single = new Map<string, number>();
  for (const [index, { words, forms }] of terms.entries()) {
    if (words.length === 1) for (const word of [...words, ...forms]) if (!single.has(word)) single.set(word, index);
  }
  const phrases = [...terms.entries()].filter(([, { words }]) => words.length > 1);
  const longest = Math.max(1, ...phrases.map(([, { words }]) => words.length));
  let best: readonly Place[] = [];
  let most = 0;
  let stretch: Place[] = [];
  const recent: TextWord[] = [];
  let count = 0;
  const take = (place: Place): void => {
    // Inside a phrase that was taken already.
    if (stretch.some(({ from, to }) => place.from >= from && place.to <= to)) return;
    stretch = [...stretch.filter(({ from }) => place.to - from <= SNIPPET_MOST - BEFORE), place];
    const distinct = new Set(stretch.map(({ term }) => term)).size;
    // As many terms as before, in the stretch that is the best: its further marks belong to it.
    if (distinct > most || (distinct === most && stretch[0] === best[0])) {
      most = distinct;
      best = stretch;
    }
  };
  for (const word of wordsOf(text)) {
    count += 1;
    if (count % BREATH === 0) yield undefined;
    const term = single.get(word.word);
    if (term !== undefined) take({ from: word.from, to: word.to, term });
    if (phrases.length > 0) {
      recent.push(word);
      if (recent.length > longest) recent.shift();
      for (const [index, { words }] of phrases) {
        const first = recent.at(-words.length);
        if (first === undefined || recent.length < words.length) continue;
        if (words.every((part, at) => recent[recent.length - words.length + at]?.word === part)) {
          take({ from: first.from, to: word.to, term: index });
        }
      }
    }
    // All terms together, and everything behind them that still fits: nothing better comes.
    if (most === terms.length && word.from - (best[0]?.from ?? 0) > SNIPPET_MOST) break;
  }
  return best.toSorted((a, b) => a.from - b.from);
}

/** A place between two words from `at` towards `limit`; else `at` itself, moved out of the middle of a character. */
function betweenWords(text: string, at: number, limit: number): number {
  const step = limit < at ? -1 : 1;
  for (let place = at; place !== limit; place += step) {
    if (/\s/.test(text.charAt(place)) || /\s/.test(text.charAt(place - 1))) return place;
  }
  const inside = /[\udc00-\udfff]/.test(text.charAt(at)) && /[\ud800-\udbff]/.test(text.charAt(at - 1));
  return inside ? at + step : at;
}
