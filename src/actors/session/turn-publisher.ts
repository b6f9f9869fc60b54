// SPDX-License-Identifier: Apache-2.0
// Publishes turn events: what one turn shows in one turn of the loop goes as one batch, because deltas are many and small.

import { address } from '../../bus/address.ts';
import { topic } from '../../bus/envelope.ts';
import type { ShortEvent, TurnEventBatch } from '../../stores/turn-events.ts';
import type { World } from '../../world.ts';
import type { SigilBus } from '../protocols.ts';
import type { LaneEffects } from './effects.ts';
import { ENDS_TOPIC, type TurnEnded, TURNS_TOPIC } from './protocol.ts';

interface Collected {
  readonly session_id: string;
  readonly turn_id: string;
  readonly first: number;
  readonly events: ShortEvent[];
}

type Publishing = Pick<LaneEffects, 'publish' | 'published'>;

export function createTurnPublisher(bus: Pick<SigilBus, 'heard' | 'publish'>, world: Pick<World, 'soon'>): Publishing {
  /** By session: a lane runs one turn at a time. Null: nobody follows it in this turn of the loop. */
  const collected = new Map<string, Collected | null>();
  let scheduled = false;

  const send = ({ session_id, turn_id, first, events }: Collected): void => {
    bus.publish(topic<TurnEventBatch>(address('session', session_id), TURNS_TOPIC), { turn_id, first, events });
  };
  const flush = (): void => {
    scheduled = false;
    for (const batch of collected.values()) if (batch !== null) send(batch);
    collected.clear();
  };

  return {
    publish: (session_id, turn_id, n, event) => {
      const open = collected.get(session_id);
      if (open === null) return;
      if (open !== undefined && open.turn_id === turn_id && open.first + open.events.length === n) {
        open.events.push(event);
        return;
      }
      if (open !== undefined) send(open);
      const heard = open !== undefined || bus.heard(topic(address('session', session_id), TURNS_TOPIC));
      collected.set(session_id, heard ? { session_id, turn_id, first: n, events: [event] } : null);
      if (scheduled) return;
      scheduled = true;
      world.soon(flush);
    },
    published: (session_id, turn_id, seq) => bus.publish(topic<TurnEnded>(address('session', session_id), ENDS_TOPIC), { turn_id, seq }),
  };
}
