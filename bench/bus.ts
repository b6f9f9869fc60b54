// SPDX-License-Identifier: Apache-2.0
// What the bus costs between two threads: messages a second (T5) and the round trip (T6), beside bare ports in the same run.

import { isMainThread, MessageChannel, type MessagePort, Worker, workerData } from 'node:worker_threads';
import { type Address, address } from '../src/bus/address.ts';
import { SharedCounter } from '../src/bus/counter.ts';
import type { Envelope, MessageType, Protocols } from '../src/bus/envelope.ts';
import { type Layout, MAIN, threadNames } from '../src/bus/layout.ts';
import { type BusNode, createBusNode } from '../src/bus/node.ts';
import { Ports } from '../src/bus/ports.ts';
import { realWorld as world } from '../src/composition/real-world.ts';
import { alternate, type Measured, median } from './measured.ts';

interface Boot {
  readonly buffer: SharedArrayBuffer;
  readonly mesh: MessagePort;
  readonly bare: MessagePort;
}

const LAYOUT: Layout = { lanes: 1, io: 1 };
const LANE = threadNames(LAYOUT).indexOf('lane-1');
const MESSAGES = 200_000;
const TRIPS = 4_000;
const BATCH = 64;

const SINK = address('session', '0198c0de-5eed-7000-8000-000000000001');
const ECHO = address('session', '0198c0de-5eed-7000-8000-000000000002');
const HERE = address('thread', 'main');

const bodyOf = (seq: number) => ({ seq, text: 'a message of ordinary length, as one a person types' });

type Any = Readonly<Record<string, MessageType>>;
type Loose = Protocols & Readonly<Record<keyof Protocols, Any>>;

function join(thread: number, other: number, boot: { buffer: SharedArrayBuffer; mesh: MessagePort }): BusNode<Loose> {
  const counter = new SharedCounter(threadNames(LAYOUT).length, boot.buffer);
  const bus = createBusNode<Loose>({ thread, life: 1, layout: LAYOUT, world, counter });
  new Ports(bus).attach(other, 1, boot.mesh);
  return bus;
}

/** The second thread: takes and echoes, on the bus and bare. */
function serve(boot: Boot): void {
  const bus = join(LANE, MAIN, boot);
  let seen = 0;
  bus.host('session', (envelope) => {
    if (envelope.to === ECHO) return bus.reply(envelope, envelope.body);
    seen++;
    if (envelope.deadline === undefined) return;
    bus.reply(envelope, seen);
    seen = 0;
  });
  let counted = 0;
  boot.bare.on('message', (message: Envelope | Envelope[]) => {
    if (!Array.isArray(message)) boot.bare.postMessage(message);
    else {
      counted += message.length;
      if (counted < MESSAGES) return;
      boot.bare.postMessage(counted);
      counted = 0;
    }
  });
}

interface Pair {
  readonly bus: BusNode<Loose>;
  readonly bare: MessagePort;
  readonly stop: () => Promise<unknown>;
}

async function start(): Promise<Pair> {
  const buffer = new SharedArrayBuffer(SharedCounter.bytes(threadNames(LAYOUT).length));
  const mesh = new MessageChannel();
  const bare = new MessageChannel();
  const boot: Boot = { buffer, mesh: mesh.port2, bare: bare.port2 };
  const worker = new Worker(new URL(import.meta.url), { workerData: boot, transferList: [mesh.port2, bare.port2] });
  const bus = join(MAIN, LANE, { buffer, mesh: mesh.port1 });
  const stop = () => {
    bus.close();
    bare.port1.close();
    return worker.terminate();
  };
  return { bus, bare: bare.port1, stop };
}

/** Messages a second by the bus: as fast as its window lets the sender. */
function flood({ bus }: Pair): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    let sent = 0;
    const burst = () => {
      for (let n = 0; n < 2048 && sent < MESSAGES; n++) {
        if (!bus.send(SINK, 'bench.count', bodyOf(sent), { from: HERE })) break;
        sent++;
      }
      if (sent < MESSAGES) setImmediate(burst);
      else count();
    };
    // Behind all others, so its answer says that they have been handled, each once.
    const count = () => {
      bus.ask(SINK, 'bench.total', null, { from: HERE, within: 60_000 }, (answer) => {
        if (!answer.ok && answer.error.code === 'overloaded') setImmediate(count);
        else if (!answer.ok || answer.body !== MESSAGES + 1) reject(new Error(`took ${JSON.stringify(answer)}`));
        else resolve(MESSAGES / ((performance.now() - began) / 1000));
      });
    };
    burst();
  });
}

const envelopeOf = (seq: number, to: Address, type: string): Envelope => ({
  id: seq,
  to,
  from: HERE,
  type,
  body: bodyOf(seq),
});

/** Messages a second by a bare port: the same envelopes in arrays of 64. */
function floodBare({ bare }: Pair): Promise<number> {
  return new Promise((resolve) => {
    const began = performance.now();
    bare.once('message', () => resolve(MESSAGES / ((performance.now() - began) / 1000)));
    let sent = 0;
    const burst = () => {
      for (let n = 0; n < 2048 && sent < MESSAGES; n += BATCH) {
        bare.postMessage(Array.from({ length: BATCH }, () => envelopeOf(sent++, SINK, 'bench.count')));
      }
      if (sent < MESSAGES) setImmediate(burst);
    };
    burst();
  });
}

/** Median round trip in microseconds of one message at a time. */
function trips(trip: (done: () => void) => void): Promise<number> {
  return new Promise((resolve) => {
    const took: number[] = [];
    const next = () => {
      const began = performance.now();
      trip(() => {
        took.push((performance.now() - began) * 1000);
        if (took.length < TRIPS) next();
        else resolve(median(took));
      });
    };
    next();
  });
}

const tripsBus = ({ bus }: Pair) =>
  trips((done) => bus.ask(ECHO, 'bench.echo', bodyOf(1), { from: HERE, within: 10_000 }, done));

function tripsBare({ bare }: Pair): Promise<number> {
  let arrived: (() => void) | undefined;
  const listener = () => arrived?.();
  bare.on('message', listener);
  return trips((done) => {
    arrived = done;
    bare.postMessage(envelopeOf(1, ECHO, 'bench.echo'));
  }).finally(() => bare.off('message', listener));
}

type Measure = (pair: Pair) => Promise<number>;

/** Both over the same pair of threads; a first round of each only warms up. */
async function besideBare(rounds: number, ours: Measure, floor: Measure): Promise<Measured> {
  const pair = await start();
  await floor(pair);
  await ours(pair);
  const measured = await alternate(
    rounds,
    () => ours(pair),
    () => floor(pair),
  );
  await pair.stop();
  return measured;
}

/** Messages a second between two threads beside bare `postMessage` of arrays of 64: the larger the ratio, the better. */
export const measureT5 = (rounds: number): Promise<Measured> => besideBare(rounds, flood, floodBare);

/** Median round trip in microseconds beside a bare one: the smaller the ratio, the better. */
export const measureT6 = (rounds: number): Promise<Measured> => besideBare(rounds, tripsBus, tripsBare);

async function print(): Promise<void> {
  const show = (name: string, unit: string, { ratio, floor, ours, spread }: Measured) =>
    console.log(
      `${name}  ratio ${ratio.toFixed(2)}  ours ${ours.toFixed(unit === 'µs' ? 1 : 0)} ${unit}  ` +
        `floor ${floor.toFixed(unit === 'µs' ? 1 : 0)} ${unit}  spread ${(spread * 100).toFixed(0)} %`,
    );
  show('T5 messages a second', '/s', await measureT5(7));
  show('T6 round trip, median', 'µs', await measureT6(7));
}

const isBoot = (data: unknown): data is Boot =>
  typeof data === 'object' && data !== null && 'bare' in data && 'mesh' in data;

if (!isMainThread && isBoot(workerData)) serve(workerData);
else if (import.meta.main) await print();
