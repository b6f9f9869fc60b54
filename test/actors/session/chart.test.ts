// SPDX-License-Identifier: Apache-2.0
// A session's chart step by step as its lane takes it, against an actor of the same machine that XState runs the whole way.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { RESTS } from '../../../src/actors/session/chart.ts';
import { eventOf, type LaneEvent, sessionMachine } from '../../../src/actors/session/machine.ts';
import { Play } from './play.ts';

const STEPS: readonly LaneEvent['next'][] = ['idle', 'start', 'reserve', 'call', 'tools', 'conclude'];

const anyEvent: fc.Arbitrary<LaneEvent> = fc.record({
  type: fc.constantFrom('received' as const, 'written' as const),
  next: fc.constantFrom(...STEPS),
  cancelled: fc.boolean(),
});

describe('the chart of a session', () => {
  it('is where an actor of its own would be after any events, and asks for the same', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
        const actor = createActor(sessionMachine);
        const emitted: unknown[] = [];
        actor.on('*', (effect) => void emitted.push(effect));
        actor.start();
        let place = RESTS;
        const asked: unknown[] = [];
        for (const event of events) {
          actor.send(event);
          const { to, effects } = place.after(event);
          asked.push(...effects);
          place = to;
          expect(place.value).toEqual(actor.getSnapshot().value);
        }
        expect(asked).toEqual(emitted);
      }),
    );
  });

  it('takes a step once: the same event leads from the same place to the same one', () => {
    const play = new Play();
    play.move({ kind: 'receive', queue: 'followup', user: 'ann', model: '' });
    const event = eventOf('received', play.state);
    expect(eventOf('received', play.state)).toBe(event);
    const step = RESTS.after(event);
    expect(step).toMatchObject({ to: { value: { turn: 'calling_model' } }, effects: [{ type: 'call' }] });
    expect(RESTS.after(event)).toBe(step);
    const idle = eventOf('written', { ...play.state, turn: null, waiting: [] });
    expect(step.to.after(idle)).toMatchObject({ effects: [] });
    expect(step.to.after(idle).to).toBe(RESTS);
  });

  it('that throws says so to its lane, not to the loop, and forgets the step', async () => {
    const unhandled: unknown[] = [];
    const listen = (cause: unknown): void => void unhandled.push(cause);
    process.on('uncaughtException', listen);
    let bad = true;
    const event: LaneEvent = {
      type: 'received',
      cancelled: false,
      get next(): LaneEvent['next'] {
        if (bad) throw new Error('a bad event');
        return 'call';
      },
    };
    expect(() => RESTS.after(event)).toThrow('a bad event');
    bad = false;
    expect(RESTS.after(event).effects).toEqual([{ type: 'call' }]);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 0));
    process.off('uncaughtException', listen);
    expect(unhandled).toEqual([]);
  });
});
