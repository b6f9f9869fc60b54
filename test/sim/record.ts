// SPDX-License-Identifier: Apache-2.0
// Writes the figures of a run into the marked block of docs/simulation.md.

import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const FILE = fileURLToPath(new URL('../../docs/simulation.md', import.meta.url));
const BEGIN = '<!-- run: begin -->';
const END = '<!-- run: end -->';

export interface RunFigures {
  readonly seeds: number;
  readonly from: number;
  readonly steps: number;
  readonly steps_each: number;
  readonly virtual_ms: number;
  readonly rows: number;
  readonly turns: number;
  readonly deaths: number;
  readonly crashes: number;
  readonly toolCalls: number;
  readonly seconds: number;
  readonly broken: readonly { readonly seed: number; readonly rule: string }[];
}

export function record(run: RunFigures): void {
  const page = readFileSync(FILE, 'utf8');
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${FILE} has no block between ${BEGIN} and ${END}`);
  const figure = (value: number): string => Math.round(value).toLocaleString('en');
  const rows = [
    ['seeds', `${figure(run.seeds)}, from ${run.from}, things break during ${figure(run.steps_each)} steps`],
    ['invariants broken', String(run.broken.length)],
    ['steps', `${figure(run.steps)} (${figure(run.steps / run.seconds)} a second)`],
    ['turns', `${figure(run.turns)}, with ${figure(run.toolCalls)} tool calls and ${figure(run.rows)} rows`],
    ['thread deaths', figure(run.deaths)],
    ['process crashes', figure(run.crashes)],
    ['virtual time', `${figure(run.virtual_ms / 3_600_000)} hours`],
    [
      'time',
      `${figure(run.seconds / 60)} min, one core of ${cpus()[0]?.model ?? 'an unknown processor'}, node ${process.version}`,
    ],
  ];
  const table = ['| | |', '| --- | --- |', ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join('\n');
  writeFileSync(FILE, `${page.slice(0, begin + BEGIN.length)}\n${table}\n${page.slice(end)}`);
}
