// SPDX-License-Identifier: Apache-2.0
// A turn while it is told: its events so far in memory, numbered exactly as its records will number them.

import type { SessionRecord } from '../../stores/records.ts';
import { cursorAfter, type EventCursor, eventsOf, type NumberedTurnEvent, type TurnEvent, type TurnPlace } from '../../stores/turn-events.ts';

const NOTHING: readonly NumberedTurnEvent[] = [];

export class LiveTurn {
  readonly turn_id: string;
  /** The number this memory begins with; what came before is in the record. */
  readonly first: number;
  readonly events: NumberedTurnEvent[] = [];
  private readonly place: TurnPlace;
  /** Where the durable records stand. */
  private cursor: EventCursor;
  /** The newest number told. */
  private told: number;

  constructor(turn_id: string, place: TurnPlace, cursor: EventCursor) {
    this.turn_id = turn_id;
    this.place = place;
    this.cursor = cursor;
    this.told = cursor.n;
    this.first = cursor.n + 1;
  }

  /** A delta as it arrives, before its record exists. */
  show(event: TurnEvent): NumberedTurnEvent {
    this.told += 1;
    const numbered = { turn_id: this.turn_id, n: this.told, event };
    this.events.push(numbered);
    return numbered;
  }

  /** A record became durable: the events it adds that were not told yet. */
  recorded(record: SessionRecord): readonly NumberedTurnEvent[] {
    const after = cursorAfter(record, this.cursor);
    // A reply that was streamed has been told already: its events need not be made a second time.
    if (after.n <= this.told) {
      this.cursor = after;
      return NOTHING;
    }
    const { events, cursor } = eventsOf(record, this.place, this.cursor);
    this.cursor = cursor;
    const fresh = events.filter((event) => event.n > this.told);
    for (const event of fresh) this.events.push(event);
    this.told = Math.max(this.told, cursor.n);
    return fresh;
  }

  /** What was told above this number. */
  since(from: number): readonly NumberedTurnEvent[] {
    return this.events.filter((event) => event.n > from);
  }
}
