// SPDX-License-Identifier: Apache-2.0
// Reservations of calls that belong to no session: granted by every budget a call could reach, told again to one that begins anew.

import { type Address, address } from '../../bus/address.ts';
import type { Failure } from '../../errors.ts';
import { reservationOf } from '../budget/protocol.ts';
import type { SigilBus } from '../protocols.ts';
import type { Abort, Settled } from './effects.ts';

/** How long a budget may take to answer, in milliseconds. */
const WITHIN = 10_000;
const NOT_MADE: Settled = { tokens: 0, cost_usd: 0, seq: 0 };

/** A call, and the most it may use. */
export interface HeldCall {
  readonly id: string;
  /** Counts the calls under an id from 1. */
  readonly call: number;
  readonly tokens: number;
  readonly cost_usd: number;
}

export interface CallHolds {
  /** Asks one budget after the other; what was granted goes back when one refuses, or when it is aborted. */
  reserve(call: HeldCall, scopes: readonly string[], done: (refused: Failure | null) => void): Abort;
  /** What was reserved is over, and so much was used. */
  settle(call: Pick<HeldCall, 'id' | 'call'>, scopes: readonly string[], used: Settled): void;
  /** Tells the budgets that live where `there` says what their last life had granted. */
  announce(there: (budget: Address) => boolean): void;
}

export function createCallHolds(bus: Pick<SigilBus, 'ask' | 'send'>, from: Address): CallHolds {
  const granted = new Map<string, { readonly held: HeldCall; readonly scopes: string[] }>();

  const settle: CallHolds['settle'] = ({ id, call }, scopes, used) => {
    const reservation = reservationOf(id, call);
    granted.delete(reservation);
    for (const scope of scopes)
      bus.send(address('budget', scope), 'budget.settle', { reservation, ...used }, { from, trace: id });
  };

  return {
    settle,
    reserve: (held, scopes, done) => {
      const { id, call, tokens, cost_usd } = held;
      const mine: string[] = [];
      let over = false;
      granted.set(reservationOf(id, call), { held, scopes: mine });
      const next = (at: number): void => {
        const scope = scopes[at];
        if (scope === undefined) {
          over = true;
          return done(null);
        }
        const body = { turn_id: id, call, tokens, cost_usd };
        bus.ask(address('budget', scope), 'budget.reserve', body, { from, within: WITHIN, trace: id }, (answer) => {
          // Nobody wants it any more: whatever came of it goes back.
          if (over) return settle(held, [scope], NOT_MADE);
          // Its thread is replaced, and knows nothing of it: the same again finds the next life.
          if (!answer.ok && answer.error.code === 'thread_lost' && answer.error.retryable) return next(at);
          if (answer.ok) {
            mine.push(scope);
            return next(at + 1);
          }
          over = true;
          // Nobody knows whether it was granted meanwhile.
          settle(held, answer.error.in_doubt === true ? [...mine, scope] : mine, NOT_MADE);
          done(answer.error);
        });
      };
      next(0);
      return () => {
        if (over) return;
        over = true;
        settle(held, mine, NOT_MADE);
      };
    },
    announce: (there) => {
      for (const { held, scopes } of granted.values()) {
        const { id: turn_id, call, tokens, cost_usd } = held;
        for (const scope of scopes) {
          const budget = address('budget', scope);
          if (there(budget))
            bus.send(budget, 'budget.hold', { turn_id, call, tokens, cost_usd }, { from, trace: turn_id });
        }
      }
    },
  };
}
