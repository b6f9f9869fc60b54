// SPDX-License-Identifier: Apache-2.0
// Following a session: each of its turns whole and in order, from the first event seen of it on.

import { TURNS_TOPIC } from '../actors/session/protocol.ts';
import { address } from '../bus/address.ts';
import { topic } from '../bus/envelope.ts';
import type { TurnEventBatch } from '../stores/turn-events.ts';
import type { LastEvent } from './last-event-id.ts';
import type { EdgePorts } from './ports.ts';
import { sharedEvents } from './shared-frames.ts';
import { TurnFollower, type TurnSink } from './turn-follower.ts';

/**
 * Gives a sink the events of every turn of a session; answers how to stop. A turn that is joined in its middle is told
 * from its beginning. After a last event, the rest of its turn comes first.
 */
export function followSession(ports: EdgePorts, sessionId: string, sink: TurnSink, last?: LastEvent): () => void {
  const turns = new Map<string, TurnFollower>();
  /** Ends of turns may still be repeated by a subscription that was renewed: they are not told twice. */
  let told = '';
  const turnOf = (turn_id: string, from: number): TurnFollower => {
    let follower = turns.get(turn_id);
    if (follower === undefined) {
      const forget = (): void => {
        turns.delete(turn_id);
        told = turn_id;
      };
      const ofTurn: TurnSink = {
        live: (events) => sink.live(events),
        backlog: (events) => sink.backlog(events),
        ended: forget,
        failed: (thrown) => {
          forget();
          sink.failed(thrown);
        },
      };
      follower = new TurnFollower(ports, { session_id: sessionId, turn_id, seq: 0 }, ofTurn, from);
      turns.set(turn_id, follower);
    }
    return follower;
  };
  const unsubscribe = ports.bus.subscribe(
    topic<TurnEventBatch>(address('session', sessionId), TURNS_TOPIC),
    {
      events: (batches) => {
        for (const batch of batches) {
          // A turn that never starts is told as part of the one that answers instead.
          if (batch.turn_id === told || batch.answered_by !== undefined) continue;
          turnOf(batch.turn_id, 0).feed(sharedEvents(batch));
        }
      },
      lost: () => {
        for (const follower of turns.values()) follower.catchUp();
      },
    },
    { lossless: true },
  );
  if (last !== undefined) turnOf(last.of, last.n).catchUp();
  return () => {
    unsubscribe();
    for (const follower of turns.values()) follower.stop();
    turns.clear();
  };
}
