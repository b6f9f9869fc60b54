// SPDX-License-Identifier: Apache-2.0
// Text cut into the words it is found by: the same cut for what is kept, for what is looked for and for what is marked.

/** A word of a text, in the form words are compared in, with its place in the text in UTF-16 units. */
export interface TextWord {
  readonly word: string;
  readonly from: number;
  readonly to: number;
}

/** The longest word that is told apart, in UTF-16 units: a longer one counts as its beginning. */
const WORD_MOST = 64;

/**
 * Scripts written without spaces between words. Each of their characters is a word of its own, and a search looks for them
 * as a phrase, so that any part of a sentence is found. Half-width Katakana has its marks as characters of their own.
 */
const UNSPACED = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}`;

/** A picture that is struck through is no picture: ↔ with a stroke is also written as one character, ↮, which is none. */
const PICTURE = String.raw`\p{Extended_Pictographic}(?!\u0338)`;
const ALONE = String.raw`[\uff66-\uff9d][\uff9e\uff9f]?|[${UNSPACED}]\p{M}*|\p{RI}{2}|${PICTURE}`;

/** Marks belong to the letter before them; those of a note of music, which some forms write apart from it, are no word. */
const SPACED = `[[\\p{L}\\p{N}]--[${UNSPACED}]][[\\p{L}\\p{N}\\p{M}]--[${UNSPACED}]]*`;
const WORD = new RegExp(`${ALONE}|${SPACED}`, 'gv');
const ONE_ALONE = new RegExp(`^(?:${ALONE})$`, 'v');
const ASCII_WORD = /[A-Za-z0-9]+/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: every character of ASCII is meant.
const ASCII = /^[\u0000-\u007f]*$/;

/** Characters that are as they are compared: a long text of them is cut in a third of the time. */
const KANA_TO_HAN = /^[\u3041-\u9fff]$/;

/** Accents, and the points of Hebrew and Arabic, which people write or leave out as they like. */
const OPTIONAL_MARKS = /[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]/g;

/**
 * A form in which texts are equal that differ in case, accents or width alone. Upper case, because lower case depends on
 * the neighbours (σ, ς) and upper case makes ß the SS it is also written as.
 */
export function folded(text: string): string {
  if (ASCII.test(text)) return text.toUpperCase();
  return text.normalize('NFKD').replace(OPTIONAL_MARKS, '').toUpperCase().normalize('NFC');
}

/** The words of a text, in order, as they are asked for. A half surrogate belongs to none. */
export function* wordsOf(text: string): Generator<TextWord, void> {
  const ascii = ASCII.test(text);
  for (const match of text.matchAll(ascii ? ASCII_WORD : WORD)) {
    const [found] = match;
    const word = ascii ? cut(found.toUpperCase()) : cut(KANA_TO_HAN.test(found) ? found : folded(found));
    if (word !== '') yield { word, from: match.index, to: match.index + found.length };
  }
}

/** The words alone: parted by spaces they are what the full-text index gets. */
export function indexWords(text: string): readonly string[] {
  return Array.from(wordsOf(text), ({ word }) => word);
}

/** Whether a word has a beginning that stands for it: letters alone, of a script with spaces, and enough of them. */
export function hasStem(word: string): boolean {
  return word.length >= 3 && /^\p{L}[\p{L}\p{M}]*$/u.test(word) && !ONE_ALONE.test(word);
}

function cut(word: string): string {
  return word.length <= WORD_MOST ? word : word.slice(0, WORD_MOST).toWellFormed();
}
