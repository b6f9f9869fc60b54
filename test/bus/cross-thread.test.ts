// SPDX-License-Identifier: Apache-2.0
// The contract of the bus, kept between real threads.

import { setImmediate as turn } from 'node:timers/promises';
import { MessageChannel, Worker } from 'node:worker_threads';
import { SharedCounter } from '../../src/bus/counter.ts';
import { threadNames } from '../../src/bus/layout.ts';
import { createBusNode } from '../../src/bus/node.ts';
import { Ports } from '../../src/bus/ports.ts';
import { realWorld } from '../../src/composition/real-world.ts';
import { type Connect, contract, FAR, LAYOUT } from './contract.ts';
import type { AnyProtocols } from './far.ts';
import type { Boot } from './far-thread.ts';

const connect: Connect = (limits) => {
  const threads = threadNames(LAYOUT).length;
  const counts = new SharedArrayBuffer(SharedCounter.bytes(threads));
  const counter = new SharedCounter(threads, counts);
  const near = createBusNode<AnyProtocols>({
    thread: 0,
    life: 1,
    layout: LAYOUT,
    world: realWorld,
    counter,
    ...limits,
  });
  const ports = new Ports(near);
  const workers: Worker[] = [];
  let gate = new Int32Array(new SharedArrayBuffer(4));

  return {
    near,
    start: () => {
      gate = new Int32Array(new SharedArrayBuffer(4));
      const { port1, port2 } = new MessageChannel();
      const life = workers.length + 1;
      const boot: Boot = { thread: FAR, life, layout: LAYOUT, limits, counts, gate, port: port2 };
      workers.push(
        new Worker(new URL('./far-thread.ts', import.meta.url), {
          workerData: boot,
          transferList: [port2],
          execArgv: [],
        }),
      );
      ports.attach(FAR, life, port1);
    },
    kill: () => void workers.at(-1)?.terminate(),
    frozen: async () => {
      await Atomics.waitAsync(gate, 0, 0).value;
    },
    thaw: () => {
      Atomics.store(gate, 0, 0);
      Atomics.notify(gate, 0);
    },
    until: async (condition) => {
      do await turn();
      while (!condition());
    },
    stop: async () => {
      near.close();
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
};

contract('between threads', connect);
