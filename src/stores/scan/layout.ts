// SPDX-License-Identifier: Apache-2.0
// Where things lie in the memory a scan works in: results first, then the query, then codes, which alone grow.

/** Rows scanned in one go: their results fit in the first part of the memory, and in a processor's nearest cache. */
export const BLOCK_ROWS = 2_048;
/** Where the query lies, as words of 16 bits; the results before it are of 32. */
export const QUERY_AT = BLOCK_ROWS * 4;
/** The largest vectors that are scanned; larger ones are searched in the file. */
export const DIMENSIONS_MOST = 4_096;
/** Where the first row's codes lie. */
export const CODES_AT = QUERY_AT + DIMENSIONS_MOST * 2;
/** Rows the kernel takes at once; it runs over the last ones of a block in full. */
export const ROWS_AT_ONCE = 4;

/** Bytes from one row to the next: what the kernel takes in one step is 16. */
export function strideOf(dimensions: number): number {
  return Math.ceil(dimensions / 16) * 16;
}
