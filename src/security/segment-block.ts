// SPDX-License-Identifier: Apache-2.0
// A row of equal things found in a longer row, in steps that grow with the two lengths added up (Knuth, Morris, Pratt 1977).

/** Counts the steps of a match, for whoever wants to know how they grow. */
export interface Meter {
  steps: number;
}

/** A string's code units, or the segments of a name. */
export type Row = ArrayLike<string>;

/** For each place of a block, how much of its beginning also ends there: where the search goes on without going back. */
export function overlaps(block: Row): readonly number[] {
  const table = [0];
  let held = 0;
  for (let at = 1; at < block.length; at += 1) {
    while (held > 0 && block[at] !== block[held]) held = table[held - 1] ?? 0;
    if (block[at] === block[held]) held += 1;
    table.push(held);
  }
  return table;
}

/**
 * Where the first occurrence of a block ends, looked for from `from` on and before `to`; -1 when there is none. An empty block
 * is found where the search begins, when that is not past the end.
 */
export function findBlock(
  block: Row,
  table: readonly number[],
  row: Row,
  from: number,
  to: number,
  meter?: Meter,
): number {
  if (block.length === 0) return from <= to ? from : -1;
  let held = 0;
  for (let at = from; at < to; at += 1) {
    while (held > 0 && row[at] !== block[held]) {
      if (meter !== undefined) meter.steps += 1;
      held = table[held - 1] ?? 0;
    }
    if (meter !== undefined) meter.steps += 1;
    if (row[at] === block[held]) held += 1;
    if (held === block.length) return at + 1;
  }
  return -1;
}
