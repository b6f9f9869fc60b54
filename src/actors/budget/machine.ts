// SPDX-License-Identifier: Apache-2.0
// A budget's chart: it learns what the running hour and day have used, then reserves and settles. Nothing is granted before it knows.

import { assign, emit, enqueueActions, setup } from 'xstate';
import type { Envelope } from '../../bus/envelope.ts';
import { failure } from '../../errors.ts';
import type { UsageWindow } from '../../stores/session-store.ts';
import type { Answering, EventsOf } from '../machine-actor.ts';
import {
  type BudgetLimits,
  hold,
  type Ledger,
  nearing,
  openLedger,
  reserve,
  roll,
  type Spent,
  settle,
} from './ledger.ts';
import { type BudgetProtocol, type BudgetSpan, type BudgetStatus, reservationOf } from './protocol.ts';

export type BudgetEvent =
  | EventsOf<BudgetProtocol>
  /** What is used and what is open, as the record has it up to a row. */
  | ({ readonly type: 'loaded' } & UsageWindow)
  /** Other limits hold from now on; what is used and reserved stays. */
  | { readonly type: 'limits'; readonly limits: BudgetLimits };

export type BudgetEffect =
  | Answering
  /** Read what the scope used; comes back as `loaded`, and again now and then. */
  | { readonly type: 'load' }
  /** A limit has come near. */
  | { readonly type: 'near'; readonly spent: Spent }
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
  /** When it was granted, epoch milliseconds. */
  readonly at: number;
}

type Settled = BudgetProtocol['budget.settle']['body'];

interface BudgetContext extends BudgetInput {
  readonly ledger: Ledger;
  /** By name. Changed in place: a copy for each call would cost with the number of calls that run. */
  readonly open: Map<string, Reservation>;
  /** The row up to which the ledger holds the record. */
  readonly upto: number;
  /** Settled by rows the ledger has not read from the record. */
  readonly settled: Settled[];
  /** Asked before the past was known. */
  readonly early: readonly (BudgetEvent & { type: 'budget.reserve' })[];
}

/** Reservations that may wait until the past is known. */
const EARLY_MOST = 10_000;

/** Settlements kept until the record is read again. */
const SETTLED_MOST = 10_000;
/**
 * How long a reservation may stand that the record knows nothing of, in milliseconds: between its grant and the row that
 * makes the call. One that is older was given back, and the message lost.
 */
const UNRECORDED = 30_000;

const NOTHING: BudgetSpan = { tokens: 0, cost_usd: 0 };

const named = ({ body }: { readonly body: { readonly turn_id: string; readonly call: number } }): string =>
  reservationOf(body.turn_id, body.call);

const machineSetup = setup({
  types: {} as { context: BudgetContext; events: BudgetEvent; emitted: BudgetEffect; input: BudgetInput },
  actions: {
    load: emit({ type: 'load' as const }),
    limit: assign(({ event }) => (event.type === 'limits' ? { limits: event.limits } : {})),
    hold: assign({
      early: ({ context, event }) => (event.type === 'budget.reserve' ? [...context.early, event] : context.early),
    }),
    /** The record is the truth; what it does not hold yet is put on top. */
    read: assign(({ context, event }) => {
      if (event.type !== 'loaded') return {};
      const now = context.now();
      const settled = context.settled.filter(({ seq }) => seq > event.upto);
      const open = new Map<string, Reservation>();
      for (const [name, reservation] of context.open)
        if (reservation.at > now - UNRECORDED) open.set(name, reservation);
      for (const { turn_id, call, tokens, cost_usd } of event.open)
        open.set(reservationOf(turn_id, call), { most: { tokens, cost_usd }, at: now });
      for (const { reservation } of settled) open.delete(reservation);
      let ledger = openLedger(now, event);
      for (const { most } of open.values()) ledger = hold(ledger, most);
      for (const { tokens, cost_usd } of settled) ledger = settle(ledger, NOTHING, { tokens, cost_usd });
      return { ledger, open, settled, upto: event.upto };
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
      if (context.open.has(reservation)) {
        enqueue.emit({ type: 'reply' as const, to: event.envelope, body: { reservation } });
        return;
      }
      const next = reserve(roll(context.ledger, context.now()), context.limits, most, context.scope, context.iso);
      if ('code' in next) {
        enqueue.emit({ type: 'fail' as const, to: event.envelope, error: next });
        return;
      }
      context.open.set(reservation, { most, at: context.now() });
      enqueue.assign({ ledger: next });
      enqueue.emit({ type: 'reply' as const, to: event.envelope, body: { reservation } });
    }),
    keep: assign(({ context, event }) => {
      if (event.type !== 'budget.hold') return {};
      const reservation = named(event);
      if (context.open.has(reservation)) return {};
      const { tokens, cost_usd } = event.body;
      const most = { tokens, cost_usd };
      context.open.set(reservation, { most, at: context.now() });
      return { ledger: hold(context.ledger, most) };
    }),
    settle: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'budget.settle') return;
      const { body } = event;
      const reserved = context.open.get(body.reservation);
      context.open.delete(body.reservation);
      const used = body.seq > context.upto ? body : NOTHING;
      // In place: a copy for each would cost with their number.
      if (body.seq > context.upto) context.settled.push(body);
      if (context.settled.length > SETTLED_MOST) context.settled.splice(0, SETTLED_MOST / 2);
      const before = roll(context.ledger, context.now());
      const ledger = settle(before, reserved?.most ?? NOTHING, used);
      enqueue.assign({
        ledger,
        ...(context.early.length > 0 && {
          early: context.early.filter((waiting) => named(waiting) !== body.reservation),
        }),
      });
      for (const spent of nearing(before, ledger, context.limits)) enqueue.emit({ type: 'near' as const, spent });
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
    open: new Map(),
    upto: 0,
    settled: [],
    early: [],
  }),
  on: {
    'budget.settle': { actions: 'settle' },
    'budget.hold': { actions: 'keep' },
    // Calls that had nothing to reserve under the old ones are only in the record.
    limits: { actions: ['limit', 'load'] },
  },
  states: {
    loading: {
      entry: 'load',
      on: {
        loaded: { target: 'open', actions: 'read' },
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
        loaded: { actions: 'read' },
        'budget.reserve': { actions: 'grant' },
        'budget.status': { actions: { type: 'status', params: { state: 'open' } } },
      },
    },
  },
});
