// SPDX-License-Identifier: Apache-2.0
// A chart as an actor that fails: in the chart or in what it asked for, whoever waits is told and the supervisor hears of it once.

import { expect, it } from 'vitest';
import { createMachine, emit, setup } from 'xstate';
import { chartOf, startMachineActor } from '../../src/actors/machine-actor.ts';
import { Residents } from '../../src/actors/residents.ts';
import { address } from '../../src/bus/address.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import type { Failure } from '../../src/errors.ts';
import type { World } from '../../src/world.ts';
import { ManualClock } from '../stores/manual-clock.ts';

const SELF = address('workspace', 'w');

const machine = setup({
  types: {} as { emitted: { type: 'work' } },
  actions: {
    work: emit({ type: 'work' as const }),
    fail: () => {
      throw new Error('the chart is wrong');
    },
  },
}).createMachine({
  id: 'worker',
  initial: 'open',
  states: { open: { on: { work: { actions: 'work' }, fail: { actions: 'fail' } } } },
});

function stand() {
  const clock = new ManualClock();
  const world: World = {
    now: clock.monotonic,
    iso: String,
    monotonic: clock.monotonic,
    origin: 0,
    after: clock.after,
    soon: clock.soon,
    random: () => 0,
    uuid: () => '',
  };
  const residents = new Residents({
    thread: 'main',
    world,
    mailbox_capacity: 1,
    mailbox: () => ({ depth: 0, oldest_ms: 0 }),
    trace: { heard: () => false, publish: () => undefined },
  });
  const failed: [number, string][] = [];
  const faults: string[] = [];
  const actor = startMachineActor<{ type: 'work' }>({
    address: SELF,
    parent: null,
    machine,
    input: {},
    world,
    residents,
    bus: {
      reply: () => undefined,
      fail: (to: Envelope, error: Failure) => void failed.push([to.id, `${error.code}: ${error.message}`]),
    },
    fault: (_, error) => void faults.push(error.message),
    perform: () => {
      throw new Error('the work is wrong');
    },
  });
  const send = (id: number, type: string): void =>
    actor.receive({ id, to: SELF, from: SELF, type, body: {}, deadline: 1 });
  return { send, failed, faults };
}

it.each([
  ['what it asked for', 'work', 'the work is wrong'],
  ['its chart', 'fail', 'the chart is wrong'],
])('tells who asked when %s throws, and everybody who asks after that', (_, type, why) => {
  const { send, failed, faults } = stand();
  send(1, type);
  send(2, 'work');
  expect(faults).toEqual([expect.stringContaining(why)]);
  expect(failed).toEqual([
    [1, expect.stringMatching(new RegExp(`^internal: .*${why}`))],
    [2, expect.stringMatching(new RegExp(`^internal: .*${why}`))],
  ]);
});

it("tells its chart's whole definition: transitions that need no event are in it", () => {
  const chart = createMachine({
    id: 'm',
    initial: 'a',
    states: {
      a: { always: { guard: () => false, target: 'b' }, on: { go: 'b' } },
      b: { initial: 'c', states: { c: { always: '#m.a' } } },
    },
  });
  expect(chartOf(chart)).toMatchObject({
    id: 'm',
    states: {
      a: { always: [{ eventType: '', target: ['#m.b'] }], transitions: [{ eventType: 'go', target: ['#m.b'] }] },
      b: { states: { c: { always: [{ target: ['#m.a'] }] } } },
    },
  });
});
