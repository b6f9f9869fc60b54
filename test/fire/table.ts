// SPDX-License-Identifier: Apache-2.0
// The table of a fire run: every scene with its bars, for people and for the documentation.

import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly p99_ms: number;
  /** Against the normal right before; what somebody was refused in between counts into how long it took. */
  readonly p99_ratio: number;
  readonly p50_ratio: number;
  readonly rss_ratio: number;
  readonly rss_after_ratio: number;
  readonly normal_again_ms: number;
  readonly back_ms: readonly number[] | null;
  readonly problems: readonly string[];
  readonly note: string;
}

/** What must come out. */
const BARS = { p99_ratio: 2, rss_ratio: 2, normal_again_ms: 5_000, back_ms: 200 } as const;

const DOC = new URL('../../docs/under-fire.md', import.meta.url);
const BEGIN = '<!-- fire:begin -->';
const END = '<!-- fire:end -->';

export function machineText(): string {
  return `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, node ${process.version}`;
}

interface Sums {
  readonly normal: { readonly p50: number; readonly p99: number; readonly rss: number; readonly delay: number };
  readonly capacity: number;
  /** Only what can be counted is held against a bar. */
  readonly counts: boolean;
  readonly lost: number;
}

export function tableOf(
  rows: readonly Row[],
  { normal, capacity, counts, lost }: Sums,
): { readonly text: string; readonly passed: number; readonly failed: number } {
  const lines = [
    `${machineText()}. Normal: p50 ${normal.p50.toFixed(1)} ms, p99 ${normal.p99.toFixed(1)} ms, RSS ${Math.round(normal.rss / 1e6)} MB, loop delay of main p99 ${normal.delay} ms; capacity ${Math.round(capacity)} turns/s. Lost, doubled or wrong: ${lost}.`,
    '',
    "| trouble | others' p99 | RSS at most | RSS after | normal again | thread back | | |",
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
  ];
  let failed = 0;
  for (const row of rows) {
    const misses = counts ? row.problems : [...missesOf(row), ...row.problems];
    if (misses.length > 0) failed += 1;
    const p99 = `${row.p99_ratio.toFixed(2)}× (${row.p99_ms.toFixed(0)} ms)`;
    const back =
      row.back_ms === null
        ? '–'
        : row.back_ms
            .map((ms) => `${Math.round(ms)}`)
            .join(', ')
            .concat(' ms');
    lines.push(
      `| ${row.title} | ${p99} | ${row.rss_ratio.toFixed(2)}× | ${row.rss_after_ratio.toFixed(2)}× | ${(row.normal_again_ms / 1_000).toFixed(1)} s | ${back} | ${row.note} | ${misses.length === 0 ? 'held' : `missed: ${misses.join('; ')}`} |`,
    );
  }
  return { text: lines.join('\n'), passed: rows.length - failed, failed };
}

function missesOf(row: Row): readonly string[] {
  const misses: string[] = [];
  if (row.p99_ratio > BARS.p99_ratio) misses.push("others' p99");
  if (row.rss_ratio > BARS.rss_ratio) misses.push('RSS');
  if (row.normal_again_ms > BARS.normal_again_ms) misses.push('normal again');
  if (row.back_ms?.some((ms) => ms > BARS.back_ms)) misses.push('thread back');
  return misses;
}

/** Puts a table into its place in the documentation. */
export function writeBlock(table: string): void {
  const text = readFileSync(DOC, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`${DOC.pathname} has no place for the table`);
  writeFileSync(DOC, `${before}${BEGIN}\n\n${table}\n\n${END}${after}`);
}
