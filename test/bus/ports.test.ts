// SPDX-License-Identifier: Apache-2.0
// Lives of ports: the next one is attached when the last has closed, and an older one never.

import { expect, test } from 'vitest';
import { portPair } from '../../src/bus/in-process.ts';
import { type PortHolder, Ports } from '../../src/bus/ports.ts';
import { VirtualWorlds } from './virtual-world.ts';

function setUp() {
  const worlds = new VirtualWorlds();
  const seen: unknown[] = [];
  const holder: PortHolder = {
    attach: (thread, life) => seen.push(['up', thread, life]),
    receive: (_, batch) => seen.push(batch[0]),
    detached: (thread) => seen.push(['down', thread]),
  };
  const run = () => {
    for (let steps = 0; worlds.step(); steps++) expect(steps).toBeLessThan(1000);
  };
  return { ports: new Ports(holder), pair: () => portPair(worlds.schedule('all')), seen, run };
}

test('what a life has sent comes before its end, and its end before the next life', () => {
  const { ports, pair, seen, run } = setUp();
  const [one, far] = pair();
  const [next, nextFar] = pair();
  ports.attach(5, 1, one);
  far.postMessage(['a']);
  nextFar.postMessage(['c']);
  far.postMessage(['b']);
  // The next life's port is here before the last one has closed.
  ports.attach(5, 2, next);
  far.close();
  run();
  expect(seen).toEqual([['up', 5, 1], 'a', 'b', ['down', 5], ['up', 5, 2], 'c']);
});

test('a port of an older life, or of the same, is refused; of two that wait the newer is taken', () => {
  const { ports, pair, seen, run } = setUp();
  const closed: string[] = [];
  const attach = (name: string, life: number) => {
    const [near, far] = pair();
    far.on('close', () => closed.push(name));
    ports.attach(5, life, near);
    return far;
  };
  const second = attach('second', 2);
  attach('first', 1);
  attach('second again', 2);
  attach('third', 3);
  attach('fourth', 4);
  run();
  expect(closed).toEqual(['first', 'second again', 'third']);
  second.close();
  run();
  expect(seen).toEqual([
    ['up', 5, 2],
    ['down', 5],
    ['up', 5, 4],
  ]);
});

test('paired ports clone, keep what comes before anybody listens, and forget what comes after the end', () => {
  const { pair, run } = setUp();
  const [near, far] = pair();
  const body = { n: 1 };
  near.postMessage([body]);
  body.n = 2;
  run();
  const got: unknown[] = [];
  far.on('message', (batch) => got.push(...batch));
  far.on('close', () => got.push('closed'));
  expect(() => near.postMessage([() => 0])).toThrow();
  near.close();
  near.postMessage(['after the end']);
  run();
  expect(got).toEqual([{ n: 1 }, 'closed']);
});
