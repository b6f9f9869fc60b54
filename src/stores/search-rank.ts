// SPDX-License-Identifier: Apache-2.0
// The order of what a search found: BM25 over the newest candidates, the newer first among equals. Pure.

import type { SearchTerm } from './search-query.ts';
import { folded } from './text-words.ts';

/** A row that matches. */
export interface Candidate {
  readonly n: number;
  /** Null where it is too long to be looked at: that it matches is known from the index. */
  readonly text: string | null;
  /** Of the whole text, in bytes. */
  readonly length: number;
}

/** The usual constants: how soon more of the same word stops counting, and how much a long text is discounted. */
const K1 = 1.2;
const B = 0.75;
/** Scores closer than this are equal, and the newer comes first. */
const EQUAL = 0.05;

/**
 * Ranks by BM25 (Robertson, Zaragoza: The Probabilistic Relevance Framework, 2009).
 *
 * @param share how many of all rows hold a term, 0 to 1; for one term alone it changes nothing
 */
export function ranked(
  terms: readonly SearchTerm[],
  candidates: readonly Candidate[],
  share: (term: SearchTerm) => number,
): readonly Scored[] {
  const average = candidates.reduce((sum, { length }) => sum + length, 0) / Math.max(1, candidates.length);
  const weights = terms.map((term) => weightOf(share(term)));
  // The rarest term weighs one: where every row has it, how often and in how long a text still makes an order.
  const most = Math.max(...weights);
  const weighed = terms.map((term, at) => ({ term, weight: (weights[at] ?? 0) / most }));
  const scored = candidates.map(({ n, text, length }) => {
    const upper = text === null ? null : folded(text);
    const long = K1 * (1 - B + (B * length) / Math.max(1, average));
    let score = 0;
    for (const { term, weight } of weighed) {
      // A text that was not looked at holds what the index says it holds, once.
      const count = upper === null ? 1 : countOf(term, upper, terms.length === 1);
      score += (weight * count * (K1 + 1)) / (count + long);
    }
    return { n, score };
  });
  return inOrder(scored);
}

interface Scored {
  readonly n: number;
  readonly score: number;
}

/** By score, the newer first among those that are about equal. */
export function inOrder(scored: readonly Scored[]): readonly Scored[] {
  return scored
    .map(({ n, score }) => ({ n, score, rank: Math.round(score / EQUAL) }))
    .sort((a, b) => b.rank - a.rank || b.n - a.n);
}

/** A term's inverse document frequency from the share of rows that hold it; never nothing, so that a match counts. */
function weightOf(share: number): number {
  return Math.log(1 + (1 - share + 1e-6) / (share + 1e-6));
}

/** How often a term is in a text; other forms of its word count half. */
function countOf({ words, forms }: SearchTerm, text: string, alone: boolean): number {
  let count = Number.POSITIVE_INFINITY;
  for (const word of words) count = Math.min(count, occurrences(text, word));
  for (const form of forms) count += occurrences(text, form) / 2;
  // What is cut off, or written in a way that only the index sees through, is there nevertheless.
  return count > 0 ? count : alone ? 0.5 : 0;
}

const LATIN = /[A-Z0-9]/;
/** More of the same word than this says nothing more. */
const COUNTED = 16;

function occurrences(text: string, word: string): number {
  const bounded = LATIN.test(word);
  let count = 0;
  for (let at = text.indexOf(word); at >= 0 && count < COUNTED; at = text.indexOf(word, at + word.length)) {
    if (!bounded || !(isInside(text, at - 1) || isInside(text, at + word.length))) count += 1;
  }
  return count;
}

/** Whether the word goes on at this place. */
function isInside(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || (code >= 0xc0 && code < 0x2000);
}
