// SPDX-License-Identifier: Apache-2.0
// A worker thread that runs the other side of the contract suite.

import { type MessagePort, workerData } from 'node:worker_threads';
import { SharedCounter } from '../../src/bus/counter.ts';
import { threadNames } from '../../src/bus/layout.ts';
import { createBusNode } from '../../src/bus/node.ts';
import { Ports } from '../../src/bus/ports.ts';
import { realWorld } from '../../src/composition/real-world.ts';
import type { Limits } from './contract.ts';
import { type AnyProtocols, far } from './far.ts';

export interface Boot {
  readonly thread: number;
  readonly life: number;
  readonly layout: { readonly lanes: number; readonly io: number };
  readonly limits: Limits;
  readonly counts: SharedArrayBuffer;
  /** 0: runs, 1: stands still. */
  readonly gate: Int32Array;
  readonly port: MessagePort;
}

const { thread, life, layout, limits, counts, gate, port } = workerData as Boot;
const counter = new SharedCounter(threadNames(layout).length, counts);
const bus = createBusNode<AnyProtocols>({ thread, life, layout, world: realWorld, counter, ...limits });

far(bus, realWorld, {
  freeze: () => {
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    Atomics.wait(gate, 0, 1);
  },
  spend: (ms) => {
    const until = performance.now() + ms;
    while (performance.now() < until);
  },
});
new Ports(bus).attach(0, 1, port);
