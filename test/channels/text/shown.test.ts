// SPDX-License-Identifier: Apache-2.0
// What is shown of a message: never nothing, and never more than a message has.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { loadMarkdown } from '../../../src/channels/text/markdown.ts';
import { PLAIN, WHATSAPP } from '../../../src/channels/text/marked-text.ts';
import { shownText } from '../../../src/channels/text/shown.ts';
import { usualRuns } from '../../drawn.ts';

const parse = await loadMarkdown();

it.each([
  ['This is **bold**, and [a link](https://example.com/a_b).', 'This is bold, and a link (https://example.com/a_b).'],
  ['- one\n- two', '• one\n• two'],
  // An address that nothing refers to is no text to Markdown.
  ['[tides]: https://example.com/tides', '[tides]: https://example.com/tides'],
])('%j', (markdown, shown) => {
  expect(shownText(parse, markdown, PLAIN, 1_000)).toBe(shown);
});

it('is as it was written where its marks would make it too long', () => {
  const markdown = `${'x '.repeat(40)}\n# ${'y'.repeat(17)}`;
  expect(shownText(parse, markdown, WHATSAPP, markdown.length - 1)).toBe(markdown);
});

it('is something where something was said, and fits where that did', () => {
  const text = fc.string({ unit: fc.constantFrom(...'ab *_`#>[]():!|~-1.\n'), maxLength: 200 });
  fc.assert(
    fc.property(text, fc.constantFrom(PLAIN, WHATSAPP), (markdown, marks) => {
      const shown = shownText(parse, markdown, marks, 200);
      expect(shown.length).toBeLessThanOrEqual(200);
      expect(shown.trim() === '').toBe(markdown.trim() === '');
    }),
    { numRuns: usualRuns(200) },
  );
});
