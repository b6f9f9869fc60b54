// SPDX-License-Identifier: Apache-2.0
// A long reply in parts: every part fits, nothing is lost, and code stays code.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { telegramHtml } from '../../../src/channels/text/html.ts';
import { loadMarkdown } from '../../../src/channels/text/markdown.ts';
import { splitMarkdown, splitPieces } from '../../../src/channels/text/split.ts';
import { usualRuns } from '../../drawn.ts';

/** Texts as models write them, and texts nobody would. */
const fragment = fc.oneof(
  fc.constantFrom(
    '\n',
    '\n\n',
    ' ',
    '  \n',
    '. ',
    '```',
    '```js\n',
    '~~~\n',
    '\n```\n',
    '> ',
    '- ',
    '1. ',
    '   ',
    '\t',
  ),
  fc.constantFrom('👩‍👩‍👧', 'e\u0301', '🇩🇪', '世界', '\r\n', '\u200d', 'ä', '\ud800', '<b>&', '**', '`', '"'),
  fc.lorem({ maxCount: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom('x'.repeat(90), `\n\`\`\`python\n${'line of code\n'.repeat(12)}\`\`\`\n`),
);
const text = fc.array(fragment, { maxLength: 40 }).map((all) => all.join(''));
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

describe('a reply that is split', () => {
  it('loses nothing but space at the borders, and every part fits', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 16, max: 300 }), (markdown, most) => {
        const { pieces, tail } = splitPieces(markdown, most);
        expect(pieces.map(({ gap, body }) => gap + body).join('') + tail).toBe(markdown);
        for (const { gap, opens, body, closes } of pieces) {
          expect(gap.trim()).toBe('');
          expect(body).not.toBe('');
          expect((opens + body + closes).length).toBeLessThanOrEqual(most);
        }
        expect(tail.trim()).toBe('');
      }),
      { numRuns: usualRuns(400) },
    );
  });

  it('is never parted within a character, nor within a grapheme that has room', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 40, max: 200 }), (markdown, most) => {
        const well = markdown.toWellFormed();
        const starts = new Set([...graphemes.segment(well)].map(({ index }) => index)).add(well.length);
        const longest = Math.max(0, ...[...graphemes.segment(well)].map(({ segment }) => segment.length));
        fc.pre(longest < most / 4);
        let at = 0;
        for (const { gap, body } of splitPieces(well, most).pieces) {
          at += gap.length;
          expect(starts.has(at)).toBe(true);
          at += body.length;
          expect(starts.has(at)).toBe(true);
        }
      }),
      { numRuns: usualRuns(300) },
    );
  });

  it('fits once it is rendered', async () => {
    const parse = await loadMarkdown();
    const measure = (part: string) => telegramHtml(parse(part)).length;
    fc.assert(
      fc.property(text, fc.integer({ min: 120, max: 400 }), (markdown, most) => {
        const { pieces, tail } = splitPieces(markdown, most, { measure });
        expect(pieces.map(({ gap, body }) => gap + body).join('') + tail).toBe(markdown);
        for (const part of splitMarkdown(markdown, most, { measure })) {
          expect(measure(part)).toBeLessThanOrEqual(most);
          expect(part.length).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: usualRuns(200) },
    );
  });

  it('is parted after paragraphs, then lines, then sentences, then words', () => {
    const words = 'word '.repeat(12).trim();
    expect(splitMarkdown(`${words}\n\n${words}\n\n${words}`, 130)).toEqual([`${words}\n\n${words}`, words]);
    expect(splitMarkdown(`${words}\n${words}\n${words}`, 130)).toEqual([`${words}\n${words}`, words]);
    expect(splitMarkdown('One sentence here. Another one there. And a third.', 40)).toEqual([
      'One sentence here. Another one there.',
      'And a third.',
    ]);
    expect(splitMarkdown('aaaa bbbb cccc dddd eeee', 16)).toEqual(['aaaa bbbb cccc', 'dddd eeee']);
    expect(splitMarkdown('- one\n  - two\n  - three', 16)).toEqual(['- one\n  - two', '  - three']);
  });

  it('keeps a fence whole where it has room, and the text around it apart', () => {
    const code = '```js\nlet a = 1;\nlet b = 2;\n```';
    const before = 'Some words before the code stand here.';
    expect(splitMarkdown(`${before}\n${code}\nafter`, 60)).toEqual([before, `${code}\nafter`]);
  });

  it('reopens a fence with its language, and never leaves one empty', () => {
    const lines = Array.from({ length: 10 }, (_, at) => `print(${at})`);
    const parts = splitMarkdown(`Look:\n\n\`\`\`python\n${lines.join('\n')}\n\`\`\`\n\nDone.`, 60);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.slice(1, -1).every((part) => part.startsWith('```python\nprint'))).toBe(true);
    for (const part of parts) {
      expect((part.match(/```/g) ?? []).length % 2).toBe(0);
      expect(part).not.toMatch(/```python\n```/);
    }
    expect(parts.join('\n').match(/print\(\d\)/g)).toEqual(lines);
    for (let most = 40; most < 140; most += 1)
      for (const part of splitMarkdown(`a\n\n~~~~sh\n${'echo hello\n'.repeat(20)}~~~~\nb`, most))
        expect(part).not.toMatch(/~~~~sh\n~~~~/);
  });

  it('keeps empty lines and what is moved in within code', () => {
    const code = Array.from({ length: 30 }, (_, at) => (at % 3 === 0 ? '' : `    indented ${at}`));
    const parts = splitMarkdown(`\`\`\`\n${code.join('\n')}\n\`\`\``, 100);
    const lines = parts.map((part) => part.split('\n').slice(1, -1).join('\n')).join('\n');
    expect(lines).toBe(code.join('\n'));
  });

  it('parts code within a quote and a list as code', () => {
    const quoted = `> \`\`\`js\n${'> let a;\n'.repeat(12)}> \`\`\``;
    for (const part of splitMarkdown(quoted, 60)) expect(part).toMatch(/^> ```js\n[\s\S]*\n> ```$/);
    const listed = `1. Do this:\n   \`\`\`sh\n${'   make it so\n'.repeat(12)}   \`\`\``;
    for (const part of splitMarkdown(listed, 80).slice(1)) expect(part).toMatch(/^ {3}```sh\n[\s\S]*\n {3}```$/);
  });

  it('is quick where a text has no border at all', () => {
    expect(splitMarkdown('x'.repeat(200_000), 4_096)).toHaveLength(49);
    expect(splitMarkdown(`\`\`\`\n${'x'.repeat(50_000)}`, 2_000).every((part) => part.length <= 2_000)).toBe(true);
    expect(splitMarkdown(' '.repeat(100_000), 100)).toEqual([]);
    expect(() => splitMarkdown('text', 3)).toThrow(RangeError);
  });
});
