// SPDX-License-Identifier: Apache-2.0
// Chat channels that were taken out of the configuration while they still had something to say: found when the gateway or their
// thread starts, or when they end.

import type { Quarantined } from '../actors/gateway/protocol.ts';
import { type Address, address, idOf, kindOf } from '../bus/address.ts';
import type { ThreadContext } from './context.ts';

/** How long the journal may take, in milliseconds. */
const WITHIN = 30_000;

/** What is said of a channel that was taken out with something left to say. */
export function leftOver(name: string): Quarantined {
  return {
    what: `channels.${name}`,
    code: 'not_found',
    message: `The channel ${name} is not in the configuration any more and has something left to say.`,
    advice: `Put the entry channels.${name} back within outbox.max_age: it is said then. Else nobody says it.`,
  };
}

/**
 * Tells of each once; of none where the journal does not answer, which is told elsewhere.
 *
 * @param sought the others are left to whoever hosts them: one that is taken out may still be saying what it can
 */
export function findRemovedChannels(
  { bus, house }: Pick<ThreadContext, 'bus' | 'house'>,
  sought: (channel: Address) => boolean,
  found: (left: Quarantined) => void,
): void {
  bus.ask(
    address('store', 'journal'),
    'journal.owed',
    {},
    { from: address('thread', 'main'), within: WITHIN },
    (answer) => {
      if (!answer.ok) return;
      for (const stream of answer.body.streams as readonly Address[]) {
        const name = idOf(stream);
        const there = Object.hasOwn(house.config.channels, name);
        if (kindOf(stream) === 'channel' && !there && sought(stream)) found(leftOver(name));
      }
    },
  );
}
