// SPDX-License-Identifier: Apache-2.0
// A reply in a channel's messages: within its limit, nothing lost, no character and no code block cut in two.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainText, respond } from '../../src/agent/respond.ts';

const words = (texts: readonly string[]): string => texts.join(' ').replaceAll(/\s+/g, '');

describe('a reply', () => {
  it('is one message where there is room, and none where there is nothing to say', () => {
    expect(respond('Hello *you*.', { markdown: true })).toEqual(['Hello *you*.']);
    expect(respond('Hello *you*.', { markdown: false, max_length: 100 })).toEqual(['Hello you.']);
    expect(respond('  \n', { markdown: true })).toEqual([]);
  });

  it('is cut within the limit, and loses no character of what it says', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', ' ', '\n', '. ', '\n\n', '🦀', 'é', '👩‍👩‍👧‍👦'),
      maxLength: 600,
    });
    fc.assert(
      fc.property(text, fc.integer({ min: 64, max: 300 }), fc.boolean(), (content, max_length, markdown) => {
        const parts = respond(content, { markdown, max_length });
        for (const part of parts) {
          expect(part.length).toBeLessThanOrEqual(max_length);
          expect(part.isWellFormed()).toBe(true);
          expect(part.trim()).not.toBe('');
        }
        expect(words(parts)).toBe(words([content]));
      }),
    );
  });

  it('is cut between paragraphs rather than lines, sentences or words, and within a character never', () => {
    const [one, two] = ['x'.repeat(40), 'y'.repeat(50)];
    expect(respond(`${one}\n\n${two}`, { markdown: true, max_length: 80 })).toEqual([one, two]);
    expect(respond(`It rains. ${'It is wet. '.repeat(8)}`, { markdown: true, max_length: 80 })[0]).toMatch(/wet\.$/);
    const family = '👩‍👩‍👧‍👦';
    for (const part of respond(family.repeat(20), { markdown: true, max_length: 64 }))
      expect(part.replaceAll(family, '')).toBe('');
  });

  it('closes a code block that is cut, and opens it again', () => {
    const code = Array.from({ length: 24 }, (_, at) => `let line${at} = ${at};`).join('\n');
    const parts = respond(`Look:\n\n\`\`\`ts\n${code}\n\`\`\`\n\nThat is all.`, { markdown: true, max_length: 120 });
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) {
      expect(part.length).toBeLessThanOrEqual(120);
      expect((part.match(/^```/gm) ?? []).length % 2).toBe(0);
    }
    expect(parts[1]).toMatch(/^```ts\nlet line/);
    expect(parts.at(-1)).toMatch(/That is all\.$/);
    for (let at = 0; at < 24; at += 1) expect(parts.filter((part) => part.includes(`line${at} `))).toHaveLength(1);
  });
});

describe('Markdown where it is not rendered', () => {
  it.each([
    ['# Title', 'Title'],
    ['**bold** and *slanted* and `code`', 'bold and slanted and code'],
    ['2 * 3 * 4 = 24', '2 * 3 * 4 = 24'],
    ['[here](https://a.example/x) ![](https://b.example/y)', 'here (https://a.example/x) https://b.example/y'],
    ['- one\n- two', '- one\n- two'],
    ['```js\nlet a = **b**;\n```\nso', 'let a = **b**;\nso'],
    ['snake_case_name', 'snake_case_name'],
  ])('%s', (given, shown) => {
    expect(plainText(given)).toBe(shown);
  });
});
