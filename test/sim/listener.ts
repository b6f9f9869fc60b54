// SPDX-License-Identifier: Apache-2.0
// A client's reading of one turn's events, over reconnections: numbers without gap or repeat, one end, the text they add up to.

import { isDeepStrictEqual } from 'node:util';
import type { TurnSink } from '../../src/edge/turn-follower.ts';
import type { NumberedTurnEvent } from '../../src/stores/turn-events.ts';
import type { Broke } from './broke.ts';

export class Listener {
  /** The turn it asked for, or the one that answers instead. */
  turn_id: string;
  /** The number of the last event it had. */
  last = 0;
  ended = false;
  readonly events: NumberedTurnEvent[] = [];
  private text = '';
  private readonly broke: Broke;
  private readonly answering: (turn_id: string) => string | undefined;

  constructor(turn_id: string, broke: Broke, answering: (turn_id: string) => string | undefined) {
    this.turn_id = turn_id;
    this.broke = broke;
    this.answering = answering;
  }

  /** One connection's sink. @param open whether the connection still is */
  sink(open: () => boolean, over: (thrown: unknown) => void): TurnSink {
    return {
      live: (events) => {
        if (open()) this.take(events);
      },
      backlog: async (events) => {
        if (open()) this.take(events);
      },
      ended: () => over(undefined),
      failed: (thrown) => over(thrown),
    };
  }

  take(events: readonly NumberedTurnEvent[]): void {
    for (const event of events) this.one(event);
  }

  /** What the record says must be what was heard, number for number; an interrupted attempt may have said more. */
  compare(record: readonly NumberedTurnEvent[]): void {
    const heard = new Map(this.events.map((event) => [event.n, event]));
    for (const event of record) {
      const mine = heard.get(event.n);
      if (mine === undefined) this.broke('events', `${this.turn_id}:${event.n} ${event.event.event} was never heard`);
      else if (!isDeepStrictEqual(mine, event)) {
        this.broke(
          'events',
          `${this.turn_id}:${event.n} was heard as ${JSON.stringify(mine)}, not ${JSON.stringify(event)}`,
        );
      }
    }
  }

  private one(numbered: NumberedTurnEvent): void {
    const { n, event, turn_id } = numbered;
    if (this.events.length === 0) this.turn_id = this.answering(this.turn_id) ?? this.turn_id;
    if (turn_id !== this.turn_id) this.broke('events', `an event of ${turn_id} among those of ${this.turn_id}`);
    if (this.ended) this.broke('events', `${turn_id}:${n} ${event.event} comes after the end`);
    const restarts = event.event === 'turn_restarted';
    if (restarts ? n <= this.last : n !== this.last + 1) {
      this.broke('events', `${turn_id}:${n} ${event.event} comes after ${this.last}`);
    }
    this.last = n;
    this.events.push(numbered);
    switch (event.event) {
      case 'turn_restarted':
        this.text = '';
        break;
      case 'text_delta':
        this.text += event.data.text;
        break;
      case 'done':
        this.ended = true;
        if (event.data.content !== this.text) {
          this.broke('events', `${turn_id} says "${event.data.content}" and its deltas "${this.text}"`);
        }
        break;
      case 'error':
        this.ended = true;
        break;
      default:
        break;
    }
  }
}
