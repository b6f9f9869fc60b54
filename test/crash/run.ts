// SPDX-License-Identifier: Apache-2.0
// Kills a gateway under load at random instants, again and again, while clients repeat what was not answered; then looks for
// anything lost, answered twice or out of order. `npm run test:crash -- --kills N --seed S`, or `-- --points`
// for a kill at every named place.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { auditJournal } from './audit.ts';
import { freePort, ownerToken, startProcess } from './gateway-process.ts';
import { killAtEveryPoint } from './points.ts';
import { seeded } from './random.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    clients: { type: 'string', default: '12' },
    short: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    points: { type: 'boolean', default: false },
  },
});
if (values.points) {
  console.log('crash: at every named place');
  const problems = await killAtEveryPoint();
  for (const problem of problems) console.log(`  PROBLEM ${problem}`);
  console.log(`lost, doubled or run again: ${problems.length}`);
  process.exit(problems.length === 0 ? 0 : 1);
}
const kills = Number(values.kills);
const seed = Number(values.seed);
const random = seeded(seed);

interface Sent {
  readonly message_id: string;
  readonly content: string;
  reply: { readonly turn_id: string; readonly reply_id: string; readonly content: string } | null;
  /** The turn was cut through too often in a row and ended with an error its sender was told. */
  poisoned: boolean;
}

interface Client {
  session_id: string;
  readonly sent: Sent[];
  readonly done: Promise<void>;
}

/** What the clients say: quick answers, tools, and turns long enough to be cut through. */
function sentence(client: number, at: number): string {
  const kinds = [
    `what is ${client + 2}*${at + 3}?`,
    'count to 2',
    `hello number ${at}`,
    'what is 12+30 and what time is it?',
  ];
  return kinds[at % kinds.length] ?? 'hello';
}

const dataDir = mkdtempSync(join(tmpdir(), 'sigil-crash-'));
const port = await freePort();
const url = `http://127.0.0.1:${port}`;
let gateway = await startProcess(dataDir, port);
const token = ownerToken(dataDir);
let stopping = false;
let retries = 0;
const problems: string[] = [];

async function post(body: object): Promise<Response> {
  return await fetch(`${url}/api/v1/chat`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Sends one message until it is answered, always under the same id. */
async function say(client: Client, message: Sent): Promise<void> {
  for (;;) {
    try {
      const session = client.session_id === '' ? {} : { session_id: client.session_id };
      const response = await post({ content: message.content, message_id: message.message_id, ...session });
      const answer = (await response.json()) as {
        session_id: string;
        turn_id: string;
        reply_id: string;
        content: string;
        code?: string;
      };
      if (response.ok) {
        client.session_id = answer.session_id;
        message.reply = answer;
        return;
      }
      if (answer.code === 'poisoned') {
        message.poisoned = true;
        return;
      }
      if (response.status < 500 && response.status !== 429) {
        problems.push(`${message.message_id}: ${response.status} ${answer.code}`);
        return;
      }
    } catch {
      // The gateway is dead or dying: exactly when a message must be repeated.
    }
    retries += 1;
    await new Promise((resolve) => setTimeout(resolve, 25 + Math.random() * 50));
  }
}

function startClient(number: number): Client {
  const client: Client = { session_id: '', sent: [], done: Promise.resolve() };
  const run = async (): Promise<void> => {
    for (let at = 0; !stopping; at += 1) {
      const message: Sent = {
        message_id: `client-${number}-${at}`,
        content: sentence(number, at),
        reply: null,
        poisoned: false,
      };
      client.sent.push(message);
      await say(client, message);
    }
  };
  return Object.assign(client, { done: run() });
}

const began = performance.now();
console.log(`crash: ${kills} kills, seed ${seed}, ${values.clients} clients, ${dataDir}`);
const clients = Array.from({ length: Number(values.clients) }, (_, number) => startClient(number));
for (let kill = 1; kill <= kills; kill += 1) {
  await new Promise((resolve) => setTimeout(resolve, random() * 600));
  await gateway.kill();
  gateway = await startProcess(dataDir, port);
  if (kill % 10 === 0)
    console.log(
      `  ${kill} kills, ${clients.reduce((sum, client) => sum + client.sent.length, 0)} messages, ${retries} retries`,
    );
}
stopping = true;
await Promise.all(clients.map((client) => client.done));

// Every answer again under its id: equal, and out of the record.
for (const client of clients) {
  for (const message of client.sent.slice(-5)) {
    if (message.poisoned) continue;
    const again = (await (
      await post({ content: message.content, message_id: message.message_id, session_id: client.session_id })
    ).json()) as Sent['reply'];
    if (
      again?.turn_id !== message.reply?.turn_id ||
      again?.reply_id !== message.reply?.reply_id ||
      again?.content !== message.reply?.content
    ) {
      problems.push(
        `${message.message_id} was answered ${JSON.stringify(message.reply)} and then ${JSON.stringify(again)}`,
      );
    }
  }
  problems.push(...(await compare(client)));
}
const code = await gateway.stop();
if (code !== 0) problems.push(`the drained gateway ended with ${code}`);
const audit = auditJournal(dataDir);
problems.push(...audit.problems);

/** The session as the gateway has it against what the client sent and got. */
async function compare(client: Client): Promise<string[]> {
  const messages: { id: string; role: string; turn_id: string; content: string }[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Response = await fetch(
      `${url}/api/v1/sessions/${client.session_id}/messages?limit=200${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      {
        headers: { authorization: `Bearer ${token}` },
      },
    );
    const body = (await page.json()) as { items: typeof messages; next_cursor: string | null };
    messages.push(...body.items);
    cursor = body.next_cursor;
  }
  const found: string[] = [];
  const users = messages.filter((message) => message.role === 'user');
  if (users.map((message) => message.id).join() !== client.sent.map((message) => message.message_id).join()) {
    found.push(
      `session ${client.session_id}: ${users.length} messages kept in another order or number than the ${client.sent.length} sent`,
    );
  }
  for (const sent of client.sent) {
    if (sent.poisoned) continue;
    const replies = messages.filter((message) => message.id === sent.reply?.reply_id);
    if (replies.length !== 1 || replies[0]?.turn_id !== sent.reply?.turn_id)
      found.push(`${sent.message_id}: ${replies.length} replies kept`);
  }
  return found;
}

const sent = clients.reduce((sum, client) => sum + client.sent.length, 0);
const poisoned = clients.reduce((sum, client) => sum + client.sent.filter((message) => message.poisoned).length, 0);
const seconds = Math.round((performance.now() - began) / 100) / 10;
console.log(
  `  ${kills} kills in ${seconds} s: ${sent} messages, ${retries} retries, ${audit.turns} turns (${audit.resumed} resumptions, ${poisoned} given up as poisoned), ${audit.rows} rows`,
);
for (const problem of problems.slice(0, 20)) console.log(`  PROBLEM ${problem}`);
if (problems.length === 0 && !values.keep) rmSync(dataDir, { recursive: true });
else console.log(`  data kept in ${dataDir}; run again with --seed ${seed}`);
console.log(`lost, doubled or out of order: ${problems.length}`);
process.exit(problems.length === 0 ? 0 : 1);
