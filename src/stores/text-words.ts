// SPDX-License-Identifier: Apache-2.0
// Text as the full-text index gets it: the words of most scripts are found by the index itself, others are cut here.

/**
 * Scripts written without spaces between words. Each of their characters becomes a word of its own, and a search looks for
 * them as a phrase, so that any part of a sentence is found.
 */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]\p{M}*/gu;

/** Text with spaces around every character of such scripts; composed, and its half characters replaced. */
export function indexedText(text: string): string {
  return text.toWellFormed().normalize('NFKC').replace(UNSPACED, ' $& ');
}
