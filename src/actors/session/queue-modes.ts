// SPDX-License-Identifier: Apache-2.0
// What a message does while a turn runs: which ones become one turn, and which are handed to the one that runs. Pure.

import type { MessageReceived } from '../../stores/records.ts';
import type { TurnState, WaitingMessage } from '../../stores/session-state.ts';
import type { Deliver } from './protocol.ts';

/**
 * How a message is to wait, as its record says it; nothing where it simply waits for a turn of its own.
 *
 * A message of somebody else is never handed to a turn that runs, nor is one for another model: a turn has the rights of
 * whom it answers, and one model.
 */
export function queueOf(message: Deliver, running: TurnState | null): Pick<MessageReceived, 'queue'> {
  if (running === null) return {};
  if (message.queue === 'collect') return { queue: 'collect' };
  if (message.queue !== 'steer' || running.cancelled) return {};
  const { user_id, model } = running.message;
  const joins = message.user_id === user_id && (message.model === '' || message.model === model);
  return joins ? { queue: 'steer' } : {};
}

/**
 * The waiting messages that become one turn with the first of them, in their order. They end where somebody else speaks, or
 * another model is asked for: what came first is answered first, and a turn has the rights of one person.
 */
export function collectedWith(first: WaitingMessage, waiting: readonly WaitingMessage[]): readonly WaitingMessage[] {
  if (first.collect !== true || waiting.length < 2) return NONE;
  const end = waiting.findIndex(
    ({ collect, user_id, model }) => collect !== true || user_id !== first.user_id || model !== first.model,
  );
  return waiting.slice(1, end < 0 ? undefined : end).filter(({ cancelled }) => cancelled !== true);
}

/** The waiting messages that are to be handed to a turn before its next model call, in their order. */
export function steeredInto({ turn_id }: TurnState, waiting: readonly WaitingMessage[]): readonly WaitingMessage[] {
  return waiting.filter(({ steers, cancelled }) => steers === turn_id && cancelled !== true);
}

const NONE: readonly WaitingMessage[] = [];
