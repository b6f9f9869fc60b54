// SPDX-License-Identifier: Apache-2.0
// The effect of reserving: asks every budget a call could reach, one after the other, and gives back what was granted when one refuses.

import { type Address, address } from '../../bus/address.ts';
import { reservationOf } from '../budget/protocol.ts';
import type { SigilBus } from '../protocols.ts';
import type { LaneEffects, Settled } from './effects.ts';
import type { LanePolicy, Reservation } from './policy.ts';

/** How long a budget may take to answer, in milliseconds. */
const WITHIN = 10_000;

const NOT_MADE: Settled = { tokens: 0, cost_usd: 0, seq: 0 };

/** What is reserved for the call a turn is about to make, or makes. */
interface Granted {
  readonly from: Address<'session'>;
  readonly call: number;
  readonly most: Reservation;
  readonly scopes: string[];
}

/** The effects, and what a budget that begins anew must be told. */
export interface Reservations extends Pick<LaneEffects, 'reserve' | 'settle' | 'settleInterrupted'> {
  /** Tells the budgets that live where `there` says what their last life had granted. */
  announce(there: (budget: Address) => boolean): void;
}

/** @param policy what a turn goes by */
export function createReservations(
  bus: Pick<SigilBus, 'ask' | 'send'>,
  policy: (turn_id: string) => LanePolicy,
): Reservations {
  /** What is granted to running turns, by turn. */
  const granted = new Map<string, Granted>();

  const tell = (scope: string, from: Address<'session'>, turn_id: string, call: number, used: Settled): void => {
    const body = { reservation: reservationOf(turn_id, call), ...used };
    bus.send(address('budget', scope), 'budget.settle', body, { from, trace: turn_id });
  };

  const settle = (turn_id: string, used: Settled): void => {
    const reserved = granted.get(turn_id);
    if (reserved === undefined) return;
    const { from, call, scopes } = reserved;
    for (const scope of scopes) tell(scope, from, turn_id, call, used);
    granted.delete(turn_id);
  };

  return {
    settle,
    settleInterrupted: ({ turn, facts }, used) => {
      if (turn === null || facts === null) return;
      const { turn_id, calls, open_call } = turn;
      const from = address('session', facts.session_id);
      granted.delete(turn_id);
      for (const scope of policy(turn_id).budgets(turn.model, facts.workspace_id)) {
        if (open_call !== null) tell(scope, from, turn_id, open_call.call, used);
        // Granted for the next call, and interrupted before that was journaled.
        tell(scope, from, turn_id, calls + 1, NOT_MADE);
      }
    },
    reserve: (state, most, done) => {
      const { turn, facts } = state;
      if (turn === null || facts === null) throw new Error('only a turn that runs can reserve');
      const { turn_id } = turn;
      const from = address('session', facts.session_id);
      const call = turn.calls + 1;
      const left = [...policy(turn_id).budgets(turn.model, facts.workspace_id)];
      const mine: Granted = { from, call, most, scopes: [] };
      let aborted = false;
      granted.set(turn_id, mine);
      const next = (): void => {
        const scope = left[0];
        if (scope === undefined) return done(null);
        const body = { turn_id, call, tokens: most.tokens, cost_usd: most.cost_usd };
        const options = { from, within: WITHIN, trace: turn_id };
        bus.ask(address('budget', scope), 'budget.reserve', body, options, (answer) => {
          if (aborted) return;
          // Its thread is replaced, and knows nothing of it: the same again finds the next life.
          if (!answer.ok && answer.error.code === 'thread_lost' && answer.error.retryable) return next();
          if (answer.ok) mine.scopes.push(scope);
          // Nobody knows whether it was granted meanwhile.
          else if (answer.error.in_doubt === true) tell(scope, from, turn_id, call, NOT_MADE);
          left.shift();
          if (answer.ok) return next();
          settle(turn_id, NOT_MADE);
          done(answer.error);
        });
      };
      next();
      return () => {
        if (aborted) return;
        aborted = true;
        // Also what is being asked for: it is granted first and settled then.
        for (const scope of [...mine.scopes, ...left.slice(0, 1)]) tell(scope, from, turn_id, call, NOT_MADE);
        if (granted.get(turn_id) === mine) granted.delete(turn_id);
      };
    },
    announce: (there) => {
      for (const [turn_id, { from, call, most, scopes }] of granted) {
        const body = { turn_id, call, tokens: most.tokens, cost_usd: most.cost_usd };
        for (const scope of scopes) {
          const budget = address('budget', scope);
          if (there(budget)) bus.send(budget, 'budget.hold', body, { from, trace: turn_id });
        }
      }
    },
  };
}
