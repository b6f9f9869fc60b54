// SPDX-License-Identifier: Apache-2.0
// Who sent a request and when, as Standard Webhooks has it: HMAC-SHA256 over the id, the time and the bytes.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

import { createHmac, timingSafeEqual } from 'node:crypto';
import { failure, SigilError } from '../../errors.ts';

/** Fewer bytes can be guessed; the specification says 24 to 64. */
const LEAST = 24;
/** Signatures that are compared of one request: there are two while a secret is being changed. */
const COMPARED = 8;
/** Longest id. */
const LONGEST_ID = 256;

export type Verified =
  | { readonly ok: true; readonly id: string }
  | { readonly ok: false; readonly why: 'unsigned' | 'signature' | 'time' };

/** @throws SigilError where it is too short, or no base64 */
export function keyOf(secret: string): Buffer {
  const [, encoded] = /^whsec_(.+)$/.exec(secret) ?? [];
  if (encoded !== undefined && !/^[A-Za-z0-9+/_-]+={0,2}$/.test(encoded))
    throw new SigilError(failure('channel_auth', 'the secret of the webhook is no base64 behind `whsec_`'));
  const key = encoded === undefined ? Buffer.from(secret) : Buffer.from(encoded, 'base64');
  if (key.length >= LEAST) return key;
  throw new SigilError(
    failure(
      'channel_auth',
      `the secret of the webhook has ${key.length} bytes and needs ${LEAST}; \`openssl rand -base64 32\` makes one`,
    ),
  );
}

/** The headers of a request of ours. @param at epoch milliseconds */
export function sign(key: Buffer, id: string, at: number, body: Uint8Array): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(at / 1_000));
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${digest(key, id, timestamp, body).toString('base64')}`,
  };
}

/**
 * Whose a request is. Every signature there is is compared in constant time, and the time is looked at last: a stranger does
 * not learn which of the two was wrong.
 *
 * @param tolerance seconds
 */
export function verify(
  key: Buffer,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array },
  { now, tolerance }: { readonly now: number; readonly tolerance: number },
): Verified {
  const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '', 'webhook-signature': given = '' } = headers;
  if (!/^[\x21-\x7e]+$/.test(id) || id.length > LONGEST_ID || !/^\d{1,12}$/.test(timestamp))
    return { ok: false, why: 'unsigned' };
  const expected = digest(key, id, timestamp, body);
  let same = false;
  for (const part of given.split(' ').slice(0, COMPARED)) {
    const [version, encoded = ''] = part.split(',');
    const signature = Buffer.from(encoded, 'base64');
    if (version === 'v1' && signature.length === expected.length && timingSafeEqual(signature, expected)) same = true;
  }
  if (!same) return { ok: false, why: 'signature' };
  return Math.abs(now / 1_000 - Number(timestamp)) > tolerance ? { ok: false, why: 'time' } : { ok: true, id };
}

function digest(key: Buffer, id: string, timestamp: string, body: Uint8Array): Buffer {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
}
