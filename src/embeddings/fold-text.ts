// SPDX-License-Identifier: Apache-2.0
// A text as it is compared: one form of each character, without case and accents.

/** Letters that carry a mark inside themselves, so that taking accents off does not reach them. */
const PLAIN: ReadonlyMap<string, string> = new Map([
  ['ß', 'ss'],
  ['æ', 'ae'],
  ['œ', 'oe'],
  ['ø', 'o'],
  ['ł', 'l'],
  ['đ', 'd'],
  ['ð', 'd'],
  ['þ', 'th'],
  ['ħ', 'h'],
  ['ı', 'i'],
  ['ς', 'σ'],
]);
const MARKED = /[ßæœøłđðþħıς]/g;
/**
 * Accents of Latin, Greek and Cyrillic, Hebrew points and Arabic vowel signs: what people leave out when they type. Marks of
 * other scripts are vowels or make another letter, and stay.
 */
const ACCENTS = /[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c7\u064b-\u0652\u0670]/g;
/** Nothing in it is changed by any of the steps but the lower case. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant.
const ASCII = /^[\u0000-\u007f]*$/;

/**
 * Compatibility forms, case and accents folded (NFKC, lower case, marks off); half a surrogate pair becomes U+FFFD. What it
 * gives for a character never changes: Unicode keeps the forms of assigned characters stable.
 */
export function foldText(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  return text
    .toWellFormed()
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFD')
    .replace(ACCENTS, '')
    .normalize('NFC')
    .replace(MARKED, (letter) => PLAIN.get(letter) ?? letter);
}
