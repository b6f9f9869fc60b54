// SPDX-License-Identifier: Apache-2.0
// Overwrites the bytes of a database's pages that belong to nothing: rows that SQLite moved to another page leave theirs there.

import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from 'node:fs';

/** Pages looked at in one step: 1 MiB of the usual size. */
const STEP_PAGES = 256;
/** The first page of a file begins with the file's own header. */
const FILE_HEADER = 100;
/** Bytes of a page's header, by the kind of b-tree page; what begins otherwise is none. */
const PAGE_HEADER: ReadonlyMap<number, number> = new Map([
  [2, 12],
  [5, 12],
  [10, 8],
  [13, 8],
]);
/** What is written there, as long as the longest page. */
const NOTHING = Buffer.alloc(65_536);
/** From this many pages on (137 GB) the first byte of a page that is part of a long row could be taken for a kind. */
const PAGES_MOST = 0x02000000;

/**
 * Overwrites the unused part of the next pages of a database. Nobody ever reads it, so it may be done while others read, and may be
 * cut short anywhere. The caller has made sure that the whole log is in the file, that it keeps no page in memory that it could
 * write back, and that nobody moves the log meanwhile: it is the file's one writer, and does nothing else in between.
 *
 * The file is opened and closed beside SQLite, which takes the process's lock on it away. Since SQLite 3.51 that harms nothing
 * where a log is kept: whoever closes the file last looks at the locks of the log's index.
 *
 * @see https://www.sqlite.org/fileformat2.html#b_tree_pages
 * @param from the number of pages that are done
 * @returns how many are done now; null at the end of the file
 */
export function blankGaps(file: string, pageSize: number, from: number): number | null {
  if (from >= PAGES_MOST) return null;
  const fd = openSync(file, 'r+');
  try {
    const bytes = Buffer.alloc(STEP_PAGES * pageSize);
    const read = readSync(fd, bytes, 0, bytes.length, from * pageSize);
    let changed = false;
    for (let at = 0; at + pageSize <= read; at += pageSize) {
      const place = from * pageSize + at;
      const gap = gapOf(bytes.subarray(at, at + pageSize), place === 0 ? FILE_HEADER : 0);
      if (gap === undefined || gap.bytes.equals(NOTHING.subarray(0, gap.bytes.length))) continue;
      writeSync(fd, NOTHING, 0, gap.bytes.length, place + gap.at);
      changed = true;
    }
    if (changed) fdatasyncSync(fd);
    return read < bytes.length ? null : from + STEP_PAGES;
  } finally {
    closeSync(fd);
  }
}

/** What lies between the list of a page's cells, which grows from its beginning, and the cells, which grow from its end. */
function gapOf(page: Buffer, header: number): { readonly at: number; readonly bytes: Buffer } | undefined {
  const length = PAGE_HEADER.get(page.readUInt8(header));
  if (length === undefined) return undefined;
  const begin = header + length + 2 * page.readUInt16BE(header + 3);
  // 65,536 does not fit, and is written as 0.
  const end = page.readUInt16BE(header + 5) || 65_536;
  if (begin >= end || end > page.length) return undefined;
  return { at: begin, bytes: page.subarray(begin, end) };
}
