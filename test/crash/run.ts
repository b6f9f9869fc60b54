// SPDX-License-Identifier: Apache-2.0
// The crash tests by the command line: kills at random, kills at every named place, power loss, and the way back. One table at the end.

import { parseArgs } from 'node:util';
import { disturbEveryFile } from '../disk-faults/every-file.ts';
import { killAdapters } from './adapters.ts';
import { BARS, backQuickly } from './back-quickly.ts';
import { killChannels } from './channels.ts';
import { killAtRandom } from './kills.ts';
import { killAtEveryPoint } from './points.ts';
import { losePower } from './power.ts';
import { losePowerOverViews } from './power-views.ts';
import { type Outcome, print, writeBlocks } from './table.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string' },
    points: { type: 'boolean', default: false },
    channels: { type: 'boolean', default: false },
    adapters: { type: 'boolean', default: false },
    only: { type: 'string' },
    power: { type: 'string' },
    'power-views': { type: 'string' },
    back: { type: 'boolean', default: false },
    disk: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    clients: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    state: { type: 'string' },
    keep: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(`Usage: npm run test:crash -- [--all] [--kills N] [--points] [--channels] [--power N] [--power-views N] [--disk] [--back] [options]

  --kills N      kills at random (1,000 when --all)
  --points       a kill at every named place
  --channels     a kill at every place a message of a chat platform and its answer pass
  --adapters     the same with the real adapters, each with a platform that sends again; --only telegram,matrix for some of them
  --power N      copies of a journal as a power loss leaves it
  --power-views N  copies of a whole data directory as a power loss leaves it: its views
  --disk         every file full, broken, read-only and locked while it is written (needs strace)
  --back         a start over a million rows with a thousand interrupted turns
  --all          all of these, which is also what happens when none is named
  --short        the form of the suite
  --seed S       draws the same kills, messages and cuts again
  --clients N    how many talk meanwhile
  --jobs J       gateways at a time, for --kills
  --state FILE   keeps the figures of --kills, and goes on from there
  --keep         keeps the data of what went wrong
  --write        writes the figures into docs/reliability.md`);
  process.exit(0);
}

/** What each part does when nothing is said, and in the suite. */
const USUAL = {
  clients: 12,
  kills: 1_000,
  power: 5_000,
  powerViews: 1_000,
  passes: [1, 2, 5],
  channelPasses: [1, 2, 3, 7, 20],
  adapterPasses: [1, 2],
  back: { rows: 1_000_000, sessions: 1_000, rounds: 3 },
};
const SHORT = {
  clients: 8,
  kills: 15,
  power: 250,
  powerViews: 24,
  passes: [1],
  channelPasses: [2],
  adapterPasses: [1],
  back: { rows: 10_000, sessions: 100, rounds: 1 },
};

const size = values.short ? SHORT : USUAL;
const none =
  values.kills === undefined &&
  values.power === undefined &&
  values['power-views'] === undefined &&
  !values.points &&
  !values.channels &&
  !values.adapters &&
  !values.disk &&
  !values.back;
const all = values.all || none;
const common = { seed: Number(values.seed), clients: Number(values.clients ?? size.clients), keep: values.keep };
const outcomes: Outcome[] = [];
console.log(`crash tests, seed ${common.seed}: run again with --seed ${common.seed}`);

if (all || values.points) {
  const figures = await killAtEveryPoint({ ...common, passes: size.passes });
  outcomes.push({ part: 'points', figures });
}
if (all || values.channels) {
  outcomes.push({ part: 'channels', figures: await killChannels({ ...common, passes: size.channelPasses }) });
}
if (all || values.adapters) {
  const only = values.only?.split(',');
  outcomes.push({ part: 'adapters', figures: await killAdapters({ ...common, passes: size.adapterPasses, only }) });
}
if (all || values.kills !== undefined) {
  const kills = Number(values.kills ?? size.kills);
  const figures = await killAtRandom({ ...common, kills, jobs: Number(values.jobs), state: values.state });
  outcomes.push({ part: 'kills', figures });
}
if (all || values.power !== undefined) {
  const figures = await losePower({ ...common, copies: Number(values.power ?? size.power) });
  outcomes.push({ part: 'power', figures });
}
if (all || values['power-views'] !== undefined) {
  const figures = await losePowerOverViews({ ...common, copies: Number(values['power-views'] ?? size.powerViews) });
  if (figures === undefined) console.log('power loss over views: not tried, for there is no strace here');
  else outcomes.push({ part: 'power-views', figures });
}
if (all || values.disk) {
  const figures = await disturbEveryFile({ short: values.short });
  if (figures === undefined) console.log('disk faults: not tried, for there is no strace here, or it may not attach');
  else outcomes.push({ part: 'disk', figures });
}
if (all || values.back) {
  const figures = await backQuickly(size.back);
  // A time is held against its bar where it was measured for its own sake, not in the suite.
  const missed = !values.short && (figures.ready > BARS.ready || figures.resumed > BARS.resumed);
  outcomes.push({
    part: 'back',
    held: !values.short,
    figures: { ...figures, problems: figures.problems + (missed ? 1 : 0) },
  });
}

console.log(`  ${Math.round(performance.now() / 1_000)} s in all`);
print(outcomes);
if (values.write) writeBlocks(outcomes);
process.exit(outcomes.every(({ figures }) => figures.problems === 0) ? 0 : 1);
