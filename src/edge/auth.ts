// SPDX-License-Identifier: Apache-2.0
// Who calls: bearer tokens, compared by their digests in constant time.

import { permits } from '../security/permission.ts';
import type { Caller } from './exchange.ts';
import { crypto } from './node-http.ts';
import type { TokenGrant } from './ports.ts';
import { Refusal } from './problem.ts';

/** Who everybody is with `auth.mode: none`. */
const OWNER: Caller = Object.freeze({ user_id: 'owner', name: 'none', permissions: ['admin:*'], admin: true });

/** Makes the look-up of an `Authorization` header; it throws `unauthenticated`. */
export function authenticator(
  mode: 'token' | 'none',
  tokens: readonly TokenGrant[],
): (authorization: string | undefined) => Caller {
  if (mode === 'none') return () => OWNER;
  const known = tokens.map((token) => ({
    digest: Buffer.from(token.digest, 'hex'),
    caller: Object.freeze({
      user_id: token.user_id,
      name: token.name,
      permissions: token.permissions,
      admin: permits(token.permissions, 'admin:*'),
    }),
  }));
  return (authorization) => {
    const token = authorization === undefined ? undefined : bearer(authorization);
    if (token === undefined) throw unauthenticated('The request carries no bearer token.');
    const digest = crypto.hash('sha256', token, 'buffer');
    let caller: Caller | undefined;
    // Every digest is looked at, also after the right one, so that the time taken says nothing.
    for (const entry of known) {
      if (entry.digest.length === digest.length && crypto.timingSafeEqual(entry.digest, digest)) caller = entry.caller;
    }
    if (caller === undefined) throw unauthenticated('This token is not known here.');
    return caller;
  };
}

function bearer(authorization: string): string | undefined {
  return /^bearer +([\x21-\x7e]{1,8192})$/i.exec(authorization)?.[1];
}

function unauthenticated(message: string): Refusal {
  return new Refusal('unauthenticated', message, { headers: { 'WWW-Authenticate': 'Bearer' } });
}
