// SPDX-License-Identifier: Apache-2.0
// Rows in aligned columns, cut to the terminal where one column can give way.

import { cut, displayWidth, pad } from './terminal-text.ts';

/** How columns are laid out. */
export interface TableLayout {
  /** Columns whose text stands at the right: numbers. */
  readonly right?: readonly number[];
  /** Columns that are cut, in this order, while a row is wider than `width`; their cells carry no colours. */
  readonly give?: readonly number[];
  readonly width?: number;
  readonly indent?: string;
}

const GAP = '  ';
const LEAST_GIVEN = 8;

/** The rows as lines, without spaces at their ends. */
export function tableLines(rows: readonly (readonly string[])[], layout: TableLayout = {}): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(0, ...rows.map((row) => displayWidth(row[column] ?? ''))),
  );
  const indent = layout.indent ?? '';
  const total = indent.length + widths.reduce((sum, width) => sum + width, 0) + GAP.length * Math.max(0, count - 1);
  let over = layout.width === undefined ? 0 : total - layout.width;
  for (const column of layout.give ?? []) {
    const widest = widths[column] ?? 0;
    const narrowed = Math.max(Math.min(LEAST_GIVEN, widest), widest - Math.max(0, over));
    over -= widest - narrowed;
    widths[column] = narrowed;
  }
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      const text = layout.give?.includes(column) === true ? cut(cell, width) : cell;
      return pad(text, width, layout.right?.includes(column) === true ? 'right' : 'left');
    });
    return (indent + cells.join(GAP)).trimEnd();
  });
}
