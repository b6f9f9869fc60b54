// SPDX-License-Identifier: Apache-2.0
// `npm run bench [-- --json] [-- --short] [-- --rounds N] [-- T2 T5 …]`: measures, prints one table, keeps it in bench/results/
// and in the README. Ends with 1 when a row misses its floor by more than the noise
// (a row that is known to miss it: when it gets worse).

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureRows, ROW_IDS, type Row } from './rows.ts';

const ROOT = new URL('..', import.meta.url).pathname;
/** A floor that varied more than this between rounds says nothing. */
const MOST_SPREAD = 0.25;

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

type Verdict = 'aim' | 'floor' | 'missed' | 'noisy';

function verdictOf({ better, floor, aim, measured }: Row): Verdict {
  const reaches = (bar: number, slack: number): boolean =>
    better === 'more' ? measured.ratio >= bar * (1 - slack) : measured.ratio <= bar * (1 + slack);
  if (reaches(aim, 0)) return 'aim';
  if (reaches(floor, 0)) return 'floor';
  if (measured.spread > MOST_SPREAD) return 'noisy';
  return reaches(floor, measured.spread) ? 'floor' : 'missed';
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

const missed = rows.filter((row) => verdictOf(row) === 'missed');
for (const { id, floor, measured, known } of missed) {
  const text = `bench: ${id} is at ${measured.ratio.toFixed(2)}, its floor is ${floor}`;
  console.error(known === undefined ? text : `${text}; that it misses is known, worse than ${known} fails`);
}
const failed = missed.filter(({ known, better, measured }) => {
  if (known === undefined) return true;
  return better === 'more' ? measured.ratio < known : measured.ratio > known;
});
console.error(`${rows.length - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length === 0 ? 0 : 1);
