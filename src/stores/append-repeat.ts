// SPDX-License-Identifier: Apache-2.0
// Whether an append has been made before: then it is answered again instead of being made twice.

import type { Append } from './journal.ts';
import type { Head } from './journal-disk.ts';
import type { JournalRow, StoredRecord } from './records.ts';

/** How far behind a stream's head a repetition is still recognised; a writer has one append in flight, so it is at the head. */
const REPEAT_ROWS = 4096;

/**
 * The seq of the row an append begins with, when it is a repetition; else undefined, and it is a `conflict`.
 *
 * An append whose number is not past the head is a repetition when **all** its records are in the stream at their
 * numbers (type, version, turn and payload; not the time, which a writer that decided again may have taken anew): it is
 * answered with the first one's seq, even if the stream has gone on since. Any other is a `conflict`, also one whose
 * first records are there and whose last are not: an append is atomic, so such a one is not the append of that number.
 */
export function repeatedAt(
  append: Append,
  head: Head,
  rowAt: (seq: number) => JournalRow | undefined,
): number | undefined {
  const records = append.items.flatMap((item) => item.records);
  const last = append.n + records.length - 1;
  if (last > head.n || head.n - last > REPEAT_ROWS) return undefined;
  let row = rowAt(head.seq);
  while (row !== undefined && row.n > last) row = rowAt(row.prev);
  for (let index = records.length - 1; index >= 0; index--) {
    const record = records[index];
    if (row === undefined || record === undefined || !sameRecord(row, record)) return undefined;
    if (index === 0) return row.seq;
    row = rowAt(row.prev);
  }
  return undefined;
}

function sameRecord(row: JournalRow, record: StoredRecord): boolean {
  return (
    row.payload === record.payload &&
    row.type === record.type &&
    row.version === record.version &&
    row.turn_id === record.turn_id
  );
}
