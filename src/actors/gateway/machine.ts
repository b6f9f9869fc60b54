// SPDX-License-Identifier: Apache-2.0
// The root's chart: starting, running, draining; and what is quarantined or was restarted on the way.

import { assign, emit, setup } from 'xstate';
import type { Answering, EventsOf } from '../machine-actor.ts';
import type { GatewayState, LifeProtocol, Quarantined, StatusChange } from './protocol.ts';

export type GatewayEvent = EventsOf<LifeProtocol> | { readonly type: 'drained' };

export type GatewayEffect =
  | Answering
  /** Say so to whoever follows how the gateway is. */
  | { readonly type: 'tell'; readonly change: StatusChange }
  /** Refuse new work everywhere and wait for what runs; comes back as `drained`. */
  | { readonly type: 'drain'; readonly reason: string };

export interface GatewayInput {
  readonly quarantined: readonly Quarantined[];
  readonly started_at: string;
  readonly now: () => string;
}

interface Restarts {
  readonly thread: string;
  readonly count: number;
  readonly last_at: string;
  readonly reason: string;
}

interface GatewayContext extends GatewayInput {
  readonly restarts: Readonly<Record<string, Restarts>>;
}

/** Quarantined parts that are remembered; the oldest go first. */
const QUARANTINED_MOST = 1_000;

const machineSetup = setup({
  types: {} as { context: GatewayContext; events: GatewayEvent; emitted: GatewayEffect; input: GatewayInput },
  actions: {
    quarantine: assign({
      quarantined: ({ context, event }) =>
        event.type === 'gateway.quarantine'
          ? [...context.quarantined.filter((part) => part.what !== event.body.what), event.body].slice(
              -QUARANTINED_MOST,
            )
          : context.quarantined,
    }),
    release: assign({
      quarantined: ({ context, event }) =>
        event.type === 'gateway.released'
          ? context.quarantined.filter((part) => part.what !== event.body.what)
          : context.quarantined,
    }),
    noteRestart: assign({
      restarts: ({ context, event }) => {
        if (event.type !== 'gateway.thread_restarted') return context.restarts;
        const { thread, reason } = event.body;
        const count = (context.restarts[thread]?.count ?? 0) + 1;
        return { ...context.restarts, [thread]: { thread, count, last_at: context.now(), reason } };
      },
    }),
    tell: emit(({ event }): GatewayEffect => {
      if (event.type === 'gateway.quarantine')
        return { type: 'tell', change: { type: 'quarantined', data: event.body } };
      if (event.type === 'gateway.released') return { type: 'tell', change: { type: 'released', data: event.body } };
      throw new Error('only what is left out, or no longer is, is told of');
    }),
    drain: emit(({ event }): GatewayEffect => {
      if (event.type !== 'gateway.drain') throw new Error('only a request can start a drain');
      return { type: 'drain', reason: event.body.reason };
    }),
    answerDrain: emit(({ event }): GatewayEffect => {
      if (event.type !== 'gateway.drain') throw new Error('only a request for a drain can be answered with it');
      return { type: 'reply', to: event.envelope, body: { state: 'draining' } };
    }),
    status: emit(({ context, event }, { state }: { readonly state: GatewayState }): GatewayEffect => {
      if (event.type !== 'gateway.status') throw new Error('only a question for the status can be answered with it');
      const { quarantined, restarts, started_at } = context;
      return {
        type: 'reply',
        to: event.envelope,
        body: { state, started_at, quarantined, restarts: Object.values(restarts) },
      };
    }),
  },
});

const status = (state: GatewayState) => ({ actions: { type: 'status' as const, params: { state } } });

export const gatewayMachine = machineSetup.createMachine({
  id: 'gateway',
  initial: 'starting',
  context: ({ input }) => ({ ...input, restarts: {} }),
  on: {
    'gateway.quarantine': { actions: ['quarantine', 'tell'] },
    'gateway.released': { actions: ['release', 'tell'] },
    'gateway.thread_restarted': { actions: 'noteRestart' },
  },
  states: {
    starting: {
      on: {
        'gateway.started': 'running',
        'gateway.drain': { target: 'draining', actions: ['answerDrain', 'drain'] },
        'gateway.status': status('starting'),
      },
    },
    running: {
      on: {
        'gateway.drain': { target: 'draining', actions: ['answerDrain', 'drain'] },
        'gateway.status': status('running'),
      },
    },
    draining: {
      on: { drained: 'stopped', 'gateway.drain': { actions: 'answerDrain' }, 'gateway.status': status('draining') },
    },
    stopped: { on: { 'gateway.drain': { actions: 'answerDrain' }, 'gateway.status': status('stopped') } },
  },
});
