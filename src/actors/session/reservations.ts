// SPDX-License-Identifier: Apache-2.0
// The effect of reserving: asks every budget a call could reach, one after the other, and gives back what was granted when one refuses.

import { address } from '../../bus/address.ts';
import type { SessionState } from '../../stores/fold.ts';
import type { SigilBus } from '../protocols.ts';
import type { LaneEffects } from './effects.ts';
import type { LanePolicy } from './policy.ts';

/** How long a budget may take to answer, in milliseconds. */
const WITHIN = 10_000;

interface Granted {
  readonly scope: string;
  readonly reservation: string;
}

export function createReservations(
  bus: Pick<SigilBus, 'ask' | 'send'>,
  policy: () => LanePolicy,
): Pick<LaneEffects, 'reserve' | 'settle'> {
  /** What is granted to running turns, by turn. */
  const granted = new Map<string, Granted[]>();

  const settle = (state: SessionState, tokens: number, cost_usd: number): void => {
    const { turn, facts } = state;
    if (turn === null || facts === null) return;
    const reserved = granted.get(turn.turn_id);
    if (reserved === undefined) return;
    const from = address('session', facts.session_id);
    for (const { scope, reservation } of reserved) {
      bus.send(
        address('budget', scope),
        'budget.settle',
        { reservation, tokens, cost_usd },
        { from, trace: turn.turn_id },
      );
    }
    granted.delete(turn.turn_id);
  };

  return {
    settle,
    reserve: (state, done) => {
      const { turn, facts } = state;
      if (turn === null || facts === null) throw new Error('only a turn that runs can reserve');
      const from = address('session', facts.session_id);
      const most = policy().estimate(state);
      const scopes = [...policy().budgets(turn.model, facts.workspace_id)];
      let aborted = false;
      granted.set(turn.turn_id, []);
      const next = (): void => {
        const scope = scopes.shift();
        if (scope === undefined) return done(null);
        const body = { turn_id: turn.turn_id, call: turn.calls + 1, tokens: most.tokens, cost_usd: most.cost_usd };
        bus.ask(
          address('budget', scope),
          'budget.reserve',
          body,
          { from, within: WITHIN, trace: turn.turn_id },
          (answer) => {
            if (answer.ok) granted.get(turn.turn_id)?.push({ scope, reservation: answer.body.reservation });
            if (aborted) return settle(state, 0, 0);
            if (answer.ok) return next();
            settle(state, 0, 0);
            done(answer.error);
          },
        );
      };
      next();
      return () => {
        aborted = true;
      };
    },
  };
}
