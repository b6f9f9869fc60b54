// SPDX-License-Identifier: Apache-2.0
// Shows what trouble does to those who have no part in it: `npm run test:fire`, `-- --short` for ten seconds of overload,
// `-- --only loop,crowd` for some scenes, `-- --counts` to hold it only to what can be counted, `-- --json` for machines.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { auditJournal } from '../crash/audit.ts';
import { Neighbour, Place } from './client.ts';
import { startGateway } from './gateway.ts';
import { backToNormal, Memory, percentile } from './measure.ts';
import { SCENES, type Stage } from './scenes.ts';
import { machineText, type Row, tableOf, writeBlock } from './table.ts';

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    counts: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    keep: { type: 'boolean', default: false },
  },
});
const brief = values.short || values.counts;
const overload_s = values.counts ? 2 : values.short ? 10 : 60;
const normal_ms = values.counts ? 1_000 : values.short ? 4_000 : 8_000;
const watchdog_ms = values.counts ? 1_000 : 2_000;
const chosen = values.only === '' ? SCENES : SCENES.filter(({ name }) => values.only.split(',').includes(name));

/** Neighbours, half of them on each lane, and what they pause between two messages, in milliseconds. */
const NEIGHBOURS = 8;
const PAUSE_MS = 20;
const LANES = 2;

const say = (text: string): void => void (values.json ? undefined : console.log(text));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const dataDir = mkdtempSync(join(tmpdir(), 'sigil-fire-'));
/** Everybody is somebody else: who floods, who measures what is possible, and each of the neighbours. */
const FLOOD = 'flood';
const CANDIDATES = Array.from({ length: 40 }, (_, at) => `neighbour-${at}`);
const gateway = await startGateway(
  dataDir,
  {
    SIGIL_FAULTS: '1',
    SIGIL_GATEWAY_THREADS: String(LANES),
    SIGIL_GATEWAY_WATCHDOG: `${watchdog_ms}ms`,
  },
  [FLOOD, ...CANDIDATES],
);
const { pid } = gateway;
const place = new Place(gateway.port, gateway.token, gateway.log);

/** As many neighbours on every lane. */
async function settle(): Promise<readonly Neighbour[]> {
  const chosenOnes: Neighbour[] = [];
  for (const name of CANDIDATES) {
    if (chosenOnes.length === NEIGHBOURS) break;
    const one = new Neighbour(place.as(gateway.tokenOf(name)), name);
    await one.begin(place);
    if (chosenOnes.filter(({ lane }) => lane === one.lane).length < NEIGHBOURS / LANES) chosenOnes.push(one);
  }
  return chosenOnes;
}

/** Turns a second that clients get who each wait for their answers. */
async function capacityOf(ms: number): Promise<number> {
  const until = performance.now() + ms;
  let turns = 0;
  await Promise.all(
    Array.from({ length: 32 }, async (_, client) => {
      for (let at = 0; performance.now() < until; at += 1) {
        const { status } = await place.sum(`capacity-${ms}-${client}-${at}`, at);
        if (status === 200) turns += 1;
      }
    }),
  );
  return turns / (ms / 1_000);
}

async function loopDelay(): Promise<number> {
  const { body } = await place.call('GET', '/debug/threads');
  return body.items.find(({ name }: { name: string }) => name === 'main')?.loop_delay_ms.p99 ?? 0;
}

say(`fire: ${chosen.map(({ name }) => name).join(', ')}; ${machineText()}`);
// Compiled and warm first: what the first turns of a process cost is nobody's trouble.
await capacityOf(brief ? 1_000 : 3_000);
const capacity = await capacityOf(brief ? 1_500 : 4_000);
const neighbours = await settle();
const stage: Stage = {
  place,
  neighbours,
  watchdog_ms,
  overload_s,
  capacity,
  pid,
  socket: join(dataDir, 'gateway.sock'),
  flood_token: gateway.tokenOf(FLOOD),
};

/** What the neighbours get while nothing happens. */
async function quiet(ms: number): Promise<{ p50: number; p99: number; rss: number; delay: number }> {
  const from = Date.now();
  const memory = new Memory(pid);
  await pause(ms);
  const took = neighbours.flatMap(({ answers }) => answers.filter(({ sent }) => sent >= from).map((one) => one.took));
  memory.stop();
  return { p50: percentile(took, 0.5), p99: percentile(took, 0.99), rss: memory.now(), delay: await loopDelay() };
}

for (const neighbour of neighbours) neighbour.start(PAUSE_MS);
await pause(500);
const first = await quiet(normal_ms);
say(
  `normal: p50 ${first.p50.toFixed(1)} ms, p99 ${first.p99.toFixed(1)} ms, RSS ${Math.round(first.rss / 1e6)} MB, ` +
    `loop delay p99 of main ${first.delay} ms, capacity ${Math.round(capacity)} turns/s`,
);

const rows: Row[] = [];
for (const { name, title, play } of chosen) {
  // Held against what was normal right before: the machine is not the same all the time.
  const before = await quiet(normal_ms);
  const memory = new Memory(pid);
  const played = await play(stage);
  const ended = Date.now();
  await pause(values.counts ? 500 : 6_000);
  const peak = memory.stop();
  const during = neighbours.flatMap((one) =>
    one.answers.filter(
      (answer) => answer.sent >= played.from && answer.sent <= played.until && played.counts(one, answer),
    ),
  );
  const took = during.map((answer) => answer.took);
  const p99 = percentile(took, 0.99);
  const refused = neighbours.reduce(
    (sum, one) => sum + one.refusals.filter((at) => at >= played.from && at <= played.until).length,
    0,
  );
  const everybody = neighbours.flatMap(({ answers }) => answers);
  const row: Row = {
    name,
    title,
    p99_ms: p99,
    p99_ratio: p99 / before.p99,
    p50_ratio: percentile(took, 0.5) / before.p50,
    rss_ratio: peak / before.rss,
    rss_after_ratio: memory.now() / before.rss,
    normal_again_ms: backToNormal(everybody, played.until, Math.max(ended, Date.now() - 500), before.p50),
    back_ms: played.back ?? null,
    problems: played.problems,
    note: refused === 0 || played.back !== undefined ? played.note : `${played.note}; others refused ${refused} times`,
  };
  rows.push(row);
  say(`  ${name}: ${row.note}${row.problems.map((problem) => `\n    PROBLEM ${problem}`).join('')}`);
}

await Promise.all(neighbours.map((neighbour) => neighbour.stop()));
const code = await gateway.stop();
place.close();
const audit = auditJournal(dataDir);
const problems = [...place.wrong, ...audit.problems];
if (code !== 0) problems.push(`the drained gateway ended with ${code}`);
const kept = new Set(audit.received.values());
for (const [turn, key] of place.answered) if (!kept.has(turn)) problems.push(`${key}: turn ${turn} is lost`);

const table = tableOf(rows, { normal: first, capacity, counts: values.counts, lost: problems.length });
if (values.json)
  console.log(JSON.stringify({ normal: first, capacity, rows, lost: problems.length, problems }, null, 2));
else {
  console.log(`\n${table.text}`);
  for (const problem of problems.slice(0, 20)) console.log(`  PROBLEM ${problem}`);
  console.log(`answers given: ${place.answered.size}; lost, doubled or wrong: ${problems.length}`);
}
if (!brief && values.only === '') writeBlock(table.text);
if (problems.length === 0 && !values.keep) rmSync(dataDir, { recursive: true });
else console.error(`data kept in ${dataDir}`);
if (!values.json) console.log(`${table.passed} passed, ${table.failed} failed`);
process.exit(table.failed === 0 && problems.length === 0 ? 0 : 1);
