// SPDX-License-Identifier: Apache-2.0
// `npm run test:connections [-- --idle N] [-- --flood N]`: a gateway with thousands of connections that say nothing, and with a flood of questions, while somebody talks.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startGateway } from '../fire/gateway.ts';
import { percentile } from '../fire/measure.ts';

const { values } = parseArgs({
  options: { idle: { type: 'string', default: '10000' }, flood: { type: 'string', default: '200' } },
});
const IDLE = Number(values.idle);
const FLOOD = Number(values.flood);
/** How long somebody talks for each figure, in milliseconds. */
const TALK_MS = 5_000;
/** Those who say nothing are to be gone by then: ten seconds for headers, looked at every five, and some to spare. */
const SILENT_MS = 20_000;
/** The same of those who asked something once. */
const ASKED_MS = 80_000;
/** At once, so that none waits to be accepted. */
const OPENING = 500;

const dataDir = mkdtempSync(join(tmpdir(), 'sigil-connections-'));
const gateway = await startGateway(dataDir, {}, ['fay', 'bo']);
const { port, pid } = gateway;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const resident = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;
const failures: string[] = [];
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

/** Asks once: the status, once all of the answer is there. */
function ask(user: string, method: string, path: string, body?: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const headers = { Authorization: `Bearer ${gateway.tokenOf(user)}`, ...type };
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent }, (response) => {
      response
        .on('error', reject)
        .on('end', () => resolve(response.statusCode ?? 0))
        .resume();
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Somebody says one thing after another and waits for each answer. */
async function talk(what: string): Promise<void> {
  const took: number[] = [];
  const statuses = new Map<number, number>();
  for (const end = performance.now() + TALK_MS; performance.now() < end; ) {
    const from = performance.now();
    const status = await ask('bo', 'POST', '/api/v1/chat', { content: 'hi' });
    took.push(performance.now() - from);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  const [p50, p99] = [percentile(took, 0.5), percentile(took, 0.99)];
  const all = [...statuses].map(([status, count]) => `${count} × ${status}`).join(', ');
  console.log(`${what}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ${all}`);
  if ([...statuses.keys()].some((status) => status !== 200)) failures.push(`${what}: ${all}`);
}

interface Quiet {
  readonly socket: Socket;
  closed: boolean;
}

async function open(count: number, says: string): Promise<readonly Quiet[]> {
  const all: Quiet[] = [];
  while (all.length < count) {
    const some = Array.from({ length: Math.min(OPENING, count - all.length) }, async (): Promise<Quiet> => {
      const quiet: Quiet = { socket: connect(port, '127.0.0.1'), closed: false };
      quiet.socket
        .on('error', () => undefined)
        .on('close', () => {
          quiet.closed = true;
        });
      await new Promise<void>((resolve) =>
        quiet.socket.once('connect', () => resolve()).once('close', () => resolve()),
      );
      quiet.socket.resume();
      if (says !== '') quiet.socket.write(says);
      return quiet;
    });
    all.push(...(await Promise.all(some)));
  }
  return all;
}

/** Waits until they have been cut off. */
async function gone(what: string, all: readonly Quiet[], within: number): Promise<void> {
  const from = performance.now();
  const left = (): number => all.filter(({ closed }) => !closed).length;
  while (left() > 0 && performance.now() - from < within) await pause(100);
  console.log(
    `${what}: ${all.length - left()} of ${all.length} cut within ${Math.round((performance.now() - from) / 1_000)} s`,
  );
  if (left() > 0) failures.push(`${left()} of ${what} are still open`);
  for (const { socket } of all) socket.destroy();
}

async function idle(): Promise<void> {
  const before = resident();
  const half = Math.floor(IDLE / 2);
  const [asked, silent] = [
    await open(IDLE - half, 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    await open(half, ''),
  ];
  await talk(`with ${IDLE} idle connections`);
  const refused = [...asked, ...silent].filter(({ closed }) => closed).length;
  console.log(`memory: ${((resident() - before) / IDLE / 1_024).toFixed(1)} KiB a connection`);
  console.log(`closed by now: ${refused}`);
  await gone('those who said nothing', silent, SILENT_MS);
  await gone('those who asked once', asked, ASKED_MS);
}

async function flood(): Promise<void> {
  let flooding = true;
  const answered = new Map<number, number>();
  const floods = Array.from({ length: FLOOD }, async () => {
    while (flooding) {
      const status = await ask('fay', 'GET', '/api/v1/workspaces').catch(() => 0);
      answered.set(status, (answered.get(status) ?? 0) + 1);
    }
  });
  await pause(500);
  await talk(`with ${FLOOD} clients that ask without end`);
  flooding = false;
  await Promise.all(floods);
  console.log(`their answers: ${[...answered].map(([status, count]) => `${count} × ${status}`).join(', ')}`);
}

await talk('(warming up)');
await talk('alone');
if (FLOOD > 0) await flood();
if (IDLE > 0) await idle();
await talk('alone again');
agent.destroy();
const status = await gateway.stop();
if (status !== 0) failures.push(`the gateway ended with ${status}`);
rmSync(dataDir, { recursive: true, force: true });
for (const failure of failures) console.error(failure);
process.exit(failures.length === 0 ? 0 : 1);
