// SPDX-License-Identifier: Apache-2.0
// How soon a session whose lane failed may be tried again: the restart policy, for those few that fail.

import { type History, NO_HISTORY, onExit } from '../bus/supervision.ts';
import type { World } from '../world.ts';

/** Sessions remembered; the one that failed longest ago goes first, and begins with no history again. */
const MOST = 10_000;

/** Gives, for every failure of a session, the milliseconds it is to be left alone. */
export function failingSessions(world: World): (session_id: string) => number {
  const histories = new Map<string, History>();
  return (session_id) => {
    const before = histories.get(session_id) ?? NO_HISTORY;
    const { decision, history } = onExit('permanent', before, world.now(), world.random(), 'error');
    histories.delete(session_id);
    histories.set(session_id, history);
    if (histories.size > MOST) for (const oldest of [...histories.keys()].slice(0, 1)) histories.delete(oldest);
    return decision.do === 'restart' ? decision.after_ms : decision.do === 'quarantine' ? decision.rest_ms : 0;
  };
}
