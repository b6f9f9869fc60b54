// SPDX-License-Identifier: Apache-2.0
// Publishes turn events: what one turn shows in one turn of the loop goes as one batch, because deltas are many and small.

import type { ShortEvent } from '../../stores/turn-events.ts';
import type { World } from '../../world.ts';
import type { SigilBus } from '../protocols.ts';
import type { LaneEffects } from './effects.ts';
import type { SessionNames } from './names.ts';

interface Collected {
  readonly names: SessionNames;
  readonly turn_id: string;
  readonly first: number;
  readonly events: ShortEvent[];
}

type Publishing = Pick<LaneEffects, 'publish' | 'published' | 'led'>;

/**
 * Where many turns stream at once, what they show is gathered for so many milliseconds: each post wakes the listeners'
 * thread and costs both sides more than the few deltas in it, and a delay of a tenth of what lies between two tokens of a
 * stream is seen by nobody.
 */
const GATHER_MS = 2;
/** Nobody has seen anything of a turn before these of its events: they wait for no others. */
const FIRST_MOST = 3;
/** Many: so many batches in each millisecond, looked at over so many milliseconds. A few turns that come in bursts stay below. */
const MANY = { each_ms: 4, over_ms: 16 } as const;

export function createTurnPublisher(
  bus: Pick<SigilBus, 'heard' | 'publish'>,
  world: Pick<World, 'soon' | 'after' | 'monotonic'>,
): Publishing {
  /** By session: a lane runs one turn at a time. Only what somebody follows. */
  let collected = new Map<string, Collected>();
  let scheduled = false;
  /** Ends the gathering, while there is one. */
  let cut: (() => void) | null = null;
  /** Batches sent since then, and whether there were many before. */
  let since = world.monotonic();
  let batches = 0;
  let many = false;

  const send = ({ names, turn_id, first, events }: Collected): void =>
    bus.publish(names.turns, { turn_id, first, events });
  const count = (): void => {
    batches += collected.size;
    const over = world.monotonic() - since;
    if (over < MANY.over_ms) return;
    many = batches >= MANY.each_ms * over;
    since += over;
    batches = 0;
  };
  const flush = (): void => {
    scheduled = false;
    cut = null;
    count();
    for (const batch of collected.values()) send(batch);
    // Not cleared: a cleared map's old table leads from what is old to everything collected since.
    collected = new Map();
  };

  const schedule = (gathers: boolean): void => {
    if (gathers) {
      if (scheduled) return;
      cut = world.after(GATHER_MS, flush);
    } else {
      if (scheduled && cut === null) return;
      cut?.();
      cut = null;
      world.soon(flush);
    }
    scheduled = true;
  };

  return {
    publish: (names, turn_id, n, event) => {
      const { session_id } = names;
      const open = collected.get(session_id);
      if (open !== undefined && open.turn_id === turn_id && open.first + open.events.length === n) {
        open.events.push(event);
        return;
      }
      if (open !== undefined) send(open);
      // Asked for every event: who begins to listen before the next batch goes has been told what came before, and must not
      // miss what comes after.
      else if (!bus.heard(names.turns)) return;
      collected.set(session_id, { names, turn_id, first: n, events: [event] });
      schedule(many && n > FIRST_MOST);
    },
    led: ({ turns }, turn_id, answered_by) => {
      if (bus.heard(turns)) bus.publish(turns, { turn_id, first: 1, events: [], answered_by });
    },
    published: ({ ends }, turn_id, seq) => bus.publish(ends, { turn_id, seq }),
  };
}
