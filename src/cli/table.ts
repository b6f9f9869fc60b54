// SPDX-License-Identifier: Apache-2.0
// Rows in aligned columns, cut to the terminal where one column can give way.

import { cut, displayWidth, pad } from './terminal-text.ts';

/** How columns are laid out. */
export interface TableLayout {
  /** Columns whose text stands at the right: numbers. */
  readonly right?: readonly number[];
  /** The column that is cut when a row is wider than `width`; its cells carry no colours. */
  readonly give?: number;
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
  if (layout.give !== undefined && layout.width !== undefined && total > layout.width) {
    const widest = widths[layout.give] ?? 0;
    widths[layout.give] = Math.max(Math.min(LEAST_GIVEN, widest), widest - (total - layout.width));
  }
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      const text = column === layout.give ? cut(cell, width) : cell;
      return pad(text, width, layout.right?.includes(column) === true ? 'right' : 'left');
    });
    return (indent + cells.join(GAP)).trimEnd();
  });
}
