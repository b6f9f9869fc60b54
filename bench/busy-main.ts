// SPDX-License-Identifier: Apache-2.0
// T17: how late the loop of `main` is at full load: a real gateway in a process of its own, as many clients as it takes,
// half of them read their turns as they happen.

import { type ChildProcess, fork } from 'node:child_process';
import { Agent, request } from 'node:http';
import { absolute, type Measured, type Plan } from './measured.ts';

const CLIENTS = 64;
const WARM_UP_MS = 2_000;
const MEASURE_MS = { whole: 4_000, short: 2_500 };
const ROUNDS_MOST = 5;

interface Started {
  readonly url: string;
  readonly token: string;
}

/** What the gateway's process says of its main thread since it was last asked: p99 in milliseconds. */
export interface MainDelay {
  /** How late the loop was by the clock. */
  readonly wall: number;
  /** How much of that main worked itself; the rest it waited for a core, as everything on a busy machine does. */
  readonly own: number;
}

export interface T17 {
  readonly wall: Measured;
  readonly own: Measured;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function asked<T>(child: ChildProcess, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('the gateway has ended'));
    child.once('exit', ended);
    child.once('message', (answer) => {
      child.off('exit', ended);
      resolve(answer as T);
    });
    child.send(what);
  });
}

/** Turns of one client, one after the other in a session of its own, until it is told to stop. */
async function talk(
  { url, token }: Started,
  agent: Agent,
  streaming: boolean,
  client: number,
  over: () => boolean,
): Promise<number> {
  const path = streaming ? '/api/v1/chat/stream' : '/api/v1/chat';
  let session_id: string | undefined;
  let turns = 0;
  while (!over()) {
    const body = JSON.stringify({ content: 'What is 17 * 23? Then tell me a little.', session_id });
    const text = await new Promise<string>((resolve, reject) => {
      const headers = {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
      };
      const sent = request(`${url}${path}`, { method: 'POST', agent, headers }, (response) => {
        let told = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          told += part;
        });
        response.on('end', () => (response.statusCode === 200 ? resolve(told) : reject(new Error(told))));
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
    session_id ??= /"session_id":"([^"]+)"/.exec(text)?.[1];
    if (session_id === undefined) throw new Error(`client ${client} was told of no session: ${text.slice(0, 200)}`);
    turns += 1;
  }
  return turns;
}

export async function measureT17({ rounds, short }: Plan): Promise<T17> {
  const child = fork(new URL('./busy-gateway.ts', import.meta.url), { execArgv: [] });
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  let over = false;
  try {
    const started = await asked<Started>(child, 'start');
    const clients = Array.from({ length: CLIENTS }, (_, at) => talk(started, agent, at % 2 === 0, at, () => over));
    const broken = Promise.race(clients);
    const wait = (ms: number): Promise<unknown> => Promise.race([pause(ms), broken]);
    await wait(WARM_UP_MS);
    const late: MainDelay[] = [];
    for (let round = 0; round < Math.min(rounds, ROUNDS_MOST); round += 1) {
      await asked<MainDelay>(child, 'delay');
      await wait(short ? MEASURE_MS.short : MEASURE_MS.whole);
      late.push(await asked<MainDelay>(child, 'delay'));
    }
    over = true;
    const turns = (await Promise.all(clients)).reduce((sum, count) => sum + count, 0);
    if (turns < CLIENTS * 10) throw new Error(`only ${turns} turns: that is no load`);
    return { wall: absolute(late.map(({ wall }) => wall)), own: absolute(late.map(({ own }) => own)) };
  } finally {
    over = true;
    agent.destroy();
    child.kill();
  }
}

if (import.meta.main) console.log(await measureT17({ rounds: Number(process.argv[2] ?? 3), short: false }));
