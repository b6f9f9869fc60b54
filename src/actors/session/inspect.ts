// SPDX-License-Identifier: Apache-2.0
// What a lane shows of itself: its folded state, with everything people and models wrote left out unless it is asked for.

import { chartOf } from '../machine-actor.ts';
import type { Inspected } from '../residents.ts';
import type { Lane } from './lane.ts';
import { sessionMachine } from './machine.ts';

/** One object a lane and no closures: there is one for every lane that is awake, and hardly anybody looks. */
export class InspectedLane implements Inspected {
  private readonly lane: Lane;

  constructor(lane: Lane) {
    this.lane = lane;
  }

  state(): unknown {
    return this.lane.value;
  }

  context(reveal: boolean): unknown {
    const { facts, turn, waiting, window, keys, keys_forgotten, used_tokens, tool_calls, since_checkpoint } =
      this.lane.state;
    const text = (content: string): string => (reveal ? content : `[${content.length} characters]`);
    return {
      facts: facts === null ? null : { ...facts, title: text(facts.title) },
      turn:
        turn === null
          ? null
          : {
              turn_id: turn.turn_id,
              message_id: turn.message.message_id,
              message: text(turn.message.content),
              collected: turn.collected.map(({ message_id }) => message_id),
              steered: turn.steered.map(({ message_id }) => message_id),
              model: turn.model,
              attempt: turn.attempt,
              calls: turn.calls,
              tools: turn.tools.map(({ call, returned, approval }) => ({
                id: call.id,
                name: call.name,
                returned,
                approval,
              })),
              events: turn.cursor.n,
              usage: turn.usage,
              cancelled: turn.cancelled,
            },
      waiting: waiting.map(({ message_id, turn_id, content }) => ({ message_id, turn_id, content: text(content) })),
      window: window.map(({ role, content }) => ({ role, content: text(content) })),
      keys: { known: keys.size, forgotten: keys_forgotten },
      used_tokens,
      tool_calls,
      since_checkpoint,
    };
  }

  machine(): unknown {
    return chartOf(sessionMachine);
  }
}
