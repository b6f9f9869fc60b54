// SPDX-License-Identifier: Apache-2.0
// The one thing a session does next: a function of its state alone, so that any prefix of its log says how to go on.

import { isAsked, type SessionState } from '../../stores/session-state.ts';

/** `approval`: nothing but to wait for a person's answer. */
export type NextStep = 'idle' | 'start' | 'reserve' | 'call' | 'tools' | 'approval' | 'conclude';

export function nextStep(state: SessionState): NextStep {
  const { turn } = state;
  if (turn === null) return state.waiting.length === 0 ? 'idle' : 'start';
  if (turn.open_call !== null) return 'call';
  if (turn.cancelled) return 'conclude';
  let next: NextStep = 'reserve';
  for (const tool of turn.tools) {
    if (tool.returned) continue;
    if (!isAsked(tool)) return 'tools';
    next = 'approval';
  }
  return next;
}
