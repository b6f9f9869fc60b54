// SPDX-License-Identifier: Apache-2.0
// A budget's chart: it learns what the running hour and day have used, then reserves and settles. Nothing is granted before it knows.

import { assign, emit, enqueueActions, setup } from 'xstate';
import type { Address } from '../../bus/address.ts';
import type { Envelope } from '../../bus/envelope.ts';
import { failure } from '../../errors.ts';
import type { Answering, EventsOf } from '../machine-actor.ts';
import { type BudgetLimits, hold, type Ledger, openLedger, reserve, roll, settle } from './ledger.ts';
import { type BudgetProtocol, type BudgetSpan, type BudgetStatus, reservationOf } from './protocol.ts';

export type BudgetEvent =
  | EventsOf<BudgetProtocol>
  /** What was used, as the record has it up to a row. */
  | { readonly type: 'loaded'; readonly hour: BudgetSpan; readonly day: BudgetSpan; readonly upto: number }
  /** The life of a holder is over. */
  | { readonly type: 'orphaned'; readonly holder: Address };

export type BudgetEffect =
  | Answering
  /** Read what the scope used; comes back as `loaded`. */
  | { readonly type: 'load' }
  /** The same, once whoever was interrupted goes on again. */
  | { readonly type: 'load_later' }
  /** Somebody holds a reservation: say `orphaned` when its life is over. */
  | { readonly type: 'watch'; readonly holder: Address }
  /** Answer with this, its use read anew: calls that had nothing to reserve are only in the record. */
  | { readonly type: 'report'; readonly to: Envelope; readonly status: BudgetStatus };

export interface BudgetInput {
  /** `global` or a workspace id. */
  readonly scope: string;
  readonly limits: BudgetLimits;
  readonly now: () => number;
  readonly iso: (at: number) => string;
}

interface Reservation {
  readonly most: BudgetSpan;
  readonly holder: Address;
  /** Its holder's life is over: it stands until it is settled by the next one, or is found in the record. */
  readonly orphan: boolean;
}

type Settled = BudgetProtocol['budget.settle']['body'];

interface BudgetContext extends BudgetInput {
  readonly ledger: Ledger;
  readonly open: Readonly<Record<string, Reservation>>;
  /** The row up to which the ledger holds the record. */
  readonly upto: number;
  /** Settled before the past was known. */
  readonly settled: readonly Settled[];
  /** Asked before the past was known. */
  readonly early: readonly (BudgetEvent & { type: 'budget.reserve' })[];
}

/** Reservations that may wait until the past is known. */
const EARLY_MOST = 10_000;

const NOTHING: BudgetSpan = { tokens: 0, cost_usd: 0 };

/** What a settlement adds to a ledger that holds the record up to a row. */
const usedIn = ({ tokens, cost_usd, seq }: Settled, upto: number): BudgetSpan =>
  seq > upto ? { tokens, cost_usd } : NOTHING;

const named = ({ body }: { readonly body: { readonly turn_id: string; readonly call: number } }): string =>
  reservationOf(body.turn_id, body.call);

const machineSetup = setup({
  types: {} as { context: BudgetContext; events: BudgetEvent; emitted: BudgetEffect; input: BudgetInput },
  actions: {
    load: emit({ type: 'load' as const }),
    hold: assign({
      early: ({ context, event }) => (event.type === 'budget.reserve' ? [...context.early, event] : context.early),
    }),
    begin: assign(({ context, event }) => {
      if (event.type !== 'loaded') return {};
      let ledger = openLedger(context.now(), { hour: event.hour, day: event.day });
      for (const { most } of Object.values(context.open)) ledger = hold(ledger, most);
      for (const body of context.settled) ledger = settle(ledger, NOTHING, usedIn(body, event.upto));
      return { ledger, upto: event.upto, settled: [] };
    }),
    /** Calls whose turns went on are settled by now; the others ended in the breath in which their thread was lost. */
    beginAgain: assign(({ context, event }) => {
      if (event.type !== 'loaded') return {};
      let ledger = openLedger(context.now(), { hour: event.hour, day: event.day });
      const open = Object.fromEntries(Object.entries(context.open).filter(([, { orphan }]) => !orphan));
      for (const { most } of Object.values(open)) ledger = hold(ledger, most);
      return { ledger, open, upto: event.upto };
    }),
    orphan: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'orphaned') return;
      const mine = Object.entries(context.open).filter(([, { holder }]) => holder === event.holder);
      if (mine.length === 0) return;
      const orphans = mine.map(([name, reservation]) => [name, { ...reservation, orphan: true }] as const);
      enqueue.assign({ open: { ...context.open, ...Object.fromEntries(orphans) } });
      enqueue.emit({ type: 'load_later' as const });
    }),
    grantEarly: enqueueActions(({ context, enqueue }) => {
      for (const event of context.early) enqueue.raise(event);
      enqueue.assign({ early: [] });
    }),
    grant: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'budget.reserve') return;
      const { tokens, cost_usd } = event.body;
      const most = { tokens, cost_usd };
      const reservation = named(event);
      const holder = event.envelope.from;
      const known = context.open[reservation];
      if (known !== undefined) {
        enqueue.assign({ open: { ...context.open, [reservation]: { ...known, holder, orphan: false } } });
        enqueue.emit({ type: 'watch' as const, holder });
        enqueue.emit({ type: 'reply' as const, to: event.envelope, body: { reservation } });
        return;
      }
      const next = reserve(roll(context.ledger, context.now()), context.limits, most, context.scope, context.iso);
      if ('code' in next) {
        enqueue.emit({ type: 'fail' as const, to: event.envelope, error: next });
        return;
      }
      enqueue.assign({ ledger: next, open: { ...context.open, [reservation]: { most, holder, orphan: false } } });
      enqueue.emit({ type: 'watch' as const, holder });
      enqueue.emit({ type: 'reply' as const, to: event.envelope, body: { reservation } });
    }),
    keep: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'budget.hold') return;
      const reservation = named(event);
      if (context.open[reservation] !== undefined) return;
      const { tokens, cost_usd } = event.body;
      const most = { tokens, cost_usd };
      const holder = event.envelope.from;
      enqueue.assign({
        ledger: hold(context.ledger, most),
        open: { ...context.open, [reservation]: { most, holder, orphan: false } },
      });
      enqueue.emit({ type: 'watch' as const, holder });
    }),
    settle: assign(({ context, event }) => {
      if (event.type !== 'budget.settle') return {};
      const { [event.body.reservation]: reserved, ...open } = context.open;
      const used = usedIn(event.body, context.upto);
      const ledger = settle(roll(context.ledger, context.now()), reserved?.most ?? NOTHING, used);
      return { open, ledger };
    }),
    settleEarly: assign(({ context, event }) => {
      if (event.type !== 'budget.settle') return {};
      const { reservation } = event.body;
      const { [reservation]: _, ...open } = context.open;
      const early = context.early.filter((waiting) => named(waiting) !== reservation);
      return { open, early, settled: [...context.settled, event.body].slice(-EARLY_MOST) };
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
    upto: 0,
    settled: [],
    early: [],
  }),
  on: {
    'budget.settle': { actions: 'settle' },
    'budget.hold': { actions: 'keep' },
    orphaned: { actions: 'orphan' },
  },
  states: {
    loading: {
      entry: 'load',
      on: {
        loaded: { target: 'open', actions: 'begin' },
        'budget.settle': { actions: 'settleEarly' },
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
        loaded: { actions: 'beginAgain' },
        'budget.reserve': { actions: 'grant' },
        'budget.status': { actions: { type: 'status', params: { state: 'open' } } },
      },
    },
  },
});
