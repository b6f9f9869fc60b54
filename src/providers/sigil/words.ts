// SPDX-License-Identifier: Apache-2.0
// Text as words: how a reply is cut into deltas, how a sentence is compared, and how something is quoted shortly.

const isSpace = (unit: number): boolean => unit === 32 || (unit >= 9 && unit <= 13) || unit === 0xa0;

/** Cuts a text into words, each with the space that follows it; the pieces add up to the text. */
export function deltasOf(text: string): string[] {
  const deltas: string[] = [];
  let start = 0;
  let spaced = false;
  for (let at = 0; at < text.length; at += 1) {
    const space = isSpace(text.charCodeAt(at));
    if (spaced && !space && at > start) {
      deltas.push(text.slice(start, at));
      start = at;
    }
    spaced = space;
  }
  if (start < text.length) deltas.push(text.slice(start));
  return deltas;
}

const EDGES = new Set('.,:;!?"\'“”‘’«»()[]{}…*_`');

/** Without the punctuation around it. */
export function bare(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && EDGES.has(text.charAt(start))) start += 1;
  while (end > start && EDGES.has(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** A sentence cut at its spaces, as it was written and as it is compared. */
export interface Words {
  readonly written: readonly string[];
  /** Lower case, straight apostrophes, no punctuation around; same places as `written`. */
  readonly plain: readonly string[];
}

export function wordsOf(text: string): Words {
  const written: string[] = [];
  const plain: string[] = [];
  for (const delta of deltasOf(text)) {
    const word = delta.trim();
    if (word === '') continue;
    written.push(word);
    plain.push(bare(word.replaceAll('’', "'")).toLowerCase());
  }
  return { written, plain };
}

/** Whether the words of `phrase` stand at `from`. */
export function standsAt(words: readonly string[], from: number, phrase: readonly string[]): boolean {
  return phrase.every((word, index) => words[from + index] === word);
}

const QUOTED = 80;

/** The beginning of a text on one line, short enough to be repeated; never half a character. */
export function quote(text: string): string {
  // What a person sees of it is at its beginning: the rest of a huge text is not even looked at.
  const head = text.slice(0, QUOTED * 5).toWellFormed();
  const line = head.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  const characters = [...line];
  const cut = characters.length > QUOTED || text.length > QUOTED * 5;
  return `“${characters.slice(0, QUOTED).join('').trim()}${cut ? '…' : ''}”`;
}
