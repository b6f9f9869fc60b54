// SPDX-License-Identifier: Apache-2.0
// The rules: what one clause asks for, told by how it begins.

import { readSum } from './arithmetic.ts';
import { forget, recall, remember, search } from './memory-words.ts';
import { COUNT_LIMIT, countRefused, REMEMBER_WHAT, SEARCH_WHAT } from './phrases.ts';
import type { Piece } from './piece.ts';
import { readTime } from './time-words.ts';
import { standsAt, type Words } from './words.ts';

type Phrase = readonly string[];

/** Phrases from a list parted by `|`, the longest first, so that the most exact one is found. */
export function phrasesOf(list: string): readonly Phrase[] {
  const phrases = list.split('|').map((text) => text.split(' '));
  return phrases.sort((a, b) => b.length - a.length);
}

/** Where the words behind the longest phrase of a list begin; undefined when none of them stands at `from`. */
export function behind(list: readonly Phrase[], words: readonly string[], from: number): number | undefined {
  for (const phrase of list) if (standsAt(words, from, phrase)) return from + phrase.length;
  return undefined;
}

/** Said before a question without changing it; the empty one is a word of nothing but punctuation. */
const FILLERS = phrasesOf(
  'please|hey|ok|okay|so|now|and|then|also|well|sigil|just|can you|could you|would you|will you|can you tell me|' +
    "could you tell me|tell me|do you know|i want to know|i'd like to know|",
);

const REMEMBER = phrasesOf(
  "remember that|remember this|remember|don't forget that|do not forget that|don't forget|do not forget|" +
    'keep in mind that|keep in mind|make a note that|note that|memorize that|memorise that|memorize|memorise',
);

const SEARCH = phrasesOf(
  'what do you know about|what you know about|do you know anything about|anything about|what do you remember about|' +
    'what you remember about|do you remember|what did i say about|what i said about|what did i tell you about|' +
    'what i told you about|what have i told you about|what have i said about|what did we say about|' +
    'search memory for|search your memory for|search for|search|look up|find|recall',
);

const FORGET = phrasesOf('forget that|forget what you know about|forget about|forget');
const RECALL = phrasesOf('what comes to mind about|recall everything about|everything about');
const ALIKE = phrasesOf('what is similar to|what is alike|find something like|anything like|something like');
const SESSIONS = phrasesOf(
  'list my sessions|list my conversations|which sessions do i have|which conversations do i have|show my sessions',
);

const COUNT = phrasesOf('count from 1 up to|count from 1 to|count from one to|count up to|count to');
const ORDERS = phrasesOf('calculate|compute|evaluate|work out|solve');
const QUESTIONS = phrasesOf("what is|what's|whats|what are|how much is|how much are");

/** Where a clause begins to say something. */
export function skipFillers(words: readonly string[]): number {
  let from = 0;
  for (;;) {
    const next = from < words.length ? behind(FILLERS, words, from) : undefined;
    if (next === undefined) return from;
    from = next;
  }
}

function readCount(words: Words, from: number): Piece {
  const asked = words.plain[from] ?? '';
  const to = /^[0-9]{1,4}$/.test(asked) ? Number(asked) : 0;
  if (to < 1 || to > COUNT_LIMIT) return { kind: 'say', text: countRefused(words.written.slice(from).join(' ')) };
  return { kind: 'count', to };
}

function readArithmetic(words: Words, from: number): Piece | undefined {
  const order = behind(ORDERS, words.plain, from);
  const start = order ?? from;
  const question = behind(QUESTIONS, words.plain, start);
  const asking = order !== undefined ? 'order' : question !== undefined ? 'what' : 'bare';
  // "what is the square root of 16": an article has no place in a sum.
  const first = question ?? start;
  const text = words.written.slice(words.plain[first] === 'the' ? first + 1 : first).join(' ');
  const sum = readSum(text, asking);
  if (sum === undefined) return undefined;
  return { kind: 'tool', tool: 'calculator', arguments: JSON.stringify({ expression: sum }), about: sum };
}

/** A statement ends before the punctuation of its sentence. */
function statementOf(words: readonly string[]): string[] {
  const text = words.join(' ');
  let end = text.length;
  while (end > 0 && '.!?;, '.includes(text.charAt(end - 1))) end -= 1;
  return end === 0 ? [] : text.slice(0, end).split(' ');
}

/** Whether there is a word at all from there on. */
const says = ({ plain }: Words, from: number): boolean => plain.slice(from).some((word) => word !== '');

/** What is asked of memory beside remembering and searching; without a word it is about, it is nothing of the kind. */
function readMore(words: Words, from: number): Piece | undefined {
  const { plain, written } = words;
  const forgotten = behind(FORGET, plain, from);
  if (forgotten !== undefined && says(words, forgotten)) return forget(statementOf(written.slice(forgotten)));
  const recalled = behind(RECALL, plain, from);
  if (recalled !== undefined && says(words, recalled)) return recall('memory_recall', written.slice(recalled));
  const alike = behind(ALIKE, plain, from);
  if (alike !== undefined && says(words, alike)) return recall('memory_semantic', written.slice(alike));
  if (behind(SESSIONS, plain, from) === undefined) return undefined;
  return { kind: 'tool', tool: 'session_list', arguments: '{}', about: 'your sessions' };
}

function readFrom(words: Words, from: number): Piece | undefined {
  const { plain, written } = words;
  const remembered = behind(REMEMBER, plain, from);
  if (remembered !== undefined) {
    const statement = statementOf(written.slice(remembered));
    return statement.length > 0 ? remember(statement) : { kind: 'say', text: REMEMBER_WHAT };
  }
  const more = readMore(words, from);
  if (more !== undefined) return more;
  const searched = behind(SEARCH, plain, from);
  if (searched !== undefined) {
    return plain.slice(searched).some((word) => word !== '')
      ? search(written.slice(searched))
      : { kind: 'say', text: SEARCH_WHAT };
  }
  const counted = behind(COUNT, plain, from);
  if (counted !== undefined) return readCount(words, counted);
  return readTime(words, from) ?? readArithmetic(words, from);
}

/** What a clause asks to be done; undefined when it asks for nothing of the kind. */
export function readRequest(words: Words): Piece | undefined {
  const from = skipFillers(words.plain);
  // A question may also begin with what is a filler elsewhere: "do you know anything about tea".
  return readFrom(words, from) ?? (from > 0 ? readFrom(words, 0) : undefined);
}
