// SPDX-License-Identifier: Apache-2.0
// What errors of XMPP mean for who asked (RFC 6120, 4.9.3, 6.5 and 8.3.3).

import type { Element } from '@xmpp/xml';
import { type Failure, failure, SigilError } from '../../errors.ts';

/** No server says when; this is what theirs usually are. */
const LATER_MS = 30_000;
const NOT_THERE = new Set([
  'item-not-found',
  'service-unavailable',
  'remote-server-not-found',
  'gone',
  'jid-malformed',
  'recipient-unavailable',
]);

/** What a stanza's error says of a message to somebody. */
export function stanzaFailure(error: Element | undefined, to: string): Failure {
  const condition = error?.getChildElements()[0]?.name ?? 'undefined-condition';
  const says = `the message to ${to} was not taken: ${condition}`;
  if (condition === 'remote-server-timeout') return failure('channel_network', says);
  if (error?.attrs['type'] === 'wait') return failure('rate_limited', says, { retry_after_ms: LATER_MS });
  if (NOT_THERE.has(condition)) return failure('not_found', says);
  return failure('forbidden', says);
}

/** What went wrong while connecting. No error of the library has the password in it. */
export function connectFailure(thrown: unknown, jid: string): SigilError {
  if (thrown instanceof SigilError) return thrown;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (error.name === 'SASLError')
    return new SigilError(
      failure(
        'channel_auth',
        `the XMPP server did not take ${jid}: ${error.message}; correct \`jid\` and \`password\``,
      ),
    );
  return gone(error.message);
}

export function gone(why: string): SigilError {
  return new SigilError(failure('channel_network', `the connection to XMPP is not there: ${why}`));
}
