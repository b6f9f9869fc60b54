// SPDX-License-Identifier: Apache-2.0
// The words that facts and entities are found by, as the full-text index gets and is asked for them.

import { foldedText } from './folded-text.ts';

/** Words a question may have, and the length of one: beyond that nobody means them. */
const WORDS_MOST = 32;
const WORD_LENGTH = 200;

/** Scripts written without spaces between words: each character becomes a word, and is looked for in a phrase. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]\p{M}*/gu;

/** A text as it is indexed. */
export function wordsOf(...texts: readonly string[]): string {
  return foldedText(texts.join(' ')).normalize('NFKC').replace(UNSPACED, ' $& ');
}

/** Whose something is, as a word of its own: the workspace's when the id is empty. */
export function ownerWord(user_id: string): string {
  let word = 'u';
  for (let at = 0; at < user_id.length; at += 1) word += user_id.charCodeAt(at).toString(16).padStart(4, '0');
  return word;
}

/** A question to the index: all the words, and of these owners; undefined when it holds no word. */
export function wordsQuery(words: readonly string[], user_id: string | undefined): string | undefined {
  const asked = words
    .slice(0, WORDS_MOST)
    .map((word) =>
      wordsOf(word.slice(0, WORD_LENGTH))
        .replace(/[^\p{L}\p{N}\p{M}\p{Co}]+/gu, ' ')
        .trim(),
    )
    .filter((word) => /[\p{L}\p{N}]/u.test(word));
  if (asked.length === 0) return undefined;
  const all = asked.map((word) => `words : "${word}"`).join(' AND ');
  if (user_id === undefined) return all;
  return `(${all}) AND who : (${ownerWord('')} OR ${ownerWord(user_id)})`;
}
