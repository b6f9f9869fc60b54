// SPDX-License-Identifier: Apache-2.0
// What a message's turn needs of the budgets for its first call, asked for before the message is journaled: both become durable in one step.

import type { SessionState } from '../../stores/session-state.ts';
import type { World } from '../../world.ts';
import type { LaneEffects } from './effects.ts';
import { nextStep } from './next-step.ts';
import type { LanePolicy, Reservation } from './policy.ts';

/** What was granted, and for which model. */
export interface ReservedCall extends Reservation {
  readonly model: string;
}

/** How long a message waits for the budgets before it is journaled without their answer, in milliseconds. */
const WAITS_MS = 250;

export class FirstCall {
  private readonly before: SessionState;
  private granted: ReservedCall | null = null;
  private over = false;
  private stopTimer = (): void => undefined;
  private abort = (): void => undefined;

  /** @param before the session as it was when the message was looked at */
  constructor(before: SessionState) {
    this.before = before;
  }

  /** Whether the turn of a message, once that is taken in, begins at once and has to reserve. */
  static isFor({ turn }: SessionState, state: SessionState, turn_id: string): boolean {
    return turn === null && state.turn?.turn_id === turn_id && nextStep(state) === 'reserve';
  }

  /**
   * @param state the session as it will be
   * @param done called once, unless it is stopped: whatever the budgets say, for a refusal is asked for again in the turn
   */
  reserve(
    state: SessionState,
    { world, policy, effects }: { readonly world: World; readonly policy: LanePolicy; readonly effects: LaneEffects },
    done: () => void,
  ): void {
    const most = policy.estimate(state);
    const model = state.turn?.model ?? '';
    const end = (): void => {
      this.over = true;
      this.stopTimer();
      done();
    };
    this.abort = effects.reserve(state, most, (refused) => {
      if (this.over) return;
      if (refused === null) this.granted = { ...most, model };
      end();
    });
    if (this.over) return;
    this.stopTimer = world.after(WAITS_MS, () => {
      this.abort();
      end();
    });
  }

  /** What was granted, if the session is still as it was; else it is given back. */
  take(now: SessionState): ReservedCall | null {
    if (now === this.before) return this.granted;
    this.stop();
    return null;
  }

  /** Gives back what was granted, and asks for no more. */
  stop(): void {
    this.stopTimer();
    if (!this.over || this.granted !== null) this.abort();
    this.over = true;
    this.granted = null;
  }
}
