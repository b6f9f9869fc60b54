// SPDX-License-Identifier: Apache-2.0
// A session's state chart: it only sequences. What is durable comes in with the folded state, what to do goes out by `emit`.

import { emit, setup } from 'xstate';
import type { SessionState } from '../../stores/session-state.ts';
import { type NextStep, nextStep } from './next-step.ts';

/**
 * The chart hears of what is durable and of nothing else: what an effect came to is journaled first. Two of these make a
 * turn without tools, and two more each round of tools. It is told what the durable state asks for next, not the state:
 * so what it does depends on so little that every step it can take is known after its first time (`chart.ts`).
 */
export interface LaneEvent {
  /**
   * `received`: what the chart did not ask for is durable (a message, a cancellation, a resumption); `written`: what came
   * of the effect it asked for is.
   */
  readonly type: 'received' | 'written';
  readonly next: NextStep;
  /** The turn that runs is to end. */
  readonly cancelled: boolean;
}

export type LaneEffect =
  | { readonly type: 'call' }
  | { readonly type: 'reserve' }
  | { readonly type: 'run_tools' }
  /** End the turn between two calls. */
  | { readonly type: 'conclude' }
  /** Ask the running call or tools to come to an end. */
  | { readonly type: 'abort' };

type ByStep = { readonly [step in NextStep]: LaneEvent };

const events = (type: LaneEvent['type'], cancelled: boolean): ByStep => {
  const of = (next: NextStep): LaneEvent => Object.freeze({ type, next, cancelled });
  return {
    idle: of('idle'),
    start: of('start'),
    reserve: of('reserve'),
    call: of('call'),
    tools: of('tools'),
    approval: of('approval'),
    conclude: of('conclude'),
  };
};
/** Every event there is, each made once. */
const EVENTS = {
  received: { goesOn: events('received', false), cancelled: events('received', true) },
  written: { goesOn: events('written', false), cancelled: events('written', true) },
} as const;

/** What the chart is told of a state that has become durable. */
export function eventOf(type: LaneEvent['type'], state: SessionState): LaneEvent {
  const of = EVENTS[type];
  return (state.turn?.cancelled === true ? of.cancelled : of.goesOn)[nextStep(state)];
}

const comesNext =
  (step: NextStep) =>
  ({ event }: { readonly event: LaneEvent }): boolean =>
    event.next === step;

const machineSetup = setup({
  types: {} as { events: LaneEvent; emitted: LaneEffect },
  guards: {
    calls: comesNext('call'),
    reserves: comesNext('reserve'),
    runsTools: comesNext('tools'),
    waits: comesNext('approval'),
    concludes: comesNext('conclude'),
    rests: comesNext('idle'),
    cancelled: ({ event }) => event.cancelled,
  },
  actions: {
    call: emit({ type: 'call' as const }),
    reserve: emit({ type: 'reserve' as const }),
    runTools: emit({ type: 'run_tools' as const }),
    conclude: emit({ type: 'conclude' as const }),
    abort: emit({ type: 'abort' as const }),
  },
});

/** Where the lane goes once something is durable and nothing of the turn is under way. */
const onward = [
  { guard: 'calls' as const, target: '#session.turn.calling_model', actions: 'call' as const },
  { guard: 'runsTools' as const, target: '#session.turn.running_tools', actions: 'runTools' as const },
  { guard: 'reserves' as const, target: '#session.turn.reserving', actions: 'reserve' as const },
  { guard: 'waits' as const, target: '#session.turn.waiting_for_approval' },
  { guard: 'concludes' as const, target: '#session.turn.concluding', actions: 'conclude' as const },
];

/**
 * While an effect runs, and until what came of it is durable, what becomes durable beside it changes nothing, unless it
 * cancels the turn.
 */
const cancelled = { guard: 'cancelled' as const, actions: 'abort' as const };
const anywhere = [{ guard: 'rests' as const, target: '#session.idle' }, ...onward, { target: '#session.idle' }];
const whileBusy = { received: cancelled, written: anywhere };

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
        /** Another call may have been allowed meanwhile: those that do not run yet are begun beside those that do. */
        running_tools: {
          on: { received: [cancelled, { guard: 'runsTools', actions: 'runTools' }], written: anywhere },
        },
        /** Nothing runs, and nothing is waited for but a person. */
        waiting_for_approval: { on: { received: [{ guard: 'waits' }, ...anywhere], written: anywhere } },
        /** A cancelled turn is brought to its end. */
        concluding: { on: { written: anywhere } },
      },
    },
  },
});
