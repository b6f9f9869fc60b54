// SPDX-License-Identifier: Apache-2.0
// A session's state chart: it only sequences. What is durable comes in with the folded state, what to do goes out by `emit`.

import { emit, setup } from 'xstate';
import type { SessionState } from '../../stores/fold.ts';
import { type Happened, nextStep } from './decide.ts';

/** Three of these make a turn without tools: `received` (the message), `happened` (the reply), `written` (its end). */
export type LaneEvent =
  /** What the chart did not ask for is durable (a message, a cancellation, a resumption); `state` is what it leads to. */
  | { readonly type: 'received'; readonly state: SessionState }
  /** What the chart asked to be written is durable. */
  | { readonly type: 'written'; readonly state: SessionState }
  /** An effect of the running turn came to its end. */
  | { readonly type: 'happened'; readonly what: Happened };

export type LaneEffect =
  | { readonly type: 'call'; readonly state: SessionState }
  | { readonly type: 'reserve'; readonly state: SessionState }
  | { readonly type: 'run_tools'; readonly state: SessionState }
  | { readonly type: 'write'; readonly what: Happened }
  /** Ask the running call or tools to come to an end. */
  | { readonly type: 'abort' };

const comesNext =
  (step: ReturnType<typeof nextStep>) =>
  ({ event }: { readonly event: LaneEvent }): boolean =>
    event.type !== 'happened' && nextStep(event.state) === step;

const machineSetup = setup({
  types: {} as { events: LaneEvent; emitted: LaneEffect },
  guards: {
    calls: comesNext('call'),
    reserves: comesNext('reserve'),
    runsTools: comesNext('tools'),
    concludes: comesNext('conclude'),
    /** Where nearly every turn ends, so it is asked first. */
    rests: comesNext('idle'),
    cancelled: ({ event }) => event.type !== 'happened' && event.state.turn?.cancelled === true,
  },
  actions: {
    call: emit(({ event }) => ({ type: 'call' as const, state: stateOf(event) })),
    reserve: emit(({ event }) => ({ type: 'reserve' as const, state: stateOf(event) })),
    runTools: emit(({ event }) => ({ type: 'run_tools' as const, state: stateOf(event) })),
    conclude: emit({ type: 'write' as const, what: { kind: 'concluded' as const } }),
    write: emit(({ event }) => {
      if (event.type !== 'happened') throw new Error('only what happened can be written');
      return { type: 'write' as const, what: event.what };
    }),
    abort: emit({ type: 'abort' as const }),
  },
});

function stateOf(event: LaneEvent): SessionState {
  if (event.type === 'happened') throw new Error('only a durable state can be acted on');
  return event.state;
}

/** Where the lane goes once something is durable and nothing of the turn is under way. */
const onward = [
  { guard: 'calls' as const, target: '#session.turn.calling_model', actions: 'call' as const },
  { guard: 'runsTools' as const, target: '#session.turn.running_tools', actions: 'runTools' as const },
  { guard: 'reserves' as const, target: '#session.turn.reserving', actions: 'reserve' as const },
  { guard: 'concludes' as const, target: '#session.turn.writing', actions: 'conclude' as const },
];

/** While an effect runs, what becomes durable beside it changes nothing, unless it cancels the turn. */
const whileBusy = {
  received: { guard: 'cancelled' as const, actions: 'abort' as const },
  happened: { target: '#session.turn.writing', actions: 'write' as const },
};

export const sessionMachine = machineSetup.createMachine({
  id: 'session',
  initial: 'idle',
  states: {
    idle: { on: { received: onward } },
    turn: {
      initial: 'writing',
      states: {
        /** A budget outside the session is asked first. */
        reserving: { on: whileBusy },
        calling_model: { on: whileBusy },
        running_tools: { on: whileBusy },
        /** Until the chart's own records are durable nothing else moves it: their state holds what came before them. */
        writing: {
          on: {
            written: [{ guard: 'rests' as const, target: '#session.idle' }, ...onward, { target: '#session.idle' }],
          },
        },
      },
    },
  },
});
