// SPDX-License-Identifier: Apache-2.0
// What errors of mail servers mean for who asked.

import { failure, SigilError } from '../../errors.ts';

/** No server says when; greylisting is usually over by then. */
const LATER_MS = 60_000;

export function gone(why: string): SigilError {
  return new SigilError(failure('channel_network', `the connection to the mail server is not there: ${why}`));
}

function field(thrown: unknown, name: string): unknown {
  return typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, name) : undefined;
}

export function imapFailure(thrown: unknown, account: string): SigilError {
  if (thrown instanceof SigilError) return thrown;
  if (field(thrown, 'authenticationFailed') === true)
    return new SigilError(
      failure(
        'channel_auth',
        `the IMAP server did not take the account ${account}; correct \`username\` and \`password\``,
      ),
    );
  return gone(thrown instanceof Error ? thrown.message : String(thrown));
}

/** An answer of SMTP (RFC 5321, 4.2.3), or that there was none. */
export function smtpFailure(thrown: unknown, to: string, account: string): SigilError {
  if (thrown instanceof SigilError) return thrown;
  const code = Number(field(thrown, 'responseCode') ?? 0);
  if (field(thrown, 'code') === 'EAUTH' && (code === 0 || code >= 500))
    return new SigilError(
      failure(
        'channel_auth',
        `the SMTP server did not take the account ${account}; correct \`username\` and \`password\``,
      ),
    );
  const says = `the mail to ${to} was not taken (${code || 'no answer'}): ${String(field(thrown, 'response') ?? '').slice(0, 200)}`;
  if (code === 552) return new SigilError(failure('payload_too_large', says));
  if (code === 550 || code === 551 || code === 553) return new SigilError(failure('not_found', says));
  if (code >= 500) return new SigilError(failure('forbidden', says));
  if (code === 450 || code === 451 || code === 452)
    return new SigilError(failure('rate_limited', says, { retry_after_ms: LATER_MS }));
  return gone(thrown instanceof Error ? thrown.message : String(thrown));
}
