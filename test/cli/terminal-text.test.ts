// SPDX-License-Identifier: Apache-2.0
// Text on a terminal: nothing in it is obeyed, and its columns are counted as the terminal counts them.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { documentText } from '../../src/cli/output.ts';
import { tableLines } from '../../src/cli/table.ts';
import { cut, displayWidth, oneLine, pad, visible } from '../../src/cli/terminal-text.ts';
import { agoText, spanText } from '../../src/cli/time-text.ts';

const ESC = '\u001b';

describe('visible', () => {
  it('lets no control through but line ends and tabs', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const left = visible(text).replaceAll(/[\n\t]/g, '');
        expect(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(left)).toBe(false);
      }),
    );
  });

  it('is as safe in pieces as in whole', () => {
    const hostile = `a${ESC}[31mb${ESC}]0;t\u0007\u009b2J`;
    for (let at = 0; at <= hostile.length; at++) {
      expect(visible(hostile.slice(0, at)) + visible(hostile.slice(at))).toBe(visible(hostile));
    }
  });

  it('keeps ordinary text', () => {
    expect(visible('a\tb\r\nc 日本 👩‍👩‍👧 é')).toBe('a\tb\nc 日本 👩‍👩‍👧 é');
    expect(oneLine(' a\n\n b\t c ')).toBe('a b c');
  });
});

describe('columns', () => {
  it.each([
    ['abc', 3],
    ['日本', 4],
    ['e\u0301', 1],
    ['👍', 2],
    ['👩‍👩‍👧', 2],
    ['한글', 4],
    [`${ESC}[1mab${ESC}[22m`, 2],
  ])('%j takes %i', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  it('cuts and pads by them', () => {
    expect(cut('日本語', 5)).toBe('日本…');
    expect(displayWidth(cut('日本語日本語', 6))).toBeLessThanOrEqual(6);
    expect(pad('日', 4)).toBe('日  ');
    expect(pad('9', 3, 'right')).toBe('  9');
  });

  it('aligns a table and cuts the column that gives way', () => {
    const lines = tableLines(
      [
        ['id', 'a long title that is too long', '1'],
        ['日本', 'short', '22'],
      ],
      { give: [1], width: 24, right: [2] },
    );
    expect(lines.every((line) => displayWidth(line) <= 24)).toBe(true);
    expect(lines[0]).toContain('…');
    expect(lines[1]).toMatch(/22$/);
  });
});

describe('documents', () => {
  it('escape what a terminal would obey, and read back the same', () => {
    const value = { text: `${ESC}[2J\u009b31m\u202eabc` };
    const written = documentText(value, 2);
    expect(/[\p{Cc}\u202e]/u.test(written.replaceAll('\n', ''))).toBe(false);
    expect(JSON.parse(written)).toEqual(value);
  });
});

describe('times', () => {
  it('are said as people say them', () => {
    expect([0, 5, 65, 3_725, 90_061].map(spanText)).toEqual(['0 s', '5 s', '1 min', '1 h 2 min', '1 d 1 h']);
    const now = Date.parse('2026-05-01T12:00:00.000Z');
    expect(agoText('2026-05-01T11:59:55.000Z', now)).toBe('5 s ago');
    expect(agoText('2026-05-01T10:00:00.000Z', now)).toBe('2 h ago');
    expect(agoText('2026-01-01T10:00:00.000Z', now)).toBe('2026-01-01');
  });
});
