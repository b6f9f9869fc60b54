// SPDX-License-Identifier: Apache-2.0
// Whose messages a turn answers: what it may do is what all of them may.

import type { TurnState } from '../../stores/session-state.ts';

/**
 * The users whose messages a turn answers, each once; none for no turn. Whatever lets a turn answer another message has to name
 * its sender here: a turn may only what each of them may.
 */
export function sendersOf(turn: TurnState | null): readonly string[] {
  return turn === null ? [] : [turn.message.user_id];
}
