// SPDX-License-Identifier: Apache-2.0
// The contract of the bus, kept within one thread on a virtual clock.

import { SharedCounter } from '../../src/bus/counter.ts';
import { portPair } from '../../src/bus/in-process.ts';
import { threadNames } from '../../src/bus/layout.ts';
import { type BusNode, createBusNode } from '../../src/bus/node.ts';
import { type Port, Ports } from '../../src/bus/ports.ts';
import { type Connect, contract, FAR, LAYOUT } from './contract.ts';
import { type AnyProtocols, far } from './far.ts';
import { VirtualWorlds } from './virtual-world.ts';

const connect: Connect = (limits) => {
  const worlds = new VirtualWorlds();
  const threads = threadNames(LAYOUT).length;
  const counter = new SharedCounter(threads, new SharedArrayBuffer(SharedCounter.bytes(threads)));
  const node = (thread: number, life: number, owner: string): BusNode<AnyProtocols> =>
    createBusNode({ thread, life, layout: LAYOUT, world: worlds.world(owner), counter, checkClone: true, ...limits });
  const near = node(0, 1, 'near');
  const ports = new Ports(near);
  let life = 0;
  let farPort: Port | undefined;
  let still = false;
  const owner = () => `far ${life}`;

  return {
    near,
    start: () => {
      life++;
      still = false;
      const me = owner();
      const [one, two] = portPair(worlds.schedule('near'), worlds.schedule(me));
      const bus = node(FAR, life, me);
      const freeze = () => {
        still = true;
        worlds.freeze(me);
      };
      far(bus, worlds.world(me), { freeze, spend: (ms) => worlds.spend(ms) });
      new Ports(bus).attach(0, 1, two);
      ports.attach(FAR, life, one);
      farPort = two;
    },
    kill: () => {
      worlds.end(owner());
      farPort?.close();
    },
    frozen: async () => worlds.runUntil(() => still),
    thaw: () => {
      still = false;
      worlds.thaw(owner());
    },
    until: async (condition) => worlds.runUntil(condition),
    stop: async () => near.close(),
  };
};

contract('in one thread', connect);
