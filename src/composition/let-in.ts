// SPDX-License-Identifier: Apache-2.0
// Somebody who was let in gets to know it where they asked, whichever door it was done by: a chat, the command line, HTTP.

import { LET_IN } from '../actors/channel/house-texts.ts';
import { address } from '../bus/address.ts';
import { pairingKey } from '../stores/channel-fold.ts';
import type { StoredPairing } from '../stores/directory-records.ts';
import type { ThreadContext } from './context.ts';

/** How long the channel may take to take it on, in milliseconds. */
const WITHIN = 15_000;

/** Nobody waits for it, and the same pairing says it once a day at most. A channel that is not there any more has nobody to tell. */
export function tellLetIn(
  { bus, log, house }: Pick<ThreadContext, 'bus' | 'log' | 'house'>,
  { id, user_id, channel, channel_id }: StoredPairing,
): void {
  // Made by hand it may name no conversation.
  if (channel_id === '' || house.config.channels[channel] === undefined) return;
  const to = { channel_id, message_id: '', direct: true };
  const say = {
    key: `${pairingKey(id)}:approved`,
    kind: 'notice',
    session_id: '',
    user_id,
    to,
    content: LET_IN,
  } as const;
  const options = { from: address('gateway', 'root'), within: WITHIN };
  bus.ask(address('channel', channel), 'channel.deliver', say, options, (answer) => {
    if (!answer.ok)
      log('warn', { channel, user_id, error: answer.error }, 'somebody could not be told that they are let in');
  });
}
