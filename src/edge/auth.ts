// SPDX-License-Identifier: Apache-2.0
// Who calls: bearer tokens, compared by their digests in constant time.

import { permits } from '../security/permission.ts';
import type { Caller } from './exchange.ts';
import { crypto } from './node-http.ts';
import type { LiveTokens, TokenGrant } from './ports.ts';
import { Refusal } from './problem.ts';

/** Who everybody is with `auth.mode: none`. */
const OWNER: Caller = Object.freeze({
  token_id: '',
  user_id: 'owner',
  name: 'none',
  permissions: ['admin:*'],
  admin: true,
});

/** A token that was made here names itself, so that it need not be looked for among all: its id is no secret. */
const MADE_HERE = /^sigil_([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;
/** What the digest of a token with an unknown id is compared with, so that it takes as long as with a known one. */
const NOBODYS = Buffer.alloc(32);

/** Whether a request's caller is still who they were when it came in. */
export type StillKnown = (caller: Caller) => boolean;

export interface Authenticator {
  /**
   * Looks an `Authorization` header up.
   *
   * @param wrong told when it carries a token that is not known
   * @throws Refusal `unauthenticated`, or `overloaded` while it cannot be known
   */
  readonly authenticate: (authorization: string | undefined, wrong: () => void) => Caller;
  readonly stillKnown: StillKnown;
}

export function authenticator(mode: 'token' | 'none', tokens: readonly TokenGrant[], live: LiveTokens): Authenticator {
  if (mode === 'none') return { authenticate: () => OWNER, stillKnown: () => true };
  const known = tokens.map((grant) => ({ digest: Buffer.from(grant.digest, 'hex'), caller: callerOf(grant) }));
  const configured: ReadonlySet<Caller> = new Set(known.map(({ caller }) => caller));
  const made = new WeakMap<TokenGrant, { readonly digest: Buffer; readonly caller: Caller }>();
  const madeOf = (grant: TokenGrant) => {
    const before = made.get(grant);
    if (before !== undefined) return before;
    const entry = { digest: Buffer.from(grant.digest, 'hex'), caller: callerOf(grant) };
    made.set(grant, entry);
    return entry;
  };
  const find = (token: string): Caller | undefined => {
    const digest = crypto.hash('sha256', token, 'buffer');
    const id = MADE_HERE.exec(token)?.[1];
    if (id !== undefined && !live.ready)
      throw new Refusal('overloaded', 'The gateway is still starting and cannot know this token yet.');
    const grant = id === undefined ? undefined : live.find(id);
    const entry = grant === undefined ? undefined : madeOf(grant);
    let caller: Caller | undefined;
    if (crypto.timingSafeEqual(entry?.digest ?? NOBODYS, digest)) caller = entry?.caller;
    // Every digest is looked at, also after the right one, so that the time taken says nothing.
    for (const one of known) {
      if (one.digest.length === digest.length && crypto.timingSafeEqual(one.digest, digest)) caller = one.caller;
    }
    if (caller !== undefined && caller === entry?.caller) live.used(caller.token_id);
    return caller;
  };
  return {
    authenticate: (authorization, wrong) => {
      const token = authorization === undefined ? undefined : bearer(authorization);
      if (token === undefined) throw unauthenticated('The request carries no bearer token.');
      const caller = find(token);
      if (caller !== undefined) return caller;
      wrong();
      throw unauthenticated('This token is not known here.');
    },
    stillKnown: (caller) => {
      if (configured.has(caller)) return true;
      const grant = live.find(caller.token_id);
      return grant !== undefined && made.get(grant)?.caller === caller;
    },
  };
}

function callerOf({ id, user_id, name, permissions }: TokenGrant): Caller {
  return Object.freeze({ token_id: id, user_id, name, permissions, admin: permits(permissions, 'admin:*') });
}

function bearer(authorization: string): string | undefined {
  return /^bearer +([\x21-\x7e]{1,8192})$/i.exec(authorization)?.[1];
}

export function unauthenticated(message: string): Refusal {
  return new Refusal('unauthenticated', message, { headers: { 'WWW-Authenticate': 'Bearer' } });
}
