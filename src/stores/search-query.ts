// SPDX-License-Identifier: Apache-2.0
// What a person typed, as terms to look for, and the expression the full-text index is asked. Any text is a safe query.

import { type FoundKind, kindWord, sessionWord, USUAL_KINDS, userWord } from './scope-words.ts';
import { hasStem, wordsOf } from './text-words.ts';

/** A word, or words that stand next to each other. */
export interface SearchTerm {
  readonly words: readonly string[];
  /** Other forms of a single word; none for a phrase. */
  readonly forms: readonly string[];
}

/** What of a text is looked at, in UTF-16 units, and how many terms are taken from it: a question, not a book. */
const TEXT_MOST = 4_096;
const TERMS_MOST = 16;
const PHRASE_MOST = 32;

const QUOTED = /["“”„«»]([^"“”„«»]+)["“”«»]/g;
/** Between two words these make one name of them: `foo_bar`, `e-mail`, `don't`, `10.0.0.1`. */
const JOINED = /^[-_.'’@]?$/;

/**
 * The terms of a text: what stands in quotes is a phrase, so is what is written as one (a name with hyphens, a sentence of a
 * script without spaces), every other word is a term of its own. Signs mean nothing, so nothing can be meant by mistake.
 */
export function searchTerms(text: string): readonly SearchTerm[] {
  const looked = text.slice(0, TEXT_MOST).toWellFormed();
  const phrases: string[][] = [];
  const rest = looked.replace(QUOTED, (_, quoted: string) => {
    phrases.push(Array.from(wordsOf(quoted), ({ word }) => word));
    return ' ';
  });
  let end = -1;
  let open: string[] = [];
  for (const { word, from, to } of wordsOf(rest)) {
    if (end >= 0 && JOINED.test(rest.slice(end, from))) open.push(word);
    else {
      open = [word];
      phrases.push(open);
    }
    end = to;
  }
  const terms = new Map<string, SearchTerm>();
  for (const words of phrases) {
    const most = words.slice(0, PHRASE_MOST);
    if (most.length > 0 && terms.size < TERMS_MOST) terms.set(most.join(' '), { words: most, forms: [] });
  }
  return [...terms.values()];
}

/**
 * What the other forms of a word begin with (`houses`, `housing` of `house`; `Häuser` of `Haus` and the other way round);
 * undefined when it stands for itself alone. A cut ending is no grammar, which is why what is found so comes last.
 */
export function stemOf({ words: [word = '', ...more] }: SearchTerm): string | undefined {
  if (more.length > 0 || !hasStem(word)) return undefined;
  return word.slice(0, Math.max(3, word.length - 2)).toWellFormed();
}

/** What a search is narrowed to. */
export interface SearchScope {
  readonly user_id?: string | undefined;
  readonly session_id?: string | undefined;
  /** All when not given. */
  readonly kinds?: readonly FoundKind[] | undefined;
}

/** A term's expression. Words hold letters, digits and signs no expression has, and stand in quotes besides. */
function expressionOf({ words, forms }: SearchTerm): string {
  const phrase = quoted(words.join(' '));
  return forms.length === 0 ? phrase : `(${[phrase, ...forms.map(quoted)].join(' OR ')})`;
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** Whether nothing is wanted but what is usually found, which has a column to itself. */
function isUsual(kinds: SearchScope['kinds']): boolean {
  return kinds?.every((kind) => USUAL_KINDS.includes(kind)) === true;
}

/** The expression that finds all (or any) of the terms where the scope has its texts, whosever they are. There must be a term. */
export function termsExpression(
  terms: readonly SearchTerm[],
  which: 'all' | 'any',
  { kinds }: Pick<SearchScope, 'kinds'>,
): string {
  const columns = isUsual(kinds) ? 'words' : '{words others}';
  return `${columns} : (${terms.map(expressionOf).join(which === 'all' ? ' AND ' : ' OR ')})`;
}

/** The same within the whole scope. */
export function matchExpression(terms: readonly SearchTerm[], which: 'all' | 'any', scope: SearchScope): string {
  const { user_id, session_id, kinds } = scope;
  const parts = [termsExpression(terms, which, scope)];
  if (session_id !== undefined) parts.push(`scope : ${quoted(sessionWord(session_id))}`);
  if (user_id !== undefined) parts.push(`scope : ${quoted(userWord(user_id))}`);
  const all = kinds === undefined || (isUsual(kinds) && kinds.length === USUAL_KINDS.length);
  if (!all) parts.push(`scope : (${kinds.map((kind) => quoted(kindWord(kind))).join(' OR ')})`);
  return parts.join(' AND ');
}
