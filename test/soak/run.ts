// SPDX-License-Identifier: Apache-2.0
// `npm run test:soak -- --minutes 30`: mixed load on one gateway for as long as it is told, with lanes that die. Nothing may be lost,
// doubled or pile up. `--seconds 25` is the short form, which holds no memory against anything; `--write` puts the table into the docs.

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openPlatform, SECRET } from '../channels/webhook/platform.ts';
import { until } from '../edge/client.ts';
import { machineText } from '../fire/table.ts';
import { startGateway } from './gateway.ts';
import { Load } from './load.ts';
import { middle, type Sample, take } from './samples.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const SECONDS = values.seconds === undefined ? Number(values.minutes ?? 30) * 60 : Number(values.seconds);
if (!(SECONDS > 0)) throw new Error('--minutes and --seconds are numbers above 0');
/** How much more than in its fifth minute memory may be in the last. */
const BAR = 1.1;
/** Files that may be open besides those that were open before the load: views of sessions that were used meanwhile. */
const MORE_FILES = 12;
const [FIFTH, MINUTE] = [240, 60];
const ANN = 'token-of-ann-0123456789';
const BOB = 'token-of-bob-0123456789';
const OWNER = 'token-of-the-owner-0123456789';

/** Numbers from a seed (mulberry32): which lane dies, who goes away. What the machine does meanwhile is its own. */
function drawFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const [one, other] = await Promise.all([openPlatform(), openPlatform()]);
const hooks = { one, other };
const entry = (url: string) => ({ type: 'webhook', pairing: 'closed', url, secret: SECRET });
const settings = {
  networking: { chat_rate_limit_rpm: 0, chat_max_concurrent_streams: 100 },
  gateway: { threads: 2 },
  logging: { level: 'fatal' },
  models: { budgets: { per_session_tokens: 0 } },
  auth: {
    tokens: [
      { token: OWNER, user_id: 'owner', name: 'owner', permissions: ['admin:*'] },
      { token: ANN, user_id: 'ann', name: 'ann' },
      { token: BOB, user_id: 'bob', name: 'bob' },
    ],
  },
  users: [
    {
      id: 'ada',
      name: 'Ada',
      role: 'owner',
      session_mode: 'per_channel',
      identities: [{ channel: 'webhook', platform_id: 'user-ada' }],
    },
  ],
  channels: { one: entry(one.url), other: entry(other.url) },
};
const gateway = await startGateway(settings, OWNER);
for (const name of Object.keys(hooks))
  await until(async () => (await gateway.owner.get(`/api/v1/channels/${name}`)).body.state === 'online');

const load = new Load(gateway, hooks, drawFrom(Number(values.seed)));
const began = performance.now();
// Everything that is loaded lazily, and every view, is there after a first look at it.
const samples: Sample[] = [await take(gateway, began)];
const running = load.run([gateway.person(ANN), gateway.person(BOB)], Math.max(5_000, Math.min(30_000, SECONDS * 200)));
while ((performance.now() - began) / 1000 < SECONDS) {
  await new Promise((resolve) => setTimeout(resolve, Math.min(5_000, SECONDS * 50)));
  samples.push(await take(gateway, began));
}
load.stop();
await running;
const { tally } = load;
const warm = samples[Math.floor(samples.length / 2)] as Sample;
let after = await take(gateway, began);
// Connections that were left close when their time comes.
await until(async () => {
  after = await take(gateway, began);
  return after.files <= warm.files + MORE_FILES;
}, 30_000).catch(() => undefined);
await gateway.stop();
await Promise.all([one.close(), other.close()]);

const long = SECONDS >= FIFTH + 2 * MINUTE;
const from = long ? FIFTH : SECONDS / 3;
const width = long ? MINUTE : SECONDS / 3;
const rss = (sample: Sample): number => sample.rss;
const early = middle(samples, from, from + width, rss);
const late = middle(samples, SECONDS - width, SECONDS + MINUTE, rss);
const threads = Object.keys(samples.at(-1)?.heaps ?? {}).sort();
const heap = (name: string, at: number): string =>
  middle(samples, at, at + width, ({ heaps }) => heaps[name] ?? Number.NaN).toFixed(0);
const growth = late / early;
const minuteOf = (at: number): string => middle(samples, at * MINUTE, (at + 1) * MINUTE, rss).toFixed(0);
const eachMinute = Array.from({ length: Math.floor(SECONDS / MINUTE) }, (_, at) => minuteOf(at)).join(', ');

const failures = [
  ...(tally.lost > 0 ? [`${tally.lost} lost`] : []),
  ...(tally.doubled > 0 ? [`${tally.doubled} doubled`] : []),
  ...tally.unexpected,
  ...(after.files > warm.files + MORE_FILES ? [`${after.files} files open, ${warm.files} in the middle`] : []),
  ...(long && !(growth <= BAR) ? [`memory grew ${((growth - 1) * 100).toFixed(1)} %`] : []),
  ...(tally.messages === 0 || tally.streamed === 0 || tally.onChannels === 0 || tally.kills === 0
    ? ['some part of the load did nothing']
    : []),
];
const minutes = SECONDS >= 60 ? `${Number((SECONDS / 60).toFixed(1))} min` : `${SECONDS} s`;
const count = (n: number): string => n.toLocaleString('en');
const rows = [
  ['what', 'came out', 'bar'],
  ['---', '---', '---'],
  [
    `${minutes}: ${count(tally.messages)} messages, ${count(tally.streamed)} streams taken up again ${count(tally.resumed)} times, ` +
      `${count(tally.onChannels)} messages on two channels, ${count(tally.searches)} searches, ${count(tally.looks)} rounds of looking on, ` +
      `${count(tally.kills)} lanes killed`,
    `${tally.lost} lost, ${tally.doubled} doubled, ${tally.unexpected.length} unexpected errors`,
    '0',
  ],
  [
    `memory, ${long ? 'fifth minute → last' : 'second third → last'}`,
    `${early.toFixed(0)} → ${late.toFixed(0)} MiB (${growth >= 1 ? '+' : ''}${((growth - 1) * 100).toFixed(1)} %)`,
    long ? '+10 %' : 'shown only',
  ],
  ...(long ? [['each minute, MiB', eachMinute, 'shown only']] : []),
  [
    'heaps, MiB',
    threads.map((name) => `${name} ${heap(name, from)} → ${heap(name, SECONDS - width)}`).join(', '),
    'shown only',
  ],
  ['open files, middle → after', `${warm.files} → ${after.files}`, `+${MORE_FILES}`],
];
const table = rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
if (values.json) process.stdout.write(`${JSON.stringify({ tally, samples, failures })}\n`);
else process.stdout.write(`${table}\n\n${failures.map((text) => `FAIL ${text}\n`).join('')}`);
if (values.write) {
  const page = new URL('../../docs/reliability.md', import.meta.url);
  const text = readFileSync(page, 'utf8');
  const written = text.replace(
    /<!-- soak:begin -->[\s\S]*<!-- soak:end -->/,
    `<!-- soak:begin -->\n${table}\n\n${machineText()}\n<!-- soak:end -->`,
  );
  if (!written.includes(table)) throw new Error('docs/reliability.md has no place for the table');
  writeFileSync(page, written);
}
if (!values.json) process.stdout.write(`${failures.length === 0 ? 1 : 0} passed, ${failures.length} failed\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
