// SPDX-License-Identifier: Apache-2.0
// Takes a folded text apart: words, runs of scripts that put no space between words, and emoji.

/** `word`: parted by spaces. `run`: characters of a script without them. `emoji`: one picture. */
export type PieceKind = 'word' | 'run' | 'emoji';

/** Scripts that are written without a space between words, and Hangul, whose words grow endings of a syllable or two. */
const UNSPACED =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}\\p{Script=Hangul}ー々';
/** An apostrophe inside a word belongs to it, as in `don't`. */
const PIECES = new RegExp(
  `(?<run>[${UNSPACED}][${UNSPACED}\\p{M}]*)|(?<emoji>[\\p{Extended_Pictographic}\\p{Regional_Indicator}])|(?<word>(?:(?![${UNSPACED}])[\\p{L}\\p{N}\\p{M}])+(?:['’](?![${UNSPACED}])[\\p{L}\\p{N}\\p{M}]+)*)`,
  'gu',
);
const ASCII_WORDS = /[a-z0-9]+(?:'[a-z0-9]+)*/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant.
const ASCII = /^[\u0000-\u007f]*$/;

/** Calls back for each piece in the order of the text. @param folded see `foldText` */
export function splitWords(folded: string, piece: (kind: PieceKind, text: string) => void): void {
  if (ASCII.test(folded)) {
    for (const [text] of folded.matchAll(ASCII_WORDS)) piece('word', text);
    return;
  }
  for (const match of folded.matchAll(PIECES)) {
    const groups = match.groups ?? {};
    if (groups['word'] !== undefined) piece('word', groups['word']);
    else if (groups['run'] !== undefined) piece('run', groups['run']);
    else piece('emoji', match[0]);
  }
}
