// SPDX-License-Identifier: Apache-2.0
// `npm run bench [-- --json] [-- --short] [-- --rounds N] [-- T2 T5 …]`: measures, prints one table, keeps it in bench/results/
// and in the README. Ends with 1 when a row misses its floor by more than the noise
// (a row that is known to miss it: when it gets worse).

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MOST_SPREAD, measureRows, ROW_IDS, type Row } from './rows.ts';

const ROOT = new URL('..', import.meta.url).pathname;

/** What two runs of the same program differ by on a shared machine, even when the floor was steady in both. */
const LEAST_NOISE = 0.15;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(`npm run bench -- [--short] [--json] [--rounds N] [ROW…]\nRows: ${ROW_IDS.join(' ')}`);
  process.exit(0);
}
const rounds = Number(values.rounds ?? (values.short ? 3 : 7));

/** `noisy`: the floor itself varied too much between rounds, also when it was measured again; the figure is refused. */
type Verdict = 'aim' | 'floor' | 'missed' | 'noisy';

function reaches({ better, measured }: Row, bar: number): boolean {
  return better === 'more' ? measured.ratio >= bar : measured.ratio <= bar;
}

function verdictOf(row: Row): Verdict {
  if (row.measured.spread > MOST_SPREAD) return 'noisy';
  if (reaches(row, row.aim)) return 'aim';
  return reaches(row, row.floor) ? 'floor' : 'missed';
}

/** Whether a row is worse than it may be by more than the noise. */
function fails(row: Row): boolean {
  if (verdictOf(row) !== 'missed') return false;
  const bar = row.known ?? row.floor;
  const noise = Math.max(LEAST_NOISE, row.measured.spread);
  const slack = row.better === 'more' ? 1 - noise : 1 + noise;
  return !reaches(row, bar * slack);
}

const number = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(value >= 10 ? 1 : 2);

function cells(row: Row): readonly string[] {
  const { measured, better, unit } = row;
  const bar = (value: number): string => `${better === 'more' ? '≥' : '≤'} ${value}${unit === 'MiB' ? ' MiB' : '×'}`;
  const figure = unit === 'MiB' ? `${number(measured.ours)} MiB` : `${measured.ratio.toFixed(2)}×`;
  const ours = unit === 'MiB' ? '–' : `${number(measured.ours)} ${row.ours}`;
  const spread = unit === 'MiB' ? '–' : `${Math.round(measured.spread * 100)} %`;
  return [row.id, row.title, row.against, figure, ours, spread, bar(row.floor), bar(row.aim), verdictOf(row)];
}

const HEAD = ['id', 'row', 'against', 'measured', 'ours', 'spread of the floor', 'floor', 'aim', 'reaches'];

function markdown(rows: readonly Row[]): string {
  const line = (values: readonly string[]): string => `| ${values.join(' | ')} |`;
  return [line(HEAD), line(HEAD.map(() => '---')), ...rows.map((row) => line(cells(row)))].join('\n');
}

const machine = `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, node ${process.version}`;
if (!values.json) console.log(`bench: ${rounds} rounds, ${machine}`);
const rows = await measureRows(rounds, positionals, (row) => {
  if (!values.json) console.log(`  ${cells(row).join(' · ')}`);
});
const at = new Date().toISOString();
const result = { at, machine, rounds, rows: rows.map((row) => ({ ...row, reaches: verdictOf(row) })) };
if (values.json) console.log(JSON.stringify(result));
if (!values.short && positionals.length === 0) keep();

/** Keeps a whole run: as a file of its own, and as the README's table. */
function keep(): void {
  const results = join(ROOT, 'bench/results');
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, `${at.slice(0, 10)}.json`), `${JSON.stringify(result, null, 2)}\n`);
  const readme = join(ROOT, 'README.md');
  const text = readFileSync(readme, 'utf8');
  const table = `<!-- bench:begin -->\n${markdown(rows)}\n\nMedians of ${rounds} rounds, ${at.slice(0, 10)}, ${machine}.\n<!-- bench:end -->`;
  writeFileSync(readme, text.replace(/<!-- bench:begin -->[\s\S]*<!-- bench:end -->/, table));
}

for (const row of rows) {
  const { id, floor, measured, known } = row;
  if (verdictOf(row) !== 'missed') continue;
  const text = `bench: ${id} is at ${measured.ratio.toFixed(2)}, its floor is ${floor}`;
  console.error(known === undefined ? text : `${text}; that it misses is known, worse than ${known} fails`);
}
const failed = rows.filter(fails).length;
console.error(`${rows.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
