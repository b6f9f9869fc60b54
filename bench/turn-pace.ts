// SPDX-License-Identifier: Apache-2.0
// T4: three hundred streams at a model's pace: how much later the first token comes through a gateway, how much longer the
// gaps between tokens are, and what a stream takes of the gateway's memory.

import { inChild } from './child.ts';
import { COLLECTING } from './collect.ts';
import { absolute, added, type Measured, type Plan, quantile } from './measured.ts';
import { type Served, serve, THROUGH, type Through, warmUp } from './served.ts';
import { StreamClient, type Talk } from './stream-client.ts';

const STREAMS = 300;
/** 50 tokens a second, for two seconds a turn. */
const SCRIPT = { tokens: 100, every: 20 };
const TURN_MS = SCRIPT.tokens * SCRIPT.every;
const WARM_UP = { whole: 1_500, short: 600 };
const MEASURE_MS = { whole: 4_000, short: 1_500 };
/** Of the streams whose memory is looked at: they stay open, and do not outrun a machine that has other things to do. */
const OPEN = { tokens: 2_000, every: 200 };
/** Until all that were opened are told their tokens. */
const OPENED_MS = 2_000;

/** What is added, in milliseconds. */
export interface Pace {
  readonly first50: Measured;
  readonly first99: Measured;
  readonly gap99: Measured;
}

export interface T4 {
  readonly openAi: Pace;
  readonly claude: Pace;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Heard {
  /** Milliseconds from the request to the first token, of each turn. */
  readonly firsts: readonly number[];
  /** Milliseconds between two tokens. */
  readonly gaps: readonly number[];
}

/** Streams that begin one after the other, so that some begin and some end at any time, until they have been heard for so long. */
async function listen(talks: readonly Talk[], ms: number): Promise<Heard> {
  const firsts: number[] = [];
  const gaps: number[] = [];
  const began = performance.now();
  // Counted is once all have begun.
  const from = began + TURN_MS;
  const until = from + ms;
  await Promise.all(
    talks.map(async (talk, at) => {
      await pause((at / talks.length) * TURN_MS);
      const client = new StreamClient(talk);
      const turn = async (): Promise<void> => {
        const asked = performance.now();
        let last = 0;
        await client.turn(() => {
          const now = performance.now();
          if (now >= from && now < until) {
            if (last === 0) firsts.push(now - asked);
            else gaps.push(now - last);
          }
          last = now;
        });
      };
      while (performance.now() < until) await turn();
      client.close();
    }),
  );
  return { firsts, gaps };
}

async function measure(served: Served, through: Through, { rounds, short }: Plan): Promise<Pace> {
  const form = short ? 'short' : 'whole';
  await served.script({ tokens: 20, every: 0 });
  await warmUp(served, through, 32, WARM_UP[form]);
  await served.script(SCRIPT);
  const sample = await served.sample(through);
  const of = (make: () => Talk) => listen(Array.from({ length: STREAMS }, make), MEASURE_MS[form]);
  const mine: Heard[] = [];
  const theirs: Heard[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const oursFirst = Math.random() < 0.5;
    if (oursFirst) mine.push(await of(() => served.ours(through)));
    theirs.push(await of(() => served.direct(through, sample)));
    if (!oursFirst) mine.push(await of(() => served.ours(through)));
  }
  const gap50 = theirs.map(({ gaps }) => quantile(gaps, 0.5));
  const first = (share: number): Measured =>
    added(
      mine.map(({ firsts }) => quantile(firsts, share)),
      theirs.map(({ firsts }) => quantile(firsts, share)),
      gap50,
    );
  const gap = (heard: readonly Heard[]): readonly number[] => heard.map(({ gaps }) => quantile(gaps, 0.99));
  return { first50: first(0.5), first99: first(0.99), gap99: added(gap(mine), gap(theirs), gap50) };
}

/** KiB of resident memory for each of the second three hundred open streams. */
async function memoryEach(served: Served, through: Through): Promise<number> {
  await served.script(OPEN);
  const open = async (): Promise<readonly StreamClient[]> => {
    const clients = Array.from({ length: STREAMS }, () => new StreamClient(served.ours(through)));
    for (const client of clients) {
      // Left in the middle, each of them ends in an error.
      client.turn().catch(() => undefined);
      await pause(2);
    }
    await pause(OPENED_MS);
    return clients;
  };
  const some = await open();
  const before = await served.memory();
  const more = await open();
  const after = await served.memory();
  for (const client of [...some, ...more]) client.close();
  return ((after - before) * 1024) / STREAMS;
}

/** In a process of its own: what else the bench has run has left its code and its heap behind. */
export async function measureT4(plan: Plan): Promise<T4> {
  return await inChild<T4>('turn-pace.ts', ['pace', String(plan.rounds), plan.short ? 'short' : 'whole']);
}

export interface T4Memory {
  readonly openAi: Measured;
  readonly claude: Measured;
}

/** Each figure is of a fresh gateway: one that has had as many streams before has the memory for them. */
export async function measureT4Memory({ rounds }: Plan): Promise<T4Memory> {
  const kib: Record<keyof T4Memory, number[]> = { openAi: [], claude: [] };
  for (let round = 0; round < Math.min(rounds, 3); round += 1) {
    for (const which of ['openAi', 'claude'] as const)
      kib[which].push(await inChild<number>('turn-pace.ts', ['memory', which]));
  }
  return { openAi: absolute(kib.openAi), claude: absolute(kib.claude) };
}

if (import.meta.main) {
  const [, , what = 'pace', first = '5', second = 'whole'] = process.argv;
  const [openAi, claude] = THROUGH;
  const served = await serve(what === 'memory' ? COLLECTING : []);
  if (what === 'memory') {
    const through = first === 'openAi' ? openAi : claude;
    await warmUp(served, through, 32, WARM_UP.whole);
    console.log(JSON.stringify(await memoryEach(served, through)));
  } else {
    const plan = { rounds: Number(first), short: second === 'short' };
    const figures: T4 = { openAi: await measure(served, openAi, plan), claude: await measure(served, claude, plan) };
    console.log(JSON.stringify(figures));
  }
  served.stop();
}
