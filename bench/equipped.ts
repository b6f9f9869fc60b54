// SPDX-License-Identifier: Apache-2.0
// T19: the processor time of a turn with twenty tools, five skills and a full window, against the same turn with none of them.

import { inChild } from './child.ts';
import { alternate, type Measured, type Plan } from './measured.ts';
import { type Served, serve, THROUGH, type Through } from './served.ts';
import { StreamClient } from './stream-client.ts';

const CLIENTS = 8;
const TOKENS = 20;
/** Turns of each client before anything is measured: by then the window is full, and all that is used is compiled. */
const WARM_UP = { whole: 150, short: 40 };
/** Turns of each client that are measured at a time. */
const TURNS = { whole: 100, short: 25 };

/** Microseconds of the gateway's processor time for a turn. */
async function cost(served: Served, clients: readonly StreamClient[], turns: number): Promise<number> {
  const before = await served.cpu();
  await Promise.all(
    clients.map(async (client) => {
      for (let turn = 0; turn < turns; turn += 1) await client.turn();
    }),
  );
  return ((await served.cpu()) - before) / (turns * clients.length);
}

/** What is measured is what is asked for: the model is told of all of it. */
async function checkEquipment(served: Served, through: Through): Promise<void> {
  const { body } = await served.sample(through);
  const asked = JSON.parse(body) as { readonly messages: readonly unknown[]; readonly tools: readonly unknown[] };
  const skills = new Set(body.match(/bench-skill-\d/g)).size;
  const found = `${asked.tools.length} tools, ${skills} skills, ${asked.messages.length} messages`;
  if (asked.tools.length < 20 || skills < 5 || asked.messages.length < 20)
    throw new Error(`the model was told of ${found}`);
}

async function measure(through: Through, { rounds, short }: Plan): Promise<Measured> {
  const form = short ? 'short' : 'whole';
  const sides = { full: await serve([], 'full'), bare: await serve([], 'bare') };
  const clientsOf = async (served: Served): Promise<readonly StreamClient[]> => {
    await served.script({ tokens: TOKENS, every: 0 });
    const talks = Array.from({ length: CLIENTS }, () => served.ours(through, Number.POSITIVE_INFINITY));
    const clients = talks.map((talk) => new StreamClient(talk));
    await cost(served, clients, WARM_UP[form]);
    return clients;
  };
  const full = await clientsOf(sides.full);
  const bare = await clientsOf(sides.bare);
  await checkEquipment(sides.full, through);
  const measured = await alternate(
    rounds,
    () => cost(sides.full, full, TURNS[form]),
    () => cost(sides.bare, bare, TURNS[form]),
  );
  for (const client of [...full, ...bare]) client.close();
  sides.full.stop();
  sides.bare.stop();
  return measured;
}

/** In a process of its own: what else the bench has run has left its code and its heap behind. */
export async function measureT19(plan: Plan): Promise<Measured> {
  return await inChild<Measured>('equipped.ts', [String(plan.rounds), plan.short ? 'short' : 'whole']);
}

if (import.meta.main) {
  const plan = { rounds: Number(process.argv[2] ?? 5), short: process.argv[3] === 'short' };
  console.log(JSON.stringify(await measure(THROUGH[0], plan)));
}
