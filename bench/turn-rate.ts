// SPDX-License-Identifier: Apache-2.0
// T1: durable streamed turns a second over HTTP, 32 clients, through a gateway and straight from the vendor's model.

import { inChild } from './child.ts';
import { alternate, type Measured, type Plan } from './measured.ts';
import { type Served, serve, THROUGH, type Through, warmUp } from './served.ts';
import { StreamClient, type Talk } from './stream-client.ts';

const CLIENTS = 32;
const TOKENS = 20;
const WARM_UP = { whole: 2_000, short: 200 };
const ROUND_MS = { whole: 2_000, short: 400 };

export interface T1 {
  readonly openAi: Measured;
  readonly claude: Measured;
}

/** Turns a second of clients that ask again as soon as they have been answered. */
async function rate(talks: readonly Talk[], ms: number): Promise<number> {
  const began = performance.now();
  let turns = 0;
  await Promise.all(
    talks.map(async (talk) => {
      const client = new StreamClient(talk);
      while (performance.now() - began < ms) {
        const tokens = await client.turn();
        if (tokens !== TOKENS) throw new Error(`${tokens} of ${TOKENS} tokens came`);
        turns += 1;
      }
      client.close();
    }),
  );
  return (turns / (performance.now() - began)) * 1_000;
}

async function measure(served: Served, through: Through, { rounds, short }: Plan): Promise<Measured> {
  const form = short ? 'short' : 'whole';
  await served.script({ tokens: TOKENS, every: 0 });
  await warmUp(served, through, CLIENTS, WARM_UP[form]);
  const sample = await served.sample(through);
  const talks = <T>(make: () => T): readonly T[] => Array.from({ length: CLIENTS }, make);
  const straight = talks(() => served.direct(through, sample));
  await rate(straight, ROUND_MS[form]);
  return await alternate(
    rounds,
    () =>
      rate(
        talks(() => served.ours(through)),
        ROUND_MS[form],
      ),
    () => rate(straight, ROUND_MS[form]),
  );
}

/** In a process of its own: what else the bench has run has left its code and its heap behind. */
export async function measureT1(plan: Plan): Promise<T1> {
  return await inChild<T1>('turn-rate.ts', [String(plan.rounds), plan.short ? 'short' : 'whole']);
}

if (import.meta.main) {
  const plan = { rounds: Number(process.argv[2] ?? 5), short: process.argv[3] === 'short' };
  const served = await serve();
  const [openAi, claude] = THROUGH;
  const figures: T1 = { openAi: await measure(served, openAi, plan), claude: await measure(served, claude, plan) };
  served.stop();
  console.log(JSON.stringify(figures));
}
