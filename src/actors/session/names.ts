// SPDX-License-Identifier: Apache-2.0
// Everything a session is called: made once for a lane, because a string made anew is hashed anew wherever it is looked up.

import { type Address, address } from '../../bus/address.ts';
import { type Topic, topic } from '../../bus/envelope.ts';
import type { TurnEventBatch } from '../../stores/turn-events.ts';
import { ENDS_TOPIC, TURNS_TOPIC, type TurnEnded } from './protocol.ts';

export interface SessionNames {
  readonly session_id: string;
  readonly address: Address<'session'>;
  readonly turns: Topic<TurnEventBatch>;
  readonly ends: Topic<TurnEnded>;
}

export function namesOf(session_id: string): SessionNames {
  const self = address('session', session_id);
  return { session_id, address: self, turns: topic(self, TURNS_TOPIC), ends: topic(self, ENDS_TOPIC) };
}
