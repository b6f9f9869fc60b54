// SPDX-License-Identifier: Apache-2.0
// Turns that never start, because another answers their message: whoever waits for one is led to the other.

import type { SessionRecord } from '../../stores/records.ts';
import type { TurnState } from '../../stores/session-state.ts';

/** Knows of those whose answering turn is not over; of the others the record knows. */
export class LedTurns {
  /** The turn that answers, by the one that was waited for. Null: there is none, as nearly always. */
  private to: Map<string, string> | null = null;

  /** @param turn the turn a session's log says is running */
  constructor(turn: TurnState | null) {
    if (turn === null) return;
    for (const { turn_id } of turn.collected) this.set(turn_id, turn.turn_id);
    for (const { turn_id } of turn.steered) this.set(turn_id, turn.turn_id);
  }

  /** The turn that answers what waited for this one. */
  answering(turn_id: string): string {
    return this.to?.get(turn_id) ?? turn_id;
  }

  /** A record is durable; whether it led a turn to another. */
  note(record: SessionRecord): record is Extract<SessionRecord, { waited_as: string }> {
    if (record.type !== 'message_collected' && record.type !== 'message_steered') return false;
    this.set(record.waited_as, record.turn_id);
    return true;
  }

  /** A turn is over: those that were led to it, who are told so as well. */
  over(turn_id: string): readonly string[] {
    if (this.to === null) return NONE;
    const led = [...this.to].flatMap(([waited_as, to]) => (to === turn_id ? [waited_as] : []));
    for (const waited_as of led) this.to.delete(waited_as);
    if (this.to.size === 0) this.to = null;
    return led;
  }

  private set(waited_as: string, turn_id: string): void {
    this.to ??= new Map();
    this.to.set(waited_as, turn_id);
  }
}

const NONE: readonly string[] = [];
