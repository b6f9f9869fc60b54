// SPDX-License-Identifier: Apache-2.0
// T3: what a gateway adds to a turn of one client, against the vendor's own library asking the vendor.

import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { inChild } from './child.ts';
import { added, type Measured, type Plan, quantile } from './measured.ts';
import { type Served, serve, THROUGH, type Through, warmUp } from './served.ts';
import { StreamClient } from './stream-client.ts';
import type { Sample } from './vendor.ts';

const TOKENS = 20;
const WARM_UP = { whole: 1_000, short: 120 };
const TURNS = { whole: 400, short: 80 };

/** What is added, in milliseconds. */
export interface Latency {
  readonly p50: Measured;
  readonly p99: Measured;
}

export interface T3 {
  readonly openAi: Latency;
  readonly claude: Latency;
}

/** A turn, and how many tokens came of it. */
type Turn = () => Promise<number>;

function byLibrary({ provider }: Through, url: string, { body }: Sample): Turn {
  const asked: unknown = JSON.parse(body);
  const settings = { apiKey: 'sk-bench', maxRetries: 0 };
  const count = async <Event>(stream: AsyncIterable<Event>, isToken: (event: Event) => boolean): Promise<number> => {
    let tokens = 0;
    for await (const event of stream) if (isToken(event)) tokens += 1;
    return tokens;
  };
  if (provider === 'anthropic') {
    const client = new Anthropic({ ...settings, baseURL: url });
    const params = asked as Anthropic.MessageCreateParamsStreaming;
    return async () =>
      await count(
        await client.messages.create(params),
        (event) => event.type === 'content_block_delta' && event.delta.type === 'text_delta',
      );
  }
  const client = new OpenAI({ ...settings, baseURL: url });
  const params = asked as OpenAI.ChatCompletionCreateParamsStreaming;
  return async () =>
    await count(await client.chat.completions.create(params), ({ choices }) => Boolean(choices[0]?.delta.content));
}

/** Milliseconds of each turn, one after the other. */
async function times(turn: Turn, turns: number): Promise<readonly number[]> {
  const took: number[] = [];
  for (let at = 0; at < turns; at += 1) {
    const began = performance.now();
    const tokens = await turn();
    took.push(performance.now() - began);
    if (tokens !== TOKENS) throw new Error(`${tokens} of ${TOKENS} tokens came`);
  }
  return took;
}

async function measure(served: Served, through: Through, { rounds, short }: Plan): Promise<Latency> {
  const form = short ? 'short' : 'whole';
  await served.script({ tokens: TOKENS, every: 0 });
  await warmUp(served, through, 1, WARM_UP[form]);
  const direct = byLibrary(through, served.vendor, await served.sample(through));
  const client = new StreamClient(served.ours(through));
  const ours = (): Promise<number> => client.turn();
  await times(direct, WARM_UP[form]);
  const mine: (readonly number[])[] = [];
  const theirs: (readonly number[])[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const oursFirst = Math.random() < 0.5;
    if (oursFirst) mine.push(await times(ours, TURNS[form]));
    theirs.push(await times(direct, TURNS[form]));
    if (!oursFirst) mine.push(await times(ours, TURNS[form]));
  }
  client.close();
  const at = (share: number): Measured =>
    added(
      mine.map((took) => quantile(took, share)),
      theirs.map((took) => quantile(took, share)),
      theirs.map((took) => quantile(took, 0.5)),
    );
  return { p50: at(0.5), p99: at(0.99) };
}

/** In a process of its own: what else the bench has run has left its code and its heap behind. */
export async function measureT3(plan: Plan): Promise<T3> {
  return await inChild<T3>('turn-latency.ts', [String(plan.rounds), plan.short ? 'short' : 'whole']);
}

if (import.meta.main) {
  const plan = { rounds: Number(process.argv[2] ?? 5), short: process.argv[3] === 'short' };
  const served = await serve();
  const [openAi, claude] = THROUGH;
  const figures: T3 = { openAi: await measure(served, openAi, plan), claude: await measure(served, claude, plan) };
  served.stop();
  console.log(JSON.stringify(figures));
}
