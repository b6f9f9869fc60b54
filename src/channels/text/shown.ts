// SPDX-License-Identifier: Apache-2.0
// A message as people are to read it: its marks where there is room for them, and what was written where there would be nothing.

import type { ParseMarkdown } from './document.ts';
import { type Marks, markedText } from './marked-text.ts';

/**
 * Markdown with a platform's marks, in one message still: as it was written where that would be longer than `most`, or where
 * nothing is left of it, as of a link's address that nothing refers to.
 */
export function shownText(parse: ParseMarkdown, markdown: string, marks: Marks, most: number): string {
  const text = markedText(parse(markdown), marks);
  return text.length > most || text.trim() === '' ? markdown : text;
}
