// SPDX-License-Identifier: Apache-2.0
// Markdown as Discord reads it, which is nearly what was written: only what it does not know is written otherwise.

import { type ParseMarkdown, type PlacedBlock, tableLines, wordsOf } from './document.ts';

/** Calls to all, which must stay words even where a server lets bots call. */
const TO_ALL = /@(?=everyone|here)/gi;
const ZERO_WIDTH = '\u200b';

/** @returns the text as it is given to Discord, a few units longer for each thing that had to be written otherwise */
export function discordMarkdown(markdown: string, parse: ParseMarkdown): string {
  const rows = markdown.replace(/\r\n?/g, '\n').split('\n');
  const written: string[] = [];
  let at = 0;
  const said = (to: number): readonly string[] =>
    rows.slice(at, to).map((row) => row.replace(TO_ALL, `@${ZERO_WIDTH}`));
  for (const block of parse(markdown)) {
    const [from, to] = block.lines;
    const own = otherwise(block, rows.slice(from, to));
    if (own === null || from < at) continue;
    written.push(...said(from), own);
    at = to;
  }
  return [...written, ...said(rows.length)].join('\n');
}

/** A block that Discord would not show as what it is, and code, which stays as it is; null for all others. */
function otherwise(block: PlacedBlock, rows: readonly string[]): string | null {
  switch (block.kind) {
    case 'code':
      return rows.join('\n');
    case 'table':
      return `\`\`\`\n${tableLines(block).join('\n').replaceAll('```', "'''")}\n\`\`\``;
    case 'rule':
      return '———';
    case 'heading': {
      if (block.level <= 3 && rows.length === 1) return null;
      const words = wordsOf(block.children).replace(TO_ALL, `@${ZERO_WIDTH}`);
      return `${'#'.repeat(Math.min(block.level, 3))} ${words}`;
    }
    default:
      return null;
  }
}
