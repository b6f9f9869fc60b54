// SPDX-License-Identifier: Apache-2.0
// One side of T12, as a process: `ours` is the edge with a bus that turns' events come over, `bare` is node:http with the
// same frames. A thousand readers in another process; rounds of one event to each, as fast as they are taken.

import { fork } from 'node:child_process';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SigilProtocols } from '../src/actors/protocols.ts';
import { TURNS_TOPIC } from '../src/actors/session/protocol.ts';
import { address } from '../src/bus/address.ts';
import { SharedCounter } from '../src/bus/counter.ts';
import { topic } from '../src/bus/envelope.ts';
import { placement, threadNames } from '../src/bus/layout.ts';
import { createBusNode } from '../src/bus/node.ts';
import { realWorld } from '../src/composition/real-world.ts';
import { createEdge } from '../src/edge/server.ts';
import type { TurnEventBatch } from '../src/stores/turn-events.ts';
import { benchPorts, TOKEN } from './edge-ports.ts';
import type { SseFigures } from './sse.ts';

const READERS = 1_000;
const WARM_UP_MS = 700;
const MEASURE_MS = 1_500;
/** Long enough for sockets to be idle and garbage to be one. */
const SETTLE_MS = 200;
const TURN = '01990000-0000-7000-8000-000000000000';
const WORDS = ['Once', ' upon', ' a', ' time', ' there', ' was', ' a', ' machine', ' that', ' told', ' stories.'];
const LAYOUT = { lanes: 1, io: 1 };

/** A server with a way to write one event to every reader that calls back when all have been written. */
interface Side {
  readonly port: number;
  readonly path: (reader: number) => string;
  readonly writeAll: (n: number, done: () => void) => void;
}

const sessionOf = (reader: number): string => `01990000-0000-7000-8000-${String(reader).padStart(12, '0')}`;
const wordOf = (n: number): string => WORDS[n % WORDS.length] ?? '';
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function bareSide(): Promise<Side> {
  const readers: ServerResponse[] = [];
  const server = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store' });
    response.flushHeaders();
    readers.push(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    path: (reader) => `/${reader}`,
    writeAll: (n, done) => {
      const text = wordOf(n);
      for (const reader of readers)
        reader.write(`id: ${TURN}:${n}\nevent: text_delta\ndata: ${JSON.stringify({ text })}\n\n`);
      setImmediate(done);
    },
  };
}

async function ourSide(): Promise<Side> {
  const place = placement(LAYOUT);
  const names = threadNames(LAYOUT);
  const of = (reader: number) => topic<TurnEventBatch>(address('session', sessionOf(reader)), TURNS_TOPIC);
  const counter = new SharedCounter(names.length, new SharedArrayBuffer(SharedCounter.bytes(names.length)));
  // Sessions live on this very thread: their events come over its bus, and no other thread takes time.
  const thread = place(address('session', sessionOf(0)));
  const bus = createBusNode<SigilProtocols>({ thread, life: 1, layout: LAYOUT, world: realWorld, counter });
  const edge = createEdge(benchPorts(bus));
  const { port } = await edge.listenTcp('127.0.0.1', 0);
  let told = (): void => undefined;
  return {
    port,
    path: (reader) => `/api/v1/sessions/${sessionOf(reader)}/stream`,
    writeAll: (n, done) => {
      // Whoever listens last hears of it last.
      if (n === 1) bus.subscribe(of(READERS - 1), { events: () => told() }, { lossless: true });
      told = done;
      const batch = { turn_id: TURN, first: n, events: [wordOf(n)] };
      for (let reader = 0; reader < READERS; reader += 1) bus.publish(of(reader), batch);
    },
  };
}

/** Settled resident memory in bytes. */
async function resident(): Promise<number> {
  await pause(SETTLE_MS);
  for (let at = 0; at < 3; at += 1) globalThis.gc?.();
  await pause(SETTLE_MS);
  return process.memoryUsage.rss();
}

async function measure(side: Side): Promise<SseFigures> {
  const readers = fork(new URL('./sse-readers.ts', import.meta.url), { execArgv: [] });
  const said = (): Promise<unknown> => new Promise((resolve) => readers.once('message', resolve));
  const paths = Array.from({ length: READERS }, (_, reader) => side.path(reader));
  // One reader first, so that code and what all share are there before memory is looked at.
  readers.send({ port: side.port, token: TOKEN, paths: paths.slice(0, 1) });
  await said();
  const before = await resident();
  readers.send({ port: side.port, token: TOKEN, paths: paths.slice(1) });
  await said();
  let n = 0;
  const write = (): Promise<void> =>
    new Promise((resolve) => {
      n += 1;
      side.writeAll(n, resolve);
    });
  await write();
  const after = await resident();
  // Per second of this process's own processor time: what else the machine does takes none of it.
  const until = async (ms: number): Promise<number> => {
    const began = process.cpuUsage();
    const first = n;
    for (;;) {
      await write();
      const { user, system } = process.cpuUsage(began);
      const spent = (user + system) / 1_000;
      if (spent >= ms) return ((n - first) * READERS * 1_000) / spent;
    }
  };
  await until(WARM_UP_MS);
  const writes_per_s = await until(MEASURE_MS);
  const taken = said();
  readers.send({ expect: n * READERS });
  await taken;
  readers.disconnect();
  return { writes_per_s, kib_each: (after - before) / 1_024 / (READERS - 1) };
}

const side = process.argv[2] === 'bare' ? await bareSide() : await ourSide();
const figures = await measure(side);
console.log(JSON.stringify(figures));
process.exit(0);
