// SPDX-License-Identifier: Apache-2.0
// `npm run bench [-- --json] [-- --short] [-- --rounds N] [-- T2 T5 …]`: measures, prints one table, keeps it in bench/results/
// and in the README. Ends with 1 when a row misses its floor by more than the noise
// (a row that is known to miss it: when it gets worse).

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureRows, ROW_IDS } from './rows.ts';
import { cells, fails, markdown, missText, verdictOf } from './table.ts';

const ROOT = new URL('..', import.meta.url).pathname;

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
const { short } = values;
const rounds = Number(values.rounds ?? (short ? 2 : 7));

const machine = `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, node ${process.version}`;
if (!values.json) console.log(`bench: ${rounds} rounds, ${machine}`);
const { rows, broken } = await measureRows(
  { rounds, short },
  positionals,
  (row) => {
    if (!values.json) console.log(`  ${cells(row).join(' · ')}`);
  },
  (ids, error) => console.error(`bench: ${ids.join(', ')} could not be measured:`, error),
);
const at = new Date().toISOString();
const result = { at, machine, rounds, rows: rows.map((row) => ({ ...row, reaches: verdictOf(row) })) };
if (values.json) console.log(JSON.stringify(result));
// A table with a hole in it is not kept: it would say less than the one before.
if (!short && positionals.length === 0 && broken.length === 0) keep();

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

for (const row of rows) if (verdictOf(row) === 'missed') console.error(missText(row));
const failed = rows.filter(fails).length + broken.length;
console.error(`${rows.length + broken.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
