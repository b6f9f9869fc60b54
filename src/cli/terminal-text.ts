// SPDX-License-Identifier: Apache-2.0
// Text on a terminal: made safe, measured in columns, cut and padded.

/** A colour or weight as `Paint` writes it: takes no columns. */
const SGR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

// What makes a terminal do something rather than show something: controls, and marks that turn the direction of text.
const UNSAFE = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/**
 * Text of a model, a user or a platform, such that a terminal shows it and does nothing else. Line ends and tabs stay;
 * other controls are shown as their pictures, so text cut anywhere is as safe as the whole.
 */
export function visible(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(UNSAFE, (char) => {
    if (char === '\n' || char === '\t') return char;
    const code = char.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? '\u2421' : '\ufffd';
  });
}

/** The same on one line. */
export function oneLine(text: string): string {
  return visible(text).replaceAll(/\s+/g, ' ').trim();
}

const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]|\ufe0f/u;
const NOTHING = /^[\p{M}\p{Cf}\p{Cc}]+$/u;
const PLAIN = /^[\u0020-\u007e]*$/;

let segmenter: Intl.Segmenter | undefined;

function graphemes(text: string): string[] {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

function graphemeWidth(grapheme: string): number {
  if (NOTHING.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}

/** Columns a text takes on one line, its colours left out. */
export function displayWidth(text: string): number {
  const bare = text.replaceAll(SGR, '');
  if (PLAIN.test(bare)) return bare.length;
  return graphemes(bare).reduce((sum, grapheme) => sum + graphemeWidth(grapheme), 0);
}

/** At most so many columns, with an ellipsis where something was left out. For text without colours. */
export function cut(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let out = '';
  let used = 0;
  for (const grapheme of graphemes(text)) {
    const width = graphemeWidth(grapheme);
    if (used + width > columns - 1) break;
    out += grapheme;
    used += width;
  }
  return columns > 0 ? `${out}…` : '';
}

/** Filled with spaces to so many columns. */
export function pad(text: string, columns: number, side: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, columns - displayWidth(text)));
  return side === 'left' ? text + space : space + text;
}
