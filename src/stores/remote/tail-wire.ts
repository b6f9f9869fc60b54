// SPDX-License-Identifier: Apache-2.0
// A stream's tail as it crosses a thread: one flat array. After a crash a thousand streams are read at once, fifty rows each.

import type { PackedTail, Tail } from '../journal.ts';
import type { TailRow } from '../records.ts';

/** Places a row takes. */
const ROW = 5;

export function packTail({ n, rows }: Tail): PackedTail {
  const packed: (string | number)[] = [n];
  for (const { seq, at, type, version, payload } of rows) packed.push(seq, at, type, version, payload);
  return packed;
}

export function unpackTail(packed: PackedTail): Tail {
  const rows: TailRow[] = [];
  for (let next = 1; next < packed.length; next += ROW) {
    rows.push({
      seq: packed[next] as number,
      at: packed[next + 1] as number,
      type: packed[next + 2] as string,
      version: packed[next + 3] as number,
      payload: packed[next + 4] as string,
    });
  }
  return { n: packed[0] as number, rows };
}
