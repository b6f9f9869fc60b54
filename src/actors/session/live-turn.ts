// SPDX-License-Identifier: Apache-2.0
// A turn while it is told: its events so far in memory, numbered exactly as its records will number them.

import type { SessionRecord } from '../../stores/records.ts';
import {
  cursorAfter,
  type EventCursor,
  eventsIn,
  eventsOf,
  type NumberedTurnEvent,
  type ShortEvent,
  type TurnPlace,
} from '../../stores/turn-events.ts';

/** Events in a row; a resumption begins another row further on. */
interface Row {
  readonly turn_id: string;
  readonly first: number;
  readonly events: ShortEvent[];
}

const NOTHING: readonly NumberedTurnEvent[] = [];

export class LiveTurn {
  readonly turn_id: string;
  /** The number this memory begins with; what came before is in the record. */
  readonly first: number;
  private readonly rows: Row[] = [];
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

  /** A delta as it arrives, before its record exists; its number. */
  show(event: ShortEvent): number {
    this.keep(this.told + 1, event);
    return this.told;
  }

  /** A record became durable: the events it adds that were not told yet. */
  recorded(record: SessionRecord): readonly NumberedTurnEvent[] {
    const after = cursorAfter(record, this.cursor);
    // A reply that was streamed has been told already: its events need not be made a second time.
    if (after.n <= this.told) {
      this.cursor = after;
      return NOTHING;
    }
    const { events } = eventsOf(record, this.place, this.cursor);
    this.cursor = after;
    const fresh = events.filter((event) => event.n > this.told);
    for (const { n, event } of fresh) this.keep(n, event);
    return fresh;
  }

  /** What was told above this number. */
  since(from: number): readonly NumberedTurnEvent[] {
    return this.rows.flatMap(eventsIn).filter((event) => event.n > from);
  }

  private keep(n: number, event: ShortEvent): void {
    const row = this.rows.at(-1);
    if (row !== undefined && row.first + row.events.length === n) row.events.push(event);
    else this.rows.push({ turn_id: this.turn_id, first: n, events: [event] });
    this.told = n;
  }
}
