// SPDX-License-Identifier: Apache-2.0
// A budget's chart: it learns what the running hour and day have used, then reserves and settles. Nothing is granted before it knows.

import { assign, emit, enqueueActions, setup } from 'xstate';
import type { Envelope } from '../../bus/envelope.ts';
import { failure } from '../../errors.ts';
import type { Answering, EventsOf } from '../machine-actor.ts';
import { type BudgetLimits, type Ledger, openLedger, reserve, roll, settle } from './ledger.ts';
import type { BudgetProtocol, BudgetSpan, BudgetStatus } from './protocol.ts';

export type BudgetEvent =
  | EventsOf<BudgetProtocol>
  | { readonly type: 'loaded'; readonly hour: BudgetSpan; readonly day: BudgetSpan };

export type BudgetEffect =
  | Answering
  /** Read what the scope used; comes back as `loaded`. */
  | { readonly type: 'load' }
  /** Answer with this, its use read anew: calls that had nothing to reserve are only in the record. */
  | { readonly type: 'report'; readonly to: Envelope; readonly status: BudgetStatus };

export interface BudgetInput {
  /** `global` or a workspace id. */
  readonly scope: string;
  readonly limits: BudgetLimits;
  readonly now: () => number;
  readonly iso: (at: number) => string;
}

interface BudgetContext extends BudgetInput {
  readonly ledger: Ledger;
  readonly open: Readonly<Record<string, BudgetSpan>>;
  readonly reservations: number;
  /** Asked before the past was known. */
  readonly early: readonly (BudgetEvent & { type: 'budget.reserve' })[];
}

/** Reservations that may wait until the past is known. */
const EARLY_MOST = 10_000;

const machineSetup = setup({
  types: {} as { context: BudgetContext; events: BudgetEvent; emitted: BudgetEffect; input: BudgetInput },
  actions: {
    load: emit({ type: 'load' as const }),
    hold: assign({
      early: ({ context, event }) => (event.type === 'budget.reserve' ? [...context.early, event] : context.early),
    }),
    begin: assign(({ context, event }) =>
      event.type === 'loaded' ? { ledger: openLedger(context.now(), { hour: event.hour, day: event.day }) } : {},
    ),
    grantEarly: enqueueActions(({ context, enqueue }) => {
      for (const event of context.early) enqueue.raise(event);
      enqueue.assign({ early: [] });
    }),
    grant: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'budget.reserve') return;
      const { turn_id, call, tokens, cost_usd } = event.body;
      const most = { tokens, cost_usd };
      const next = reserve(roll(context.ledger, context.now()), context.limits, most, context.scope, context.iso);
      if ('code' in next) {
        enqueue.emit({ type: 'fail' as const, to: event.envelope, error: next });
        return;
      }
      const reservation = `${turn_id}:${call}:${context.reservations + 1}`;
      enqueue.assign({
        ledger: next,
        open: { ...context.open, [reservation]: most },
        reservations: context.reservations + 1,
      });
      enqueue.emit({ type: 'reply' as const, to: event.envelope, body: { reservation } });
    }),
    settle: assign(({ context, event }) => {
      if (event.type !== 'budget.settle') return {};
      const { [event.body.reservation]: reserved, ...open } = context.open;
      if (reserved === undefined) return {};
      return { open, ledger: settle(roll(context.ledger, context.now()), reserved, event.body) };
    }),
    refuse: emit(({ event }) => ({
      type: 'fail' as const,
      to: (event as { envelope: Envelope }).envelope,
      error: failure('overloaded', 'Too many calls wait for the budget to open.'),
    })),
    status: emit(({ context, event }, { state }: { readonly state: string }) => {
      const { scope, limits, ledger } = context;
      const used = { hour: ledger.hour, day: ledger.day };
      const to = (event as { envelope: Envelope }).envelope;
      return { type: 'report' as const, to, status: { scope, state, limits, used, reserved: ledger.reserved } };
    }),
  },
});

export const budgetMachine = machineSetup.createMachine({
  id: 'budget',
  initial: 'loading',
  context: ({ input }) => ({
    ...input,
    ledger: openLedger(input.now(), { hour: { tokens: 0, cost_usd: 0 }, day: { tokens: 0, cost_usd: 0 } }),
    open: {},
    reservations: 0,
    early: [],
  }),
  on: { 'budget.settle': { actions: 'settle' } },
  states: {
    loading: {
      entry: 'load',
      on: {
        loaded: { target: 'open', actions: 'begin' },
        'budget.reserve': [
          { guard: ({ context }) => context.early.length < EARLY_MOST, actions: 'hold' },
          { actions: 'refuse' },
        ],
        'budget.status': { actions: { type: 'status', params: { state: 'loading' } } },
      },
    },
    open: {
      entry: 'grantEarly',
      on: {
        'budget.reserve': { actions: 'grant' },
        'budget.status': { actions: { type: 'status', params: { state: 'open' } } },
      },
    },
  },
});
