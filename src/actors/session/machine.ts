// SPDX-License-Identifier: Apache-2.0
// A session's state chart: it only sequences. What is durable comes in with the folded state, what to do goes out by `emit`.

import { emit, setup } from 'xstate';
import type { SessionState } from '../../stores/fold.ts';
import { nextStep } from './decide.ts';

/**
 * The chart hears of what is durable and of nothing else: what an effect came to is journaled first. Two of these make a
 * turn without tools, and two more each round of tools.
 */
export type LaneEvent =
  /** What the chart did not ask for is durable (a message, a cancellation, a resumption); `state` is what it leads to. */
  | { readonly type: 'received'; readonly state: SessionState }
  /** What came of the effect it asked for is durable. */
  | { readonly type: 'written'; readonly state: SessionState };

export type LaneEffect =
  | { readonly type: 'call'; readonly state: SessionState }
  | { readonly type: 'reserve'; readonly state: SessionState }
  | { readonly type: 'run_tools'; readonly state: SessionState }
  /** End the turn between two calls. */
  | { readonly type: 'conclude' }
  /** Ask the running call or tools to come to an end. */
  | { readonly type: 'abort' };

const comesNext =
  (step: ReturnType<typeof nextStep>) =>
  ({ event }: { readonly event: LaneEvent }): boolean =>
    nextStep(event.state) === step;

const machineSetup = setup({
  types: {} as { events: LaneEvent; emitted: LaneEffect },
  guards: {
    calls: comesNext('call'),
    reserves: comesNext('reserve'),
    runsTools: comesNext('tools'),
    concludes: comesNext('conclude'),
    /** Where nearly every turn ends, so it is asked first. */
    rests: comesNext('idle'),
    cancelled: ({ event }) => event.state.turn?.cancelled === true,
  },
  actions: {
    call: emit(({ event }) => ({ type: 'call' as const, state: event.state })),
    reserve: emit(({ event }) => ({ type: 'reserve' as const, state: event.state })),
    runTools: emit(({ event }) => ({ type: 'run_tools' as const, state: event.state })),
    conclude: emit({ type: 'conclude' as const }),
    abort: emit({ type: 'abort' as const }),
  },
});

/** Where the lane goes once something is durable and nothing of the turn is under way. */
const onward = [
  { guard: 'calls' as const, target: '#session.turn.calling_model', actions: 'call' as const },
  { guard: 'runsTools' as const, target: '#session.turn.running_tools', actions: 'runTools' as const },
  { guard: 'reserves' as const, target: '#session.turn.reserving', actions: 'reserve' as const },
  { guard: 'concludes' as const, target: '#session.turn.concluding', actions: 'conclude' as const },
];

/**
 * While an effect runs, and until what came of it is durable, what becomes durable beside it changes nothing, unless it
 * cancels the turn.
 */
const whileBusy = {
  received: { guard: 'cancelled' as const, actions: 'abort' as const },
  written: [{ guard: 'rests' as const, target: '#session.idle' }, ...onward, { target: '#session.idle' }],
};

export const sessionMachine = machineSetup.createMachine({
  id: 'session',
  initial: 'idle',
  states: {
    idle: { on: { received: onward } },
    turn: {
      initial: 'reserving',
      states: {
        /** A budget outside the session is asked first. */
        reserving: { on: whileBusy },
        calling_model: { on: whileBusy },
        running_tools: { on: whileBusy },
        /** A cancelled turn is brought to its end. */
        concluding: { on: { written: whileBusy.written } },
      },
    },
  },
});
