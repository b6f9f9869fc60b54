// SPDX-License-Identifier: Apache-2.0
// What whoever follows a session's turns is told: deltas as they come, events once they are durable, and which turn is over.

import type { SessionRecord } from '../../stores/records.ts';
import { placeOf, type SessionFacts, type SessionState } from '../../stores/session-state.ts';
import type { ShortEvent } from '../../stores/turn-events.ts';
import type { LaneEffects } from './effects.ts';
import { Few } from './few.ts';
import { LedTurns } from './led-turns.ts';
import { LiveTurn } from './live-turn.ts';
import type { SessionNames } from './names.ts';
import type { Watched } from './protocol.ts';

/** Whose turns they are. */
export interface NewsOwner {
  readonly names: SessionNames;
  readonly effects: Pick<LaneEffects, 'publish' | 'published' | 'led'>;
}

export class TurnNews {
  private readonly owner: NewsOwner;
  /** Those that run. */
  private readonly live = new Few<LiveTurn>();
  private readonly led: LedTurns;

  /** @param state the session as its log says it is: of a turn that runs already, what comes from here on is told */
  constructor(owner: NewsOwner, { turn, facts }: SessionState) {
    this.owner = owner;
    this.led = new LedTurns(turn);
    if (turn !== null && facts !== null)
      this.live.set(turn.turn_id, new LiveTurn(turn.turn_id, placeOf(facts), turn.cursor));
  }

  /** The turn that answers what waited for this one. */
  answering(turn_id: string): string {
    return this.led.answering(turn_id);
  }

  /** The events of a turn that memory holds above this number, and the number memory begins with. */
  since(turn_id: string, from: number): Pick<Watched, 'events' | 'first'> {
    const live = this.live.get(turn_id);
    return live === undefined ? { events: [], first: 1 } : { events: live.since(from), first: live.first };
  }

  /** A delta, before its record exists. */
  show(turn_id: string, event: ShortEvent): void {
    const live = this.live.get(turn_id);
    if (live !== undefined) this.owner.effects.publish(this.owner.names, turn_id, live.show(event), event);
  }

  /** A record became durable. @param facts of the session as it is with all that became durable with it; null when it is gone */
  note(record: SessionRecord, facts: SessionFacts | null): void {
    const { names, effects } = this.owner;
    if (this.led.note(record)) effects.led(names, record.waited_as, record.turn_id);
    if (!('turn_id' in record) || facts === null) return;
    let live = this.live.get(record.turn_id);
    if (live === undefined && record.type === 'turn_started') {
      live = new LiveTurn(record.turn_id, placeOf(facts), { n: 0, text: '' });
      this.live.set(record.turn_id, live);
    }
    for (const { turn_id, n, event } of live?.recorded(record) ?? []) effects.publish(names, turn_id, n, event);
  }

  /** A turn is over, durably, as of this seq: for whoever waited for it, and for those whose own was led to it. */
  over(turn_id: string, seq: number): void {
    const { names, effects } = this.owner;
    this.live.delete(turn_id);
    effects.published(names, turn_id, seq);
    for (const led of this.led.over(turn_id)) effects.published(names, led, seq);
  }
}
