// SPDX-License-Identifier: Apache-2.0
// A provider's authority: its permits are fair and bounded, its circuit opens, cools longer each time, and closes on one success.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createActor } from 'xstate';
import { circuitMachine } from '../../../src/actors/provider/machine.ts';
import { type Permit, Permits } from '../../../src/actors/provider/permits.ts';
import { address } from '../../../src/bus/address.ts';
import type { Envelope } from '../../../src/bus/envelope.ts';

const to = address('provider', 'sigil');
let id = 0;
const ask = (session: string): Envelope => {
  id += 1;
  return {
    id,
    to,
    from: address('session', session),
    type: 'provider.request',
    body: { turn_id: 'turn' },
    deadline: 1,
  };
};

it('serves sessions in turns, however many requests one of them has waiting', () => {
  const permits = new Permits(1);
  const first = permits.request(ask('busy'));
  if (first === null || first === 'full') throw new Error('the first request gets a permit');
  for (let more = 0; more < 5; more += 1) expect(permits.request(ask('busy'))).toBeNull();
  expect(permits.request(ask('other'))).toBeNull();
  const order: string[] = [];
  for (let held = first; ; ) {
    permits.release(held.id, held.holder);
    const next = permits.next(0);
    if (next === null) break;
    order.push(next.permit.holder);
    held = next.permit;
  }
  expect(order.slice(0, 2)).toEqual(['session/busy', 'session/other']);
  expect(order).toHaveLength(6);
});

it('grants nothing to those who have stopped waiting, and takes back what is withdrawn', () => {
  const permits = new Permits(1);
  const first = permits.request(ask('one'));
  if (first === null || first === 'full') throw new Error('the first request gets a permit');
  expect(permits.request({ ...ask('late'), deadline: 10 })).toBeNull();
  expect(permits.request(ask('gone'))).toBeNull();
  expect(permits.request({ ...ask('next'), deadline: 100 })).toBeNull();
  expect(permits.withdraw(address('session', 'gone'), 'turn')?.from).toBe('session/gone');
  expect(permits.withdraw(address('session', 'one'), 'turn')).toBeUndefined();
  expect(permits.next(11)?.permit.holder).toBe('session/next');
  expect(permits.waiting).toBe(0);
});

it('is given back by its holder alone: an earlier life of the provider may have granted the same number', () => {
  const permits = new Permits(1);
  const held = permits.request(ask('one'));
  if (held === null || held === 'full') throw new Error('the first request gets a permit');
  expect(permits.release(held.id, address('session', 'other'))).toBe(false);
  expect(permits.inFlight).toBe(1);
  expect(permits.release(held.id, held.holder)).toBe(true);
});

it('never has more permits out than allowed, loses none, and takes back those of a holder that is gone', () => {
  const move = fc.record({ what: fc.constantFrom('ask', 'release', 'gone'), who: fc.nat(3), which: fc.nat(9) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), fc.array(move, { maxLength: 60 }), (most, moves) => {
      const permits = new Permits(most);
      let held: Permit[] = [];
      let waiting: string[] = [];
      const serve = (): void => {
        for (let next = permits.next(0); next !== null; next = permits.next(0)) {
          held.push(next.permit);
          waiting.splice(waiting.indexOf(next.permit.holder), 1);
        }
      };
      for (const { what, who, which } of moves) {
        const holder = address('session', String(who));
        if (what === 'ask') {
          const permit = permits.request(ask(String(who)));
          if (permit === null) waiting.push(holder);
          else if (permit !== 'full') held.push(permit);
        } else if (what === 'release') {
          const [given] = held.splice(which % Math.max(1, held.length), 1);
          if (given !== undefined) expect(permits.release(given.id, given.holder)).toBe(true);
        } else {
          permits.drop(holder);
          held = held.filter((permit) => permit.holder !== holder);
          waiting = waiting.filter((one) => one !== holder);
        }
        serve();
        expect(held.length).toBeLessThanOrEqual(most);
        expect([permits.inFlight, permits.waiting]).toEqual([held.length, waiting.length]);
        expect(waiting.length === 0 || held.length === most).toBe(true);
        expect(permits.knows(holder)).toBe(waiting.includes(holder) || held.some((permit) => permit.holder === holder));
      }
    }),
    { numRuns: 1_000 },
  );
});

it('opens after three failures in a row, cools twice as long after a failed try, and closes on one success', () => {
  const circuit = createActor(circuitMachine);
  const cooling: number[] = [];
  circuit.on('cool', ({ ms }) => void cooling.push(ms));
  circuit.start();
  const fail = (): void => circuit.send({ type: 'failed', code: 'provider_error', at: 1 });
  fail();
  fail();
  circuit.send({ type: 'succeeded' });
  fail();
  fail();
  expect(circuit.getSnapshot().value).toBe('closed');
  fail();
  expect(circuit.getSnapshot().value).toBe('open');
  circuit.send({ type: 'cooled' });
  expect(circuit.getSnapshot().value).toBe('half_open');
  fail();
  expect(circuit.getSnapshot().value).toBe('open');
  expect(cooling).toEqual([30_000, 60_000]);
  circuit.send({ type: 'cooled' });
  circuit.send({ type: 'succeeded' });
  expect(circuit.getSnapshot()).toMatchObject({ value: 'closed', context: { consecutive: 0, opened: 0 } });
});
