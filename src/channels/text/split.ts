// SPDX-License-Identifier: Apache-2.0
// A long reply as several messages: parted where a reader would part it, and code that is parted is code in both.

import { type Fence, Fences } from './fences.ts';

/** What a part is before its fences are put around it; `gap`, `body`, `gap`, `body`, … and the last `gap` are the whole text. */
export interface Piece {
  /** The space between the piece before and this one. */
  readonly gap: string;
  /** The fence that was open where it begins, with its line end; or nothing. */
  readonly opens: string;
  readonly body: string;
  /** What closes the fence that is open where it ends; or nothing. */
  readonly closes: string;
}

export interface SplitOptions {
  /**
   * The length of a part as the platform counts it, at best what it is once rendered; it may say less or more than the part
   * has. Unset: nothing but its own length counts.
   */
  readonly measure?: (part: string) => number;
}

/** Below this no fence and no word has room. */
export const SMALLEST = 16;

/**
 * Parts of at most `most` UTF-16 units, by their own length and by `measure`, in their order: parted after a paragraph or
 * around a fence, else a line, else a sentence, else a word, else between two graphemes. Fences are closed at the end of a part and
 * reopened with their language in the next. Nothing but space at the borders is lost. An empty text has no parts.
 *
 * A grapheme that is longer than a part is parted between its characters; one character that measures more than `most` is a
 * part of its own.
 *
 * @throws RangeError when `most` is under {@link SMALLEST}
 */
export function splitMarkdown(text: string, most: number, options: SplitOptions = {}): readonly string[] {
  return splitPieces(text, most, options).pieces.map(({ opens, body, closes }) => opens + body + closes);
}

/** As {@link splitMarkdown}, with what was added and left out told apart. */
export function splitPieces(
  text: string,
  most: number,
  { measure }: SplitOptions = {},
): { readonly pieces: readonly Piece[]; readonly tail: string } {
  if (!(most >= SMALLEST)) throw new RangeError(`a part has at least ${SMALLEST} units, not ${most}`);
  const fences = new Fences(text, Math.floor(most / 4));
  const pieces: Piece[] = [];
  for (let at = 0; ; ) {
    const gap = gapAt(text, at, fences.openAt(at), most);
    at += gap.length;
    if (at === text.length) return { pieces, tail: gap };
    const begin = at;
    const fence = fences.openAt(begin);
    const opens = fence === null ? '' : `${fence.reopen}\n`;
    const piece = (room: number): Piece => {
      const end = begin + room >= text.length ? text.length : border(text, begin, begin + room, fences);
      const open = fences.openAt(end);
      const said = text.slice(begin, end);
      const body = (open === null ? said.trimEnd() : said.replace(/\r?\n$/, '')) || said;
      return { gap, opens, body, closes: open === null || end === text.length ? '' : `\n${open.close}` };
    };
    let next = piece(most - opens.length);
    for (;;) {
      const part = next.opens + next.body + next.closes;
      const length = Math.max(part.length, measure?.(part) ?? 0);
      if (length <= most || next.body.length <= 1) break;
      // By as much as it is too long, and by one at least.
      const room = Math.min(next.body.length - 1, Math.floor((next.body.length * most) / length));
      const shorter = piece(Math.max(1, room));
      if (shorter.body.length >= next.body.length) break;
      next = shorter;
    }
    pieces.push(next);
    at += next.body.length;
  }
}

/** Space that no part needs: between paragraphs, where a line was parted, and one line end within code. */
function gapAt(text: string, at: number, fence: Fence | null, most: number): string {
  const space = fence === null ? /\s*(?![\p{M}\u200d])/uy : /(?:\r?\n)?/y;
  space.lastIndex = at;
  const run = fence !== null && at === fence.from ? '' : (space.exec(text)?.[0] ?? '');
  if (fence !== null || at + run.length === text.length) return run;
  // What moves a line in belongs to it: a list within a list is known by that.
  const line = run.lastIndexOf('\n') + 1;
  const begins = line > 0 || at === 0;
  return begins && run.length - line <= most / 2 ? run.slice(0, line) : run;
}

/** Under this share of a part a better border is not worth the shorter part. */
const WORTH = 0.3;
const SENTENCE = /[.!?…]["'»”’)\]*_]*(?=\s)|[。！？]/gu;
const SPACE = /\s(?![\p{M}\u200d])/gu;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** @returns where to part the text after `from`, at `limit` or before it; after it only where one character is longer */
function border(text: string, from: number, limit: number, fences: Fences): number {
  const worth = from + (limit - from) * WORTH;
  const found = { block: 0, line: 0 };
  for (let end = text.indexOf('\n', from); end >= 0 && end < limit; end = text.indexOf('\n', end + 1)) {
    const start = end + 1;
    const kind = fences.borderAt(start, end);
    if (kind !== null && start > from) found[kind] = start;
  }
  if (found.block >= worth) return found.block;
  if (found.line >= worth) return found.line;
  const said = text.slice(from, limit + 1);
  const sentence = last(said, SENTENCE, limit - from, (match) => match.index + match[0].length);
  if (from + sentence >= worth && fences.openAt(from + sentence) === null) return from + sentence;
  const word = last(said, SPACE, limit - from, (match) => match.index);
  if (from + word >= worth) return from + word;
  const lines = Math.max(found.block, found.line);
  if (lines > from) return lines;
  if (word > 0) return from + word;
  return from + graphemeBorder(text.slice(from, limit + 64), limit - from);
}

function last(text: string, pattern: RegExp, limit: number, at: (match: RegExpExecArray) => number): number {
  let found = 0;
  for (const match of text.matchAll(pattern)) {
    const border = at(match);
    if (border > limit) break;
    found = border;
  }
  return found;
}

function graphemeBorder(text: string, limit: number): number {
  const whole = graphemes.segment(text).containing(limit)?.index ?? limit;
  if (whole > 0) return whole;
  // One grapheme longer than a part: its characters are all that can be kept whole.
  const inside = limit > 0 && (text.codePointAt(limit - 1) ?? 0) > 0xffff;
  return inside ? (limit > 1 ? limit - 1 : 2) : limit;
}
