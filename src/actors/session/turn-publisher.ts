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

type Publishing = Pick<LaneEffects, 'publish' | 'published'>;

export function createTurnPublisher(bus: Pick<SigilBus, 'heard' | 'publish'>, world: Pick<World, 'soon'>): Publishing {
  /** By session: a lane runs one turn at a time. Only what somebody follows. */
  let collected = new Map<string, Collected>();
  let scheduled = false;

  const send = ({ names, turn_id, first, events }: Collected): void =>
    bus.publish(names.turns, { turn_id, first, events });
  const flush = (): void => {
    scheduled = false;
    for (const batch of collected.values()) send(batch);
    // Not cleared: a cleared map's old table leads from what is old to everything collected since.
    collected = new Map();
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
      // Asked for every event: who begins to listen in the middle of a turn of the loop has been told what came before, and
      // must not miss what comes after.
      else if (!bus.heard(names.turns)) return;
      collected.set(session_id, { names, turn_id, first: n, events: [event] });
      if (scheduled) return;
      scheduled = true;
      world.soon(flush);
    },
    published: ({ ends }, turn_id, seq) => bus.publish(ends, { turn_id, seq }),
  };
}
