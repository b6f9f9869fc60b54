// SPDX-License-Identifier: Apache-2.0
// A session that goes is forgotten by the chat channels it was on, before nobody knows of it any more.

import type { LaneEffects } from '../actors/session/effects.ts';
import { address } from '../bus/address.ts';
import type { Failure } from '../errors.ts';
import { PULL_CHANNELS } from './channel-types.ts';
import type { ThreadContext } from './context.ts';

/** How long a channel may take to have it durable, in milliseconds. */
const WITHIN = 30_000;
/** A session that was opened by one of these was never a chat channel's. */
const PULLED: ReadonlySet<string> = new Set(PULL_CHANNELS.map((name) => address('channel', name)));

/** Answered once all have forgotten, or all have answered and one could not. */
export function unsaying({ bus, house }: Pick<ThreadContext, 'bus' | 'house'>): LaneEffects['unsay'] {
  return (session_id, channel, answered) => {
    // A person's session may be one on all their channels.
    const names = Object.keys(house.config.channels);
    let left = PULLED.has(channel) ? 0 : names.length;
    let failed: Failure | null = null;
    if (left === 0) return answered(null);
    const from = address('session', session_id);
    for (const name of names) {
      const erased = { session_id, user_id: '' };
      bus.ask(address('channel', name), 'channel.erase', erased, { from, within: WITHIN }, (answer) => {
        if (!answer.ok) failed ??= answer.error;
        left -= 1;
        if (left === 0) answered(failed);
      });
    }
  };
}
