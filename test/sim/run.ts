// SPDX-License-Identifier: Apache-2.0
// `npm run sim`: one seed with its trace's hash, many seeds until something breaks, kept plans, or planted bugs.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Plan, planOf } from './plan.ts';
import { CAUGHT_WITHIN, catchBug, plantedBugs, remember } from './planted.ts';
import { record } from './record.ts';
import { shrink } from './shrink.ts';
import { type Outcome, simulate } from './simulate.ts';

const HELP = `Usage: npm run sim -- [options]

Runs the whole gateway in one thread on a virtual clock, from a seed, and breaks things.

  --seed N         one seed: its figures and the hash of its trace
  --seeds N        many seeds (default 100), until one breaks an invariant
  --from N         the first of them (default 1)
  --steps N        during how many steps things break (default 2000)
  --go-on          count what breaks instead of stopping at the first
  --trace          print every step and message of the one seed
  --plan FILE      run a kept plan instead of a seed
  --keep NAME      write the shrunk plan of what broke to test/sim/seeds/NAME.json
  --planted        plant every bug of test/sim/planted/ and show which seed catches it
  --only NAME      with --planted: this one
  --remember       with --planted: note those seeds (of the first 2,000), to be tried first the next time
  --record         write the figures of the run into docs/simulation.md
  --json           one JSON document
  --help
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    first: { type: 'string' },
    steps: { type: 'string', default: '2000' },
    'go-on': { type: 'boolean', default: false },
    hunt: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    plan: { type: 'string' },
    keep: { type: 'string' },
    planted: { type: 'boolean', default: false },
    remember: { type: 'boolean', default: false },
    only: { type: 'string' },
    record: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const steps = number('steps', values.steps);
const say = (line: string): void => {
  if (!values.json) process.stdout.write(`${line}\n`);
};

function number(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  process.stderr.write(`--${name} is a whole number, not ${text}.\n`);
  process.exit(2);
}

function figures({ hash, steps: taken, ms, rows, turns, deaths, crashes, toolCalls }: Outcome): string {
  return `${hash}  ${taken} steps, ${Math.round(ms)} virtual ms, ${turns} turns, ${rows} rows, ${deaths} thread deaths, ${crashes} crashes, ${toolCalls} tool calls`;
}

/** Shrinks what broke and says how to run it again. */
async function explain(plan: Plan, outcome: Outcome): Promise<void> {
  const { broken } = outcome;
  if (broken === undefined) return;
  const small = await shrink(plan, broken.rule);
  const again = await simulate(small.plan);
  say(
    `  shrunk in ${small.runs} runs: ${small.plan.messages.length} messages, ${small.plan.faults.length} faults, ${again.steps} steps`,
  );
  say(`  ${again.broken?.rule}: ${again.broken?.text}`);
  if (values.keep === undefined) return;
  const file = fileURLToPath(new URL(`./seeds/${values.keep}.json`, import.meta.url));
  writeFileSync(
    file,
    `${JSON.stringify({ says: `${again.broken?.rule}: ${again.broken?.text}`, plan: small.plan }, null, 1)}\n`,
  );
  say(`  kept as ${file}`);
}

async function one(plan: Plan, name: string): Promise<void> {
  const outcome = await simulate(plan, values.trace ? say : undefined);
  if (values.json) {
    const { last: _, ...rest } = outcome;
    process.stdout.write(`${JSON.stringify({ seed: plan.seed, ...rest }, null, 2)}\n`);
  } else {
    say(`${name}: ${figures(outcome)}`);
    if (outcome.broken !== undefined) say(`BROKEN ${outcome.broken.rule}: ${outcome.broken.text}`);
    if (!values.trace) await explain(plan, outcome);
  }
  process.exitCode = outcome.broken === undefined ? 0 : 1;
}

async function many(): Promise<void> {
  const count = number('seeds', values.seeds);
  const from = number('from', values.from);
  const began = performance.now();
  const total = { seeds: 0, steps: 0, virtual_ms: 0, rows: 0, turns: 0, deaths: 0, crashes: 0, toolCalls: 0 };
  const broken: { seed: number; rule: string; text: string }[] = [];
  const list = Array.from({ length: count }, (_, at) => from + at);
  if (values.first !== undefined) list.unshift(number('first', values.first));
  for (const seed of list) {
    const plan = planOf(seed, steps);
    const outcome = await simulate(plan);
    total.seeds += 1;
    total.steps += outcome.steps;
    total.virtual_ms += Math.round(outcome.ms);
    total.rows += outcome.rows;
    total.turns += outcome.turns;
    total.deaths += outcome.deaths;
    total.crashes += outcome.crashes;
    total.toolCalls += outcome.toolCalls;
    if (outcome.broken !== undefined) {
      broken.push({ seed, ...outcome.broken });
      say(`BROKEN seed ${seed}: ${outcome.broken.rule}: ${outcome.broken.text}`);
      say(`  again with: npm run sim -- --seed ${seed} --steps ${steps}`);
      if (values.hunt) break;
      if (!values['go-on']) {
        await explain(plan, outcome);
        break;
      }
    } else if (total.seeds % 500 === 0) say(`  ${total.seeds} seeds, ${broken.length} broken`);
  }
  const seconds = (performance.now() - began) / 1_000;
  const run = { ...total, steps_each: steps, from, seconds: Math.round(seconds * 10) / 10, broken };
  if (values.json) process.stdout.write(`${JSON.stringify(run, null, 2)}\n`);
  say(
    `${total.seeds} seeds in ${seconds.toFixed(1)} s (${(total.seeds / seconds).toFixed(1)} seeds/s, ${Math.round(total.steps / seconds)} steps/s): ` +
      `${total.steps} steps, ${total.turns} turns, ${total.deaths} thread deaths, ${total.crashes} crashes, ${broken.length} broken`,
  );
  if (values.record) record(run);
  process.exitCode = broken.length === 0 ? 0 : 1;
}

function planted(): void {
  const most = Number(values.seeds) === 100 ? CAUGHT_WITHIN : number('seeds', values.seeds);
  const bugs = plantedBugs().filter(({ name }) => values.only === undefined || values.only === name);
  const all = bugs.map((bug) => {
    const caught = catchBug(bug, most, steps);
    const found = caught.seed === null ? `NOT CAUGHT in ${most}` : `seed ${caught.seed} (${caught.tried} tried)`;
    say(
      `${caught.name.padEnd(34)} ${found.padEnd(24)} ${`${caught.seconds} s`.padEnd(8)} ${caught.rule}: ${caught.text.slice(0, 80)}`,
    );
    if (values.remember && caught.seed !== null && caught.seed !== bug.seed && caught.seed <= CAUGHT_WITHIN)
      remember(bug, caught.seed);
    return caught;
  });
  const missed = all.filter(({ seed }) => seed === null);
  if (values.json) process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  say(`${all.length - missed.length} of ${all.length} planted bugs are caught`);
  process.exitCode = missed.length === 0 ? 0 : 1;
}

if (values.help) process.stdout.write(HELP);
else if (values.planted) planted();
else if (values.plan !== undefined) {
  await one((JSON.parse(readFileSync(values.plan, 'utf8')) as { readonly plan: Plan }).plan, values.plan);
} else if (values.seed !== undefined) await one(planOf(number('seed', values.seed), steps), `seed ${values.seed}`);
else await many();
