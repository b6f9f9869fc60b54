// SPDX-License-Identifier: Apache-2.0
// T18: what the debug endpoints add to a turn: while nobody looks, and while one reader follows the stream of all steps.
// One house, in which they take turns: nothing else differs between them. What nobody looks at costs so little that the
// sessions' thread notes every step many times more for some hundred steps, and not for the next, and neighbours are compared.

import { fork } from 'node:child_process';
import { BroadcastChannel } from 'node:worker_threads';
import type { ThreadContext } from '../src/composition/context.ts';
import { createEdge } from '../src/edge/server.ts';
import { benchPorts, TOKEN } from './edge-ports.ts';
import { type Measured, median, type Plan, quantile, spreadOf } from './measured.ts';
import { DOSE, type Order } from './order.ts';
import { runTurns } from './turns.ts';

const SESSIONS = 500;
const IN_FLIGHT = 100;
const WARM_UP = 8_000;
/** Turns of a lap: some until a change has reached every thread, and those that are measured. */
const SETTLE = 500;
const LAP = 1_000;
/** Laps of each for a round of the bench: short ones, many of them, so that the median is of laps without a large collection. */
const CYCLES = 24;
/** Steps of a slice, and pairs of slices for a round of the bench. */
const SLICE = 800;
const PAIRS = 60;
/** Turns between two looks whether the pairs are whole, and turns in which they must be. */
const LOOK_EVERY = 250;
const PAIRED_WITHIN = 40_000;

/** What a worker of a role begins with: nothing of it is loaded before what takes the inspector out of it. */
function unwatched(role: string): URL {
  const files = ['./unwatched.ts', `../src/threads/${role}.ts`];
  const lines = files.map((file) => `import ${JSON.stringify(new URL(file, import.meta.url).href)};`);
  return new URL(`data:text/javascript,${encodeURIComponent(lines.join(''))}`);
}

export interface T18 {
  readonly nobody: Measured;
  readonly stream: Measured;
}

type Mode = 'without' | 'stream';
const MODES: readonly Mode[] = ['without', 'stream'];

/** Somebody in another process who follows `/debug/actors/stream`, and leaves again. */
interface Reader {
  watch(): void;
  leave(): void;
  stop(): Promise<void>;
}

async function readerOf(context: ThreadContext): Promise<Reader> {
  const edge = createEdge({ ...benchPorts(context.bus), threads: ['main', 'journal', 'views', 'read', 'lane-1'] });
  const { port } = await edge.listenTcp('127.0.0.1', 0);
  const child = fork(new URL('./sse-readers.ts', import.meta.url), { execArgv: [] });
  return {
    watch: () => void child.send({ port, token: TOKEN, paths: ['/debug/actors/stream'] }),
    leave: () => void child.send({ leave: true }),
    stop: async () => {
      const shown = new Promise<number>((resolve) => {
        child.on('message', (said) => typeof said === 'number' && resolve(said));
      });
      child.send({ count: true });
      const steps = await shown;
      child.disconnect();
      // A stream that tells nothing would cost nothing.
      if (steps < LAP) throw new Error(`only ${steps} steps were shown`);
      await edge.close(0);
    },
  };
}

/** What it adds to the processor time of a turn, in per cent of the house without it. */
function added(withIt: readonly number[], without: readonly number[]): Measured {
  const shares = withIt.map((value, at) => (value / (without[at] ?? Number.NaN) - 1) * 100);
  // Two standard errors of a median: 1.86 times the middle half's width by the root of how many there are.
  const noise = (1.86 * (quantile(shares, 0.75) - quantile(shares, 0.25))) / Math.sqrt(shares.length);
  return { ratio: median(shares), floor: median(without), ours: median(withIt), spread: spreadOf(without), noise };
}

/** What one note of a step costs, from the pairs the sessions' thread has written, in per cent of the house without it. */
function oneNote(slices: Float64Array): Measured {
  const asIs: number[] = [];
  const withMore: number[] = [];
  for (let at = 1; at < (slices[0] ?? 0); at += 2) {
    asIs.push(slices[at] ?? Number.NaN);
    withMore.push(slices[at + 1] ?? Number.NaN);
  }
  const { ratio, floor, noise = 0, spread } = added(withMore, asIs);
  const share = ratio / DOSE;
  const without = floor * (1 - share / 100);
  return { ratio: (share / (100 - share)) * 100, floor: without, ours: floor, spread, noise: noise / DOSE };
}

/**
 * First the pairs, in processor time of the sessions' thread; then the stream and the house without inspector in each cycle,
 * in an order drawn anew every time, in that of the sessions' thread and of main.
 */
export async function measureT18({ rounds }: Plan): Promise<T18> {
  const cycles = rounds * CYCLES;
  const order = Array.from({ length: cycles }, () => MODES.toSorted(() => Math.random() - 0.5)).flat();
  const took: Record<Mode, number[]> = { without: [], stream: [] };
  const slices = new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT * (1 + 2 * PAIRS * rounds)));
  const paired = PAIRED_WITHIN * rounds;
  const noting = new BroadcastChannel('sigil-bench-inspector');
  let reader: Reader | undefined;
  let mode: Mode | 'pairs' = 'pairs';
  let lap = -1;
  let turn = 0;
  const lane = new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT));
  // The other threads follow at their own pace: what they do in a lap is not what the lap made them do.
  const spentBy = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (lane[0] ?? 0) + user + system;
  };
  let spent = 0;
  const change = (next: Mode): void => {
    if (mode === 'stream') reader?.leave();
    if (next === 'stream') reader?.watch();
    noting.postMessage({ noting: next !== 'without' } satisfies Order);
    mode = next;
  };
  const turned = (): void => {
    if (mode === 'pairs') {
      if (turn === 0) noting.postMessage({ steps: SLICE, slices: slices.buffer as SharedArrayBuffer } satisfies Order);
      turn += 1;
      if (turn < paired && (turn % LOOK_EVERY !== 0 || (slices[0] ?? 0) < slices.length - 1)) return;
      turn = 0;
    }
    if (turn === SETTLE) spent = spentBy();
    if (turn === SETTLE + LAP || lap === -1) {
      if (lap >= 0 && lap < order.length && mode !== 'pairs') took[mode].push((spentBy() - spent) / LAP);
      lap += 1;
      turn = 0;
      const next = order[lap];
      if (next !== undefined && next !== mode) change(next);
    }
    turn += 1;
  };
  await runTurns(SESSIONS, IN_FLIGHT, WARM_UP, paired + (order.length + 1) * (SETTLE + LAP), {
    entry: unwatched,
    beside: async (context) => {
      noting.postMessage({ spent: lane.buffer as SharedArrayBuffer } satisfies Order);
      reader = await readerOf(context);
      return reader.stop;
    },
    turned,
  });
  noting.close();
  if (slices[0] !== slices.length - 1) throw new Error(`only ${slices[0]} slices were measured`);
  return { nobody: oneNote(slices), stream: added(took.stream, took.without) };
}

if (import.meta.main) console.log(await measureT18({ rounds: Number(process.argv[2] ?? 5), short: false }));
