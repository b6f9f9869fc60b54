// SPDX-License-Identifier: Apache-2.0
// Faults the fire tests have a lane commit: with `SIGIL_FAULTS=1` a message `fault: loop` makes its own turn misbehave.

import type { LaneEffects } from '../actors/session/effects.ts';
import { PUBLISHED } from './published.ts';

/** `fault: KIND` in every attempt of the turn, `fault: KIND N` in the first N. */
const ASKED = /^fault: (loop|heap|buffers|throw|hang)(?: (\d+))?$/;

/** What keeps an allocation from being collected. */
const kept: unknown[] = [];

const COMMIT: Readonly<Record<string, () => void>> = {
  /** The loop never turns again. */
  loop: () => {
    for (;;);
  },
  /** As much heap as there is, as fast as it goes. */
  heap: () => {
    for (;;) kept.push({ more: [kept.length] });
  },
  /** The same outside the heap, where `resourceLimits` does not count. */
  buffers: () => {
    for (;;) kept.push(Buffer.alloc(4 * 1_048_576, 1));
  },
  throw: () => {
    throw new Error('a fault was asked for');
  },
};

/** The effect of a model call, which commits what a turn's message asks for first; without a setting the same effect. */
export function withFaults(setting: string | undefined, callModel: LaneEffects['callModel']): LaneEffects['callModel'] {
  // What is published has none: no message may end a thread.
  if (PUBLISHED || setting !== '1') return callModel;
  return (names, state, permit, sink) => {
    const { turn } = state;
    const asked = ASKED.exec(turn?.message.content ?? '');
    if (turn === null || asked === null || turn.attempt >= Number(asked[2] ?? Number.POSITIVE_INFINITY))
      return callModel(names, state, permit, sink);
    const [, kind = ''] = asked;
    COMMIT[kind]?.();
    // `hang`: a provider that never says anything.
    return () => undefined;
  };
}
