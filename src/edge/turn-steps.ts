// SPDX-License-Identifier: Apache-2.0
// A turn's journal as steps with a start, an end and an outcome: records that answer each other are one step.

import type { TurnStep } from '../stores/session-store.ts';
import type { TurnStepItem } from './schemas/debug.ts';

/** What opens a step, and how its end is recognised. */
const OPENERS: Readonly<Record<string, readonly string[]>> = {
  message_received: ['turn_started', 'turn_failed'],
  turn_started: ['turn_finished', 'turn_failed'],
  turn_resumed: ['turn_finished', 'turn_failed', 'turn_resumed'],
  model_called: ['model_replied', 'turn_resumed', 'turn_failed'],
  tool_called: ['tool_returned', 'turn_resumed', 'turn_failed'],
};

/** Steps in the order they began; one that has not ended yet says so with nulls. */
export function pairSteps(steps: readonly TurnStep[]): readonly TurnStepItem[] {
  return steps.map((step, at) => {
    const { seq, type, at: start, detail } = step;
    const closers = OPENERS[type];
    if (closers === undefined) return { seq, type, start, end: start, outcome: outcomeOf(step), detail };
    const end =
      type === 'tool_called' ? toolsEnd(steps, at) : steps.slice(at + 1).find((later) => closers.includes(later.type));
    return { seq, type, start, end: end?.at ?? null, outcome: end === undefined ? null : outcomeOf(end), detail };
  });
}

/** The calls of one reply run side by side: the step ends with the last of them, or when the turn is interrupted. */
function toolsEnd(steps: readonly TurnStep[], at: number): TurnStep | undefined {
  const calls = steps[at]?.detail['calls'];
  let left = Array.isArray(calls) ? calls.length : 1;
  for (const later of steps.slice(at + 1)) {
    if (later.type === 'tool_returned') left -= 1;
    if (left === 0 || later.type === 'turn_resumed' || later.type === 'turn_failed') return later;
  }
  return undefined;
}

/** How a record says it went: the word in it that does, else its own name. */
function outcomeOf({ type, detail }: TurnStep): string {
  if (type === 'tool_returned') return detail['is_error'] === true ? 'error' : 'ok';
  for (const key of ['finish', 'finish_reason', 'code']) {
    const value = detail[key];
    if (typeof value === 'string') return value;
  }
  return type;
}
