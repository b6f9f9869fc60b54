// SPDX-License-Identifier: Apache-2.0
// What an IRC server's refusals mean for who asked (RFC 2812, 5.2, and what servers added to it).

import { type Failure, failure } from '../../errors.ts';

/** Refusals of a message to a target, which they name second. */
const MESSAGE_REFUSED: Readonly<Record<string, 'not_found' | 'forbidden' | 'rate_limited'>> = {
  '401': 'not_found', // no such nick or channel
  '403': 'not_found', // no such channel
  '402': 'not_found', // no such server
  '404': 'forbidden', // moderated, banned or not in it
  '407': 'not_found', // too many targets
  '408': 'forbidden', // colours or services
  '411': 'not_found', // no recipient
  '413': 'forbidden', // no top level domain
  '415': 'forbidden', // only who is logged in may write to channels
  '439': 'rate_limited', // too many targets in a short time
  '477': 'forbidden', // only registered nicks
  '486': 'forbidden', // they hear registered nicks only
  '488': 'forbidden',
  '531': 'forbidden', // they hear nobody like this one
  '707': 'rate_limited',
  '716': 'forbidden', // they have to accept this one first
};
/** When it may work again, where a server says that it was too fast; none says how long. */
const TOO_FAST_MS = 30_000;

/** What a numeric says of a message to a target, or null when it says nothing of it. */
export function messageRefusal(command: string, says: string, target: string): Failure | null {
  const code = MESSAGE_REFUSED[command];
  if (code === undefined) return null;
  const message = `the IRC server did not take a message to ${target}: ${says} (${command})`;
  return failure(code, message, code === 'rate_limited' ? { retry_after_ms: TOO_FAST_MS } : undefined);
}

/** Refusals of a JOIN that the configuration cannot be blamed for. */
const JOIN_LATER = new Set(['437', '471', '480', '609']);
const JOIN_REFUSED = new Set([
  '403',
  '405',
  '407',
  '471',
  '473',
  '474',
  '475',
  '476',
  '477',
  '480',
  '489',
  '520',
  '609',
]);

export function joinRefusal(command: string, says: string, channel: string): Failure | null {
  if (JOIN_LATER.has(command))
    return failure('channel_network', `${channel} cannot be joined just now: ${says} (${command})`);
  if (!JOIN_REFUSED.has(command)) return null;
  return failure('channel_refused', `${channel} cannot be joined: ${says} (${command}); correct it under \`channels\``);
}

/** Refusals of the connection itself, while it registers. */
export function registrationRefusal(command: string, says: string): Failure | null {
  if (command === '464')
    return failure('channel_auth', `the IRC server did not take the password: ${says}; correct \`server_password\``);
  if (command === '465') return failure('channel_refused', `the IRC server banned this machine: ${says}`);
  if (command === '432')
    return failure('channel_refused', `the IRC server allows no such nick: ${says}; choose another \`nick\``);
  return null;
}
