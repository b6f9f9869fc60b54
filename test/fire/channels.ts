// SPDX-License-Identifier: Apache-2.0
// Floods ten chat channels at once and looks at an eleventh and at the memory: `npm run test:flood`, `-- --seconds N`, `-- --json`.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Account, ScriptedPlatform } from '../channels/scripted/platform.ts';
import { freePort, spawnGateway } from '../crash/gateway-process.ts';
import { percentile } from './measure.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '120' }, json: { type: 'boolean', default: false } },
});
const ADAPTERS = fileURLToPath(new URL('../channels/scripted/adapters.ts', import.meta.url));
const FLOODED = Array.from({ length: 10 }, (_, at) => `flooded-${at}`);
const PEOPLE = Array.from({ length: 20 }, (_, at) => `p${at}`);
/** Messages of a flooded channel that its platform has and that were not taken: more come as fast as they are. */
const OUTSTANDING = 400;
const MIB = 1_048_576;
const QUIET = 'quiet';

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const platform = new ScriptedPlatform();
await platform.listen();
const dir = mkdtempSync(join(tmpdir(), 'sigil-flood-'));
const config = join(dir, 'sigil.yaml');
const entry = (account: string) => ({ type: 'irc', pairing: 'closed', scripted: platform.port, account });
writeFileSync(
  config,
  JSON.stringify({
    users: PEOPLE.map((id) => ({
      ...{ id, name: id, role: 'owner', session_mode: 'per_channel' },
      identities: [{ channel: 'irc', platform_id: id }],
    })),
    channels: Object.fromEntries([...FLOODED, QUIET].map((name) => [name, entry(name)])),
    gateway: { threads: 2, io_threads: 2 },
  }),
);
const place = { dataDir: join(dir, 'data'), port: await freePort(), effects: join(dir, 'effects') };
const gateway = spawnGateway(place, { SIGIL_CONFIG: config, SIGIL_TEST_CHANNELS: ADAPTERS });
await gateway.listening;
// The launcher becomes the gateway.
const { pid } = gateway.child;
const memory = (): number => {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return (pages * 4_096) / MIB;
};

/** How long the quiet channel takes to answer, in milliseconds, over so many messages. */
async function quiet(count: number): Promise<readonly number[]> {
  const account = platform.account(QUIET);
  const took: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const before = account.shown.length;
    const began = performance.now();
    account.say({ from: 'p0', text: 'count to 1' });
    await account.until(() => account.shown.length > before, 60_000);
    took.push(performance.now() - began);
  }
  return took;
}

let flooding = true;
async function flood(account: Account): Promise<number> {
  let said = 0;
  while (flooding) {
    while (account.unacked < OUTSTANDING) {
      account.say({ from: PEOPLE[said % PEOPLE.length] ?? '', text: 'count to 1' });
      said += 1;
    }
    await sleep(20);
    // What was seen is not kept here: it would be the memory of the test that grows.
    account.shown.length = 0;
    account.acked.length = 0;
  }
  return said;
}

await quiet(10);
const alone = await quiet(60);
const idle = memory();
const floods = FLOODED.map((name) => flood(platform.account(name)));
const seconds = Number(values.seconds);
// The first half warms up: a thread that is kept busy takes more room for what dies young once or twice, after most of a minute.
await sleep(seconds * 500);
const begun = memory();
const samples: number[] = [];
const beside: number[] = [];
const end = performance.now() + seconds * 500;
while (performance.now() < end) {
  beside.push(...(await quiet(5)));
  samples.push(memory());
}
flooding = false;
const said = (await Promise.all(floods)).reduce((sum, one) => sum + one, 0);
const left = FLOODED.reduce((sum, name) => sum + platform.account(name).unacked, 0);
const half = Math.floor(samples.length / 2);
const mean = (of: readonly number[]): number => of.reduce((sum, one) => sum + one, 0) / Math.max(1, of.length);
const figures = {
  seconds,
  said,
  taken: said - left,
  idle_mib: Math.round(idle),
  after_warm_up_mib: Math.round(begun),
  first_half_mib: Math.round(mean(samples.slice(0, half))),
  second_half_mib: Math.round(mean(samples.slice(half))),
  most_mib: Math.round(Math.max(...samples)),
  quiet_p50_ms: Math.round(percentile(beside, 0.5)),
  quiet_p95_ms: Math.round(percentile(beside, 0.95)),
  quiet_p99_ms: Math.round(percentile(beside, 0.99)),
  alone_p50_ms: Math.round(percentile(alone, 0.5)),
  alone_p95_ms: Math.round(percentile(alone, 0.95)),
  alone_p99_ms: Math.round(percentile(alone, 0.99)),
};
console.log(JSON.stringify(figures, null, values.json ? 0 : 2));
await gateway.kill();
await platform.close();
rmSync(dir, { recursive: true, force: true });
const wrong: string[] = [];
// Flat is within a tenth, or so much as a heap breathes.
if (figures.second_half_mib > figures.after_warm_up_mib * 1.1 + 16)
  wrong.push('the memory grew while ten channels were flooded');
if (figures.quiet_p50_ms > figures.alone_p50_ms * 2) wrong.push('a quiet channel waited for flooded ones');
console.error([...wrong, `${2 - wrong.length} passed, ${wrong.length} failed`].join('\n'));
process.exit(wrong.length);
