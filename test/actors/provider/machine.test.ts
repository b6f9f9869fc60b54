// SPDX-License-Identifier: Apache-2.0
// A circuit's chart against the same rules written plainly: when it opens, for how long, and what closes it.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createActor } from 'xstate';
import {
  type CircuitEffect,
  type CircuitEvent,
  circuitMachine,
  FAILURES,
  JITTER,
  RETRY_AFTER_MOST,
} from '../../../src/actors/provider/machine.ts';
import type { Fault } from '../../../src/actors/provider/outcome.ts';
import { usualRuns } from '../../drawn.ts';

const COOLDOWN = { first: 30_000, longest: 300_000 };

function faultOf(more: Partial<Fault> = {}): Fault {
  const error = { code: 'provider_error', message: 'It failed.', at: '' };
  return {
    about: 'provider',
    model: 'm',
    error,
    at_once: false,
    key_refused: false,
    retry_after_ms: undefined,
    ...more,
  };
}

function start(random = 0.5) {
  const world = { now: 1_000, random };
  const effects: CircuitEffect[] = [];
  const input = { now: () => world.now, random: () => world.random, cooldown: COOLDOWN };
  const chart = createActor(circuitMachine, { input });
  chart.on('*', (effect) => void effects.push(effect));
  chart.start();
  const send = (event: CircuitEvent): readonly CircuitEffect[] => {
    chart.send(event);
    return effects.splice(0);
  };
  return { world, send, state: () => chart.getSnapshot().value };
}

it('opens after three failures in a row, cools twice as long each time up to five minutes, and closes on one success', () => {
  const { world, send, state } = start();
  const failed = { type: 'failed', fault: faultOf() } as const;
  send(failed);
  send(failed);
  send({ type: 'succeeded' });
  send(failed);
  send(failed);
  expect(state()).toBe('closed');
  const cooled: number[] = [];
  const note = (effects: readonly CircuitEffect[]): void => {
    for (const effect of effects) if (effect.type === 'opened') cooled.push(effect.retry_at - world.now);
  };
  note(send(failed));
  for (let again = 0; again < 5; again += 1) {
    expect(send({ type: 'cooled' })).toEqual([{ type: 'probe', model: 'm' }]);
    note(send({ type: 'probe_failed', fault: faultOf() }));
  }
  expect(cooled).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
  send({ type: 'cooled' });
  expect(send({ type: 'succeeded' })).toEqual([{ type: 'closed' }]);
  send(failed);
  send(failed);
  expect(state()).toBe('closed');
  note(send(failed));
  expect(cooled.at(-1)).toBe(30_000);
});

it('asks for one probe more when one could not be made, and stays half open meanwhile', () => {
  const { send, state } = start();
  send({ type: 'failed', fault: faultOf({ at_once: true }) });
  send({ type: 'cooled' });
  expect(send({ type: 'probe_lost' })).toEqual([{ type: 'probe_later', model: 'm' }]);
  expect(state()).toBe('half_open');
});

/** The rules, written plainly. */
class Plain {
  state: 'closed' | 'open' | 'half_open' = 'closed';
  row = 0;
  opened = 0;
  retry_at = 0;
  key = false;
  effects: string[] = [];

  apply(event: CircuitEvent, now: number, random: number): void {
    this.effects = [];
    const asks = (fault: Fault): number =>
      fault.retry_after_ms === undefined ? 0 : now + Math.min(RETRY_AFTER_MOST, fault.retry_after_ms);
    const open = (fault: Fault): void => {
      const cooldown = Math.min(COOLDOWN.longest, COOLDOWN.first * 2 ** this.opened);
      const share = 1 - JITTER + 2 * JITTER * random;
      const own = this.opened === 0 && asks(fault) > 0 ? asks(fault) - now : cooldown;
      this.retry_at = Math.max(now + Math.round(own * share), asks(fault));
      this.state = 'open';
      this.opened += 1;
      this.key = fault.key_refused;
      this.effects.push('opened');
    };
    if (event.type === 'succeeded') {
      if (this.state !== 'closed') this.effects.push('closed');
      Object.assign(this, { state: 'closed', row: 0, opened: 0, retry_at: 0, key: false });
    } else if (event.type === 'failed' && this.state === 'closed') {
      if (event.fault.at_once || this.row + 1 >= FAILURES) open(event.fault);
      else this.row += 1;
    } else if (event.type === 'failed' && this.state === 'open' && asks(event.fault) > this.retry_at) {
      this.retry_at = asks(event.fault);
      this.effects.push('longer');
    } else if (
      (event.type === 'cooled' && this.state === 'open') ||
      (event.type === 'key_changed' && this.state === 'open' && this.key)
    ) {
      this.state = 'half_open';
      this.effects.push('probe');
    } else if (event.type === 'probe_failed' && this.state === 'half_open') open(event.fault);
    else if (event.type === 'probe_lost' && this.state === 'half_open') this.effects.push('probe_later');
  }
}

const fault = fc
  .record({
    at_once: fc.boolean(),
    key_refused: fc.boolean(),
    retry_after_ms: fc.option(fc.integer({ min: 1, max: 2 * RETRY_AFTER_MOST }), { nil: undefined }),
  })
  .map(faultOf);
const event: fc.Arbitrary<CircuitEvent> = fc.oneof(
  { weight: 4, arbitrary: fault.map((of): CircuitEvent => ({ type: 'failed', fault: of })) },
  fault.map((of): CircuitEvent => ({ type: 'probe_failed', fault: of })),
  fc.constantFrom<CircuitEvent>(
    { type: 'succeeded' },
    { type: 'cooled' },
    { type: 'key_changed' },
    { type: 'probe_lost' },
  ),
);

it('does what the plain rules do, whatever comes', () => {
  const step = fc.record({ event, after: fc.nat(400_000), random: fc.double({ min: 0, max: 0.999, noNaN: true }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { world, send, state } = start();
      const plain = new Plain();
      for (const { event, after, random } of steps) {
        world.now += after;
        world.random = random;
        plain.apply(event, world.now, random);
        const effects = send(event);
        expect(state()).toBe(plain.state);
        expect(effects.map(({ type }) => type)).toEqual(plain.effects);
        for (const effect of effects) {
          if (effect.type !== 'opened' && effect.type !== 'longer') continue;
          expect(effect.retry_at).toBe(plain.retry_at);
          expect(effect.retry_at - world.now).toBeLessThanOrEqual(RETRY_AFTER_MOST * (1 + JITTER));
        }
      }
    }),
    { numRuns: usualRuns(1_000) },
  );
});
