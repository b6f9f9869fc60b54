// SPDX-License-Identifier: Apache-2.0
// Kills during all that works on the data itself, and after each: every view table by table against one made from scratch.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { print, writeBlocks } from '../crash/table.ts';
import { add, type Figures, KINDS, type Kind, killsIn, noFigures } from './figures.ts';
import { playRound } from './round.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '600' },
    seed: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    only: { type: 'string' },
    state: { type: 'string' },
    for: { type: 'string' },
    keep: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(`Usage: npm run test:stores -- [--kills N] [--only KIND,…] [--seed S] [--jobs J] [--state FILE] [--for SECONDS] [--keep] [--write]

  --kills N      kills in all (600), as many of each kind: ${KINDS.join(', ')}
  --only KIND,…  kills of these kinds alone
  --seed S       draws the same kills again
  --jobs J       rounds at a time
  --state FILE   keeps the figures round by round, and goes on from there
  --for SECONDS  begins no other round after this time; with --state the next run goes on
  --keep         keeps the data of what went wrong
  --write        writes the figures into docs/reliability.md, once all kills are done`);
  process.exit(0);
}

/** Kills of each kind in one round: then other data is begun, so that nothing grows with their number. */
const EACH = 5;

interface State {
  readonly kinds: readonly Kind[];
  readonly seed: number;
  readonly each: number;
  /** Rounds that are done, and held. */
  readonly rounds: number[];
  readonly figures: Figures;
  seconds: number;
}

const kinds = KINDS.filter((kind) => values.only === undefined || values.only.split(',').includes(kind));
if (kinds.length < (values.only?.split(',').length ?? 0)) throw new Error(`there are ${KINDS.join(', ')}`);
/** Kills of each kind in all. */
const each = Math.ceil(Number(values.kills) / kinds.length);
const rounds = Math.ceil(each / EACH);

function stateOf(file: string | undefined): State {
  if (file !== undefined && existsSync(file)) {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as State;
    if (
      (values.seed === undefined || kept.seed === Number(values.seed)) &&
      kept.each === each &&
      kept.kinds.join() === kinds.join()
    )
      return kept;
    throw new Error(
      `${file} is of ${kept.each} kills of ${kept.kinds.join(',')} with --seed ${kept.seed}: remove it to begin anew`,
    );
  }
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  return { seed, kinds, each, rounds: [], figures: noFigures(), seconds: 0 };
}

const state = stateOf(values.state);
const { seed, figures } = state;
const began = performance.now();
const before = state.seconds;
const seconds = (): number => Math.round((performance.now() - began) / 1_000);
const inTime = (): boolean => values.for === undefined || seconds() < Number(values.for);
console.log(`kills over data, ${each} of each of ${kinds.join(', ')}, seed ${seed}: run again with --seed ${seed}`);
if (state.rounds.length > 0) console.log(`  ${state.rounds.length} of ${rounds} rounds are done already`);

const left = Array.from({ length: rounds }, (_, at) => at).filter((at) => !state.rounds.includes(at));
let broken = 0;
const work = async (): Promise<void> => {
  while (inTime()) {
    const at = left.shift();
    if (at === undefined) return;
    const share = Math.min(EACH, each - at * EACH);
    const round = await playRound({ seed: seed * 100_003 + at, each: share, kinds, keep: values.keep });
    add(figures, round.figures);
    for (const problem of round.problems.slice(0, 20)) console.log(`  PROBLEM in round ${at}: ${problem}`);
    if (round.kept !== null) console.log(`  data of round ${at} kept in ${round.kept}`);
    if (round.problems.length > 0) broken += 1;
    state.rounds.push(at);
    state.seconds = before + seconds();
    // What went wrong is not kept as done: it is tried again by who mends it.
    if (values.state !== undefined && broken === 0) writeFileSync(values.state, `${JSON.stringify(state)}\n`);
    console.log(`  ${killsIn(figures)} of ${each * kinds.length} kills, ${figures.problems} problems; ${seconds()} s`);
  }
};
await Promise.all(Array.from({ length: Number(values.jobs) }, work));

const whole = state.rounds.length >= rounds;
const outcomes = [{ part: 'data', figures: { ...figures, seconds: state.seconds } } as const];
print(outcomes);
if (!whole)
  console.log(
    `${rounds - state.rounds.length} rounds are left${values.state === undefined ? '' : `: go on with --state ${values.state}`}`,
  );
if (values.write && whole) writeBlocks(outcomes);
process.exit(figures.problems === 0 ? 0 : 1);
