// SPDX-License-Identifier: Apache-2.0
// The effects with a wall around each answer: a lane that throws over one breaks, and nothing else of its thread.

import type { SessionState } from '../../stores/session-state.ts';
import type { LaneEffects } from './effects.ts';

/** @param broke told of the session whose lane threw */
export function isolated(effects: LaneEffects, broke: (session_id: string, cause: unknown) => void): LaneEffects {
  // One argument, by name: every delta of every model goes through here, and a list of arguments would be made each time.
  const guard = <T>(session_id: string, run: (given: T) => void): ((given: T) => void) => {
    return (given) => {
      try {
        run(given);
      } catch (cause) {
        broke(session_id, cause);
      }
    };
  };
  const idOf = (state: SessionState): string => state.facts?.session_id ?? '';
  return {
    ...effects,
    append: (append, answered) =>
      effects.append(append, guard(append.stream.slice(append.stream.indexOf('/') + 1), answered)),
    tail: (session_id, answered) => effects.tail(session_id, guard(session_id, answered)),
    oldKey: (session_id, message_id, upto, answered) =>
      effects.oldKey(session_id, message_id, upto, guard(session_id, answered)),
    say: (session_id, part, answered) => effects.say(session_id, part, guard(session_id, answered)),
    unsay: (session_id, channel, answered) => effects.unsay(session_id, channel, guard(session_id, answered)),
    callModel: (names, state, permit, { event, end }) =>
      effects.callModel(names, state, permit, {
        event: guard(names.session_id, event),
        end: guard(names.session_id, end),
      }),
    runTool: (state, call, done) => effects.runTool(state, call, guard(idOf(state), done)),
    reserve: (state, most, done) => effects.reserve(state, most, guard(idOf(state), done)),
  };
}
