// SPDX-License-Identifier: Apache-2.0
// T8: what sessions that sleep cost in memory, and how fast one wakes. Every one of them is opened by a message over the bus,
// has its turn with the offline model, and is put to sleep by the house itself: past the cap, or when its idle time is over.

import { newSessionId } from '../src/actors/channel/place.ts';
import { address } from '../src/bus/address.ts';
import type { MessageRow, Page } from '../src/stores/session-store.ts';
import { inChild } from './child.ts';
import { COLLECTING, collectAll } from './collect.ts';
import { type BenchHouse, inParallel, openHouse, pause, residentMb } from './house.ts';
import { absolute, type Measured, type Plan, quantile } from './measured.ts';

/** Sessions of a whole run, and of the form that runs with every change. */
const SESSIONS = { full: 1_000_000, short: 4_000 } as const;
/** Turns that run at once while they are opened. */
const IN_FLIGHT = 256;
/** Lanes awake at most, as the config has it when nothing is said. */
const AWAKE_MAX = 5_000;
const IDLE_TIMEOUT = 2_000;
/** Workspaces they are spread over: files of views that stay open. */
const WORKSPACES = 64;
/** Sessions woken, one after the other. */
const WOKEN = 500;
/** Of them, those whose whole history is read and compared. */
const READ = 50;
/** How long the house has to come to rest before memory is looked at in a whole run, in milliseconds. */
const SETTLE_MS = 20_000;

interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** In milliseconds. */
interface Latencies {
  /** From a question to a session's answer: asleep, and awake. */
  readonly wake: Latency;
  readonly awake: Latency;
  /** From a message to its durable receipt: to one asleep, and to one awake. */
  readonly receipt_asleep: Latency;
  readonly receipt_awake: Latency;
}

/** Memory in MiB. */
export interface AsleepFigures extends Latencies {
  readonly sessions: number;
  readonly idle_mb: number;
  readonly over_mb: number;
  /** Sessions opened a second. */
  readonly pace: number;
}

const latency = (times: readonly number[]): Latency => ({ p50: quantile(times, 0.5), p99: quantile(times, 0.99) });

const idOf = (at: number): string => newSessionId('bench', 'bench', String(at));
const workspaceOf = (at: number): string => `bench-${at % WORKSPACES}`;
const HELLO = 'hello there';

async function allAsleep(house: BenchHouse): Promise<void> {
  while ((await house.awake()) > 0) await pause(100);
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

function watch(house: BenchHouse, session_id: string, turn_id: string): Promise<void> {
  const options = { from: address('channel', 'http'), within: 10_000 };
  return new Promise((resolve, reject) =>
    house.bus.ask(address('session', session_id), 'session.watch', { turn_id, from: 0 }, options, (answer) => {
      if (answer.ok && answer.body.status === 'ended') resolve();
      else reject(new Error(`${session_id} does not know its turn`));
    }),
  );
}

/** What was said in a session, from the views. */
function said(house: BenchHouse, session_id: string): Promise<readonly string[]> {
  const options = { from: address('channel', 'http'), within: 10_000 };
  const body = { session_id, page: { limit: 10 }, after: 'latest' as const };
  return new Promise((resolve, reject) =>
    house.bus.ask(address('store', 'read'), 'session.messages', body, options, (answer) => {
      if (answer.ok) resolve((answer.body as Page<MessageRow>).items.map(({ content }) => content));
      else reject(new Error(answer.error.message));
    }),
  );
}

async function run(sessions: number, settle: () => Promise<void>): Promise<AsleepFigures> {
  const house = await openHouse({ awake_max: AWAKE_MAX, session_idle_timeout: IDLE_TIMEOUT });
  await settle();
  const idle_mb = residentMb();
  const began = performance.now();
  let open = 0;
  const progress = setInterval(() => console.error(`${open} sessions, ${Math.round(residentMb())} MiB`), 10_000);
  await inParallel(sessions, IN_FLIGHT, async (at) => {
    await house.turn(idOf(at), workspaceOf(at), HELLO, `first-${at}`);
    open += 1;
  });
  clearInterval(progress);
  const pace = (1_000 * sessions) / (performance.now() - began);
  await allAsleep(house);
  await house.viewed();
  await settle();
  const over_mb = residentMb() - idle_mb;
  const latencies = await wakeSome(house, sessions);
  await house.close();
  return { sessions, idle_mb, over_mb, pace, ...latencies };
}

/** Wakes sessions spread over all of them, one half by a question and the other by a message, and looks at what they know. */
async function wakeSome(house: BenchHouse, sessions: number): Promise<Latencies> {
  const times = { wake: [] as number[], awake: [] as number[], asleep: [] as number[], known: [] as number[] };
  const step = Math.floor(sessions / (2 * WOKEN));
  for (let nth = 0; nth < WOKEN; nth += 1) {
    const [asked, told] = [2 * nth * step, (2 * nth + 1) * step];
    times.wake.push(await timed(() => watch(house, idOf(asked), 'none')));
    times.awake.push(await timed(() => watch(house, idOf(asked), 'none')));
    // The same message again is known by its key, which only the session's own state holds.
    const first = await house.say(idOf(asked), workspaceOf(asked), HELLO, `first-${asked}`);
    if (!first.repeated || first.status !== 'ended') throw new Error('a session has forgotten what it was told');
    const say = (content: string, id: string) => house.say(idOf(told), workspaceOf(told), content, id);
    times.asleep.push(await timed(() => say(`what is ${told} + 1?`, `second-${told}`)));
    times.known.push(await timed(() => say(`what is ${told} + 2?`, `third-${told}`)));
  }
  await allAsleep(house);
  for (let nth = 0; nth < READ; nth += 1) {
    const told = (2 * nth + 1) * step;
    const words = await said(house, idOf(told));
    const answered = (sum: number): boolean => words.some((content) => content.endsWith(`= ${sum}`));
    if (words[0] !== HELLO || !answered(told + 1) || !answered(told + 2))
      throw new Error(`the history of session ${told} is not what was said: ${JSON.stringify(words)}`);
  }
  return {
    wake: latency(times.wake),
    awake: latency(times.awake),
    receipt_asleep: latency(times.asleep),
    receipt_awake: latency(times.known),
  };
}

export interface T8 {
  /** MiB over an idle gateway. */
  readonly memory: Measured;
  /** Milliseconds that the 99th percentile of a question to a session that sleeps lies over that to one that is awake. */
  readonly wake: Measured;
}

/**
 * The short form opens fewer sessions and does not multiply: most of what it finds is there once (room of the young
 * generations, pages of files), so it shows only that nothing is held for every session. It collects in every thread before
 * it looks; the whole run leaves that to the house.
 */
export async function measureT8({ short }: Plan): Promise<T8> {
  const { over_mb, wake, awake } = await inChild<AsleepFigures>(
    'asleep.ts',
    [short ? 'short' : 'full'],
    short ? COLLECTING : [],
  );
  // What an awake session's slowest answers took is the machine's doing, and hits the other kind as well.
  return { memory: absolute([over_mb]), wake: { ...absolute([wake.p99 - awake.p99]), noise: awake.p99 } };
}

if (import.meta.main) {
  const [, , form = 'short', count] = process.argv;
  const whole = form === 'full';
  const sessions = Number(count ?? (whole ? SESSIONS.full : SESSIONS.short));
  console.log(JSON.stringify(await run(sessions, whole ? () => pause(SETTLE_MS) : collectAll)));
}
