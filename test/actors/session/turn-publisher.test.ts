// SPDX-License-Identifier: Apache-2.0
// How a turn's events leave its thread: together, in order, and to whoever begins to listen in the middle.

import { describe, expect, it } from 'vitest';
import type { SigilBus } from '../../../src/actors/protocols.ts';
import { namesOf } from '../../../src/actors/session/names.ts';
import { createTurnPublisher } from '../../../src/actors/session/turn-publisher.ts';
import type { TurnEventBatch } from '../../../src/stores/turn-events.ts';

/** A bus that says whether somebody listens, and a loop that turns when it is told to. */
class Stand {
  listening = false;
  readonly batches: TurnEventBatch[] = [];
  private readonly due: (() => void)[] = [];
  readonly publisher = createTurnPublisher(
    {
      heard: () => this.listening,
      publish: (_topic: unknown, event: unknown) => void this.batches.push(event as TurnEventBatch),
    } as Pick<SigilBus, 'heard' | 'publish'>,
    { soon: (run) => void this.due.push(run) },
  );

  turn(): void {
    for (const run of this.due.splice(0)) run();
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

  it('cost nothing while nobody listens', () => {
    const stand = new Stand();
    stand.publisher.publish(names, 't', 1, 'one');
    stand.turn();
    expect(stand.batches).toEqual([]);
  });
});
