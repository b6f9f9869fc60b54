// SPDX-License-Identifier: Apache-2.0
// How a turn's events leave its thread: together, in order, and to whoever begins to listen in the middle.

import { describe, expect, it } from 'vitest';
import type { SigilBus } from '../../../src/actors/protocols.ts';
import { namesOf } from '../../../src/actors/session/names.ts';
import { createTurnPublisher } from '../../../src/actors/session/turn-publisher.ts';
import type { TurnEventBatch } from '../../../src/stores/turn-events.ts';

/** A bus that says whether somebody listens, and a loop that turns and a clock that moves when they are told to. */
class Stand {
  listening = false;
  readonly batches: TurnEventBatch[] = [];
  private readonly due: (() => void)[] = [];
  private timers: { readonly at: number; readonly run: () => void }[] = [];
  private now = 0;
  readonly publisher = createTurnPublisher(
    {
      heard: () => this.listening,
      publish: (_topic: unknown, event: unknown) => void this.batches.push(event as TurnEventBatch),
    } as Pick<SigilBus, 'heard' | 'publish'>,
    {
      soon: (run) => void this.due.push(run),
      after: (ms, run) => {
        const timer = { at: this.now + ms, run };
        this.timers.push(timer);
        return () => {
          this.timers = this.timers.filter((one) => one !== timer);
        };
      },
      monotonic: () => this.now,
    },
  );

  turn(): void {
    for (const run of this.due.splice(0)) run();
  }

  pass(ms: number): void {
    this.now += ms;
    const due = this.timers.filter(({ at }) => at <= this.now);
    this.timers = this.timers.filter(({ at }) => at > this.now);
    for (const { run } of due) run();
    this.turn();
  }

  /** Lets so many turns show a token each in every millisecond, for so long. */
  stream(turns: number, ms: number): void {
    for (let at = 0; at < ms; at += 1) {
      for (let turn = 0; turn < turns; turn += 1) this.publisher.publish(namesOf(`s${turn}`), `t${turn}`, at + 1, 'x');
      this.pass(1);
    }
  }
}

const names = namesOf('s');

describe('the events of a turn', () => {
  it('go together, those of one turn of the loop', () => {
    const stand = new Stand();
    stand.listening = true;
    stand.publisher.publish(names, 't', 1, 'one');
    stand.publisher.publish(names, 't', 2, 'two');
    expect(stand.batches).toEqual([]);
    stand.turn();
    stand.publisher.publish(names, 't', 3, 'three');
    stand.turn();
    expect(stand.batches).toEqual([
      { turn_id: 't', first: 1, events: ['one', 'two'] },
      { turn_id: 't', first: 3, events: ['three'] },
    ]);
  });

  it('part where a resumption skips numbers, and between turns', () => {
    const stand = new Stand();
    stand.listening = true;
    stand.publisher.publish(names, 't', 1, 'one');
    stand.publisher.publish(names, 't', 9, 'nine');
    stand.publisher.publish(names, 'u', 10, 'ten');
    stand.turn();
    expect(stand.batches.map(({ turn_id, first }) => [turn_id, first])).toEqual([
      ['t', 1],
      ['t', 9],
      ['u', 10],
    ]);
  });

  it('reach a listener that came in the middle of a turn of the loop, from there on', () => {
    const stand = new Stand();
    stand.publisher.publish(names, 't', 1, 'before');
    stand.listening = true;
    stand.publisher.publish(names, 't', 2, 'after');
    stand.turn();
    expect(stand.batches).toEqual([{ turn_id: 't', first: 2, events: ['after'] }]);
  });

  it('are gathered for a moment while many turns stream, and go at once again when few do', () => {
    const stand = new Stand();
    stand.listening = true;
    stand.stream(40, 40);
    const [of] = stand.batches.splice(0).filter(({ turn_id, first }) => turn_id === 't7' && first > 20);
    expect(of?.events.length).toBeGreaterThan(1);
    stand.stream(2, 60);
    stand.batches.splice(0);
    stand.publisher.publish(names, 't', 1, 'one');
    stand.turn();
    expect(stand.batches).toEqual([{ turn_id: 't', first: 1, events: ['one'] }]);
  });

  it('wait for no others when they are the first of their turn, and take along what was gathered', () => {
    const stand = new Stand();
    stand.listening = true;
    stand.stream(40, 40);
    stand.pass(10);
    stand.batches.splice(0);
    stand.publisher.publish(namesOf('s1'), 't1', 41, 'gathered');
    stand.publisher.publish(names, 't', 2, 'first');
    stand.publisher.publish(namesOf('s2'), 't2', 41, 'after');
    stand.turn();
    expect(stand.batches.map(({ turn_id }) => turn_id)).toEqual(['t1', 't', 't2']);
    stand.pass(10);
    expect(stand.batches.length).toBe(3);
  });

  it('are told whole and in order, however they are gathered', () => {
    const stand = new Stand();
    stand.listening = true;
    stand.stream(40, 100);
    stand.pass(10);
    for (let turn = 0; turn < 40; turn += 1) {
      const mine = stand.batches.filter(({ turn_id }) => turn_id === `t${turn}`);
      const told = mine.flatMap(({ first, events }) => events.map((_, at) => first + at));
      expect(told).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    }
  });

  it('cost nothing while nobody listens', () => {
    const stand = new Stand();
    stand.publisher.publish(names, 't', 1, 'one');
    stand.turn();
    expect(stand.batches).toEqual([]);
  });
});
