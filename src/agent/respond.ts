// SPDX-License-Identifier: Apache-2.0
// The fifth stage: a reply in the messages its channel can show. Cut where a reader would, and nothing of it lost.

import type { ChannelHints } from './prompt.ts';

/** Shortest message a channel may ask for: room for a fence that is closed and opened again, and some text. */
const SHORTEST = 64;

/**
 * The messages of a reply, in their order. Where the channel has a limit it is cut between paragraphs, else lines, else
 * sentences, else words, and only at last within one, never within a character. A code block that is cut is closed and
 * opened again. Where Markdown is not rendered, its marks are taken out.
 */
export function respond(content: string, { markdown, max_length }: ChannelHints): readonly string[] {
  const text = markdown ? content : plainText(content);
  if (max_length === undefined || text.length <= max_length) return text.trim() === '' ? [] : [text];
  return parts(text, Math.max(SHORTEST, max_length), markdown);
}

const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
/** Where a text may be cut, best first; each at the end of what stays. */
const CUTS: readonly RegExp[] = [/\n\s*\n/g, /\n/g, /[.!?…]["')\]]*\s/g, /\s/g];

function parts(text: string, most: number, markdown: boolean): readonly string[] {
  const made: string[] = [];
  /** The line that opens the code block which is cut through. */
  let fence = '';
  let rest = text;
  while (rest.length > 0) {
    const opened = fence === '' ? '' : `${fence}\n`;
    const whole = opened + rest;
    if (whole.length <= most) {
      if (rest.trim() !== '') made.push(whole.trimEnd());
      break;
    }
    // A block that is left open has to be closed again within the limit.
    const room = most - opened.length - (markdown ? CLOSING : 0);
    const end = cutAt(rest, room);
    const head = opened + rest.slice(0, end);
    const open = markdown ? openFence(head) : '';
    const shown = open === '' ? head.trimEnd() : `${head.trimEnd()}\n${marksOf(open)}`;
    if (head.trim() !== '') made.push(shown);
    rest =
      open === ''
        ? rest
            .slice(end)
            .replace(/^\s*\n/, '')
            .replace(/^ +/, '')
        : rest.slice(end).replace(/^\n/, '');
    fence = open;
  }
  return made;
}

/** Characters kept free to close a block: a line break and its marks, which are seldom more than three. */
const CLOSING = 12;

/** How much of a text to take: at most `room` characters, at least one. */
function cutAt(text: string, room: number): number {
  const window = text.slice(0, room);
  for (const cut of CUTS) {
    const found = [...window.matchAll(cut)].at(-1);
    // What would leave a message nearly empty is no place for a cut.
    if (found !== undefined && found.index + found[0].length > room / 4) return found.index + found[0].length;
  }
  return wholeCharacters(text, room);
}

/** The most that fits without a character cut in two. */
function wholeCharacters(text: string, room: number): number {
  let end = 0;
  for (const { index, segment } of GRAPHEMES.segment(text.slice(0, room + LONGEST_CHARACTER))) {
    if (index + segment.length > room) break;
    end = index + segment.length;
  }
  // A single character that is longer than a message is cut where its halves at least stay whole.
  return end > 0 ? end : Math.max(1, room - (/[\ud800-\udbff]/.test(text.charAt(room - 1)) ? 1 : 0));
}

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** UTF-16 units looked at beyond the room, to see a character whole: a family of four has eleven. */
const LONGEST_CHARACTER = 64;

/** The line that opens the code block a text ends in; empty when it ends in none. */
function openFence(text: string): string {
  let open = '';
  for (const line of text.split('\n')) {
    const [, marks = '', info = ''] = FENCE.exec(line) ?? [];
    if (marks === '') continue;
    if (open === '') open = line.trim().slice(0, LONGEST_FENCE);
    else if (marks.startsWith(marksOf(open)) && info.trim() === '') open = '';
  }
  return open;
}

/** Of the line that opens a block, what is repeated at most. */
const LONGEST_FENCE = 24;

const marksOf = (fence: string): string => /^(`{3,}|~{3,})/.exec(fence)?.[0].slice(0, CLOSING - 1) ?? '```';

/** Marks of Markdown taken out where they only look like noise; what they mark stays. */
export function plainText(markdown: string): string {
  let block = '';
  return markdown
    .split('\n')
    .flatMap((line) => {
      const [, marks = ''] = FENCE.exec(line) ?? [];
      if (marks !== '' && (block === '' || marks.startsWith(block))) {
        block = block === '' ? marks : '';
        return [];
      }
      return block === '' ? [plainLine(line)] : [line];
    })
    .join('\n');
}

function plainLine(line: string): string {
  return line
    .replace(/^ {0,3}#{1,6} +/, '')
    .replaceAll(/(\*\*|__)(?=\S)(.+?)(?<=\S)\1/g, '$2')
    .replaceAll(/(?<![\w*])\*(?=[^\s*])([^*]+)(?<=[^\s*])\*(?![\w*])/g, '$1')
    .replaceAll(/`([^`]+)`/g, '$1')
    .replaceAll(/!?\[([^\]]*)\]\(([^()\s]+)\)/g, (_, label: string, url: string) =>
      label === '' || label === url ? url : `${label} (${url})`,
    );
}
