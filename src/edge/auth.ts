// SPDX-License-Identifier: Apache-2.0
// Who calls: bearer tokens, compared by their digests in constant time, and browsers that are signed in.

import type { IncomingHttpHeaders } from 'node:http';
import { permits } from '../security/permission.ts';
import type { World } from '../world.ts';
import { sessionCookies } from './cookie.ts';
import type { Caller } from './exchange.ts';
import { crypto } from './node-http.ts';
import type { LiveTokens, TokenGrant } from './ports.ts';
import { Refusal } from './problem.ts';
import { WebSessions } from './web-sessions.ts';

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

/** Why a request's caller is no longer who they were when it came in; null: they still are. */
export type WhyGone = (caller: Caller) => string | null;

export interface Authenticator {
  /**
   * Whose request this is, by its bearer token or, where it has none, by the cookie of a browser that is signed in.
   *
   * @param checkCookie called when it is the cookie that counts: a page of somebody else's may have sent it
   * @param wrong told when it carries what is not known
   * @throws Refusal `unauthenticated`, or `overloaded` while it cannot be known
   */
  readonly authenticate: (headers: Credentials, checkCookie: () => void, wrong: () => void) => Caller;
  /** The caller of a token that was given by itself. @throws Refusal as above */
  readonly byToken: (token: string, wrong: () => void) => Caller;
  readonly whyGone: WhyGone;
  /** Who is signed in with a browser. */
  readonly web: WebSessions;
}

type Credentials = Pick<IncomingHttpHeaders, 'authorization' | 'cookie'>;

/** What it stands on. */
export interface AuthPorts {
  readonly world: World;
  /** Those of the configuration in force: the same list as long as that is the same. */
  readonly tokens: readonly TokenGrant[];
  readonly live: LiveTokens;
}

export function authenticator(mode: 'token' | 'none', ports: AuthPorts): Authenticator {
  const { world, live } = ports;
  if (mode === 'none') {
    const everybody = (): Caller => OWNER;
    return { authenticate: everybody, byToken: everybody, whyGone: () => null, web: new WebSessions(world, everybody) };
  }
  const configured = configuredCallers(() => ports.tokens);
  const made = new WeakMap<TokenGrant, { readonly digest: Buffer; readonly caller: Caller }>();
  const madeOf = (grant: TokenGrant) => {
    const before = made.get(grant);
    if (before !== undefined) return before;
    const entry = { digest: Buffer.from(grant.digest, 'hex'), caller: callerOf(grant) };
    made.set(grant, entry);
    return entry;
  };
  const ready = (what: string): void => {
    if (live.ready) return;
    throw new Refusal('overloaded', `The gateway is still starting and cannot know this ${what} yet.`);
  };
  const expired = ({ expires_at }: Caller): boolean => expires_at !== undefined && expires_at <= world.now();
  const find = (token: string): Caller | undefined => {
    const digest = crypto.hash('sha256', token, 'buffer');
    const id = MADE_HERE.exec(token)?.[1];
    if (id !== undefined) ready('token');
    const grant = id === undefined ? undefined : live.find(id);
    const entry = grant === undefined ? undefined : madeOf(grant);
    let caller: Caller | undefined;
    if (crypto.timingSafeEqual(entry?.digest ?? NOBODYS, digest)) caller = entry?.caller;
    // Every digest is looked at, also after the right one, so that the time taken says nothing.
    for (const one of configured.all()) {
      if (one.digest.length === digest.length && crypto.timingSafeEqual(one.digest, digest)) caller = one.caller;
    }
    return caller;
  };
  /** Whom the token somebody came with stands for now. */
  const now = (came: Caller): Caller | undefined => {
    const grant = configured.came(came) ? undefined : live.find(came.token_id);
    const caller = configured.now(came) ?? (grant === undefined ? undefined : madeOf(grant).caller);
    return caller === undefined || expired(caller) ? undefined : caller;
  };
  const web = new WebSessions(world, now);
  const used = ({ token_id }: Caller): void => {
    if (live.find(token_id) !== undefined) live.used(token_id);
  };
  const byToken = (token: string, wrong: () => void): Caller => {
    const caller = find(token);
    if (caller === undefined) {
      wrong();
      throw unauthenticated('This token is not known here.');
    }
    if (caller.expires_at !== undefined && expired(caller))
      throw unauthenticated(`This token expired at ${world.iso(caller.expires_at)}.`);
    used(caller);
    return caller;
  };
  const byCookies = (values: readonly string[]): Caller => {
    // Until the tokens have been read it is not known whether theirs is one.
    ready('session');
    for (const value of values) {
      const caller = web.find(value);
      if (caller === undefined) continue;
      used(caller);
      return caller;
    }
    throw unauthenticated('This session is over; `sigil open` begins another.');
  };
  return {
    authenticate: ({ authorization, cookie }, checkCookie, wrong) => {
      const token = authorization === undefined ? undefined : bearer(authorization);
      if (token !== undefined) return byToken(token, wrong);
      const values = authorization === undefined ? sessionCookies(cookie) : [];
      if (values.length === 0) throw unauthenticated('The request carries no bearer token.');
      const caller = byCookies(values);
      checkCookie();
      return caller;
    },
    byToken,
    whyGone: (caller) => {
      const by = caller.web === undefined ? 'token' : 'session';
      if (by === 'token' && expired(caller)) return 'This token has expired.';
      const still = by === 'token' ? now(caller) : web.now(caller);
      if (still === undefined) return by === 'token' ? 'This token was revoked.' : 'This session is over.';
      return sameRights(still, caller) ? null : `What this ${by} opens was changed; come again with it.`;
    },
    web,
  };
}

interface Configured {
  readonly digest: Buffer;
  readonly caller: Caller;
}

/**
 * Those of the configuration, known by what opens them: where one stands in the list, and with it its id, may be another's
 * place by now. Who came before the list was another is found again by it, and may be listed elsewhere now.
 */
function configuredCallers(tokens: () => readonly TokenGrant[]) {
  let of: readonly TokenGrant[] = [];
  let known: readonly Configured[] = [];
  let opened = new Map<string, Caller>();
  /** The digests with which callers came, of lists before this one too. */
  const digests = new WeakMap<Caller, string>();
  const all = (): readonly Configured[] => {
    const now = tokens();
    if (now === of) return known;
    of = now;
    opened = new Map();
    known = now.map((grant) => {
      const caller = callerOf(grant);
      opened.set(grant.digest, caller);
      digests.set(caller, grant.digest);
      return { digest: Buffer.from(grant.digest, 'hex'), caller };
    });
    return known;
  };
  return {
    all,
    /** Whether somebody came with one of them, in whichever list. */
    came: (caller: Caller): boolean => digests.has(caller),
    /** Whom the token somebody came with stands for in the list in force. */
    now: (caller: Caller): Caller | undefined => {
      all();
      const digest = digests.get(caller);
      return digest === undefined ? undefined : opened.get(digest);
    },
  };
}

/** Whether they open the same as the same person, wherever they are listed. */
function sameRights(one: Caller, other: Caller): boolean {
  if (one === other) return true;
  const rights = ({ user_id, name, permissions, expires_at }: Caller): string =>
    JSON.stringify([user_id, name, permissions, expires_at]);
  return rights(one) === rights(other);
}

function callerOf({ id, user_id, name, permissions, expires_at }: TokenGrant): Caller {
  const until = expires_at === undefined ? {} : { expires_at };
  const admin = permits(permissions, 'admin:*');
  return Object.freeze({ token_id: id, user_id, name, permissions, admin, ...until });
}

function bearer(authorization: string): string | undefined {
  return /^bearer +([\x21-\x7e]{1,8192})$/i.exec(authorization)?.[1];
}

export function unauthenticated(message: string): Refusal {
  return new Refusal('unauthenticated', message, { headers: { 'WWW-Authenticate': 'Bearer' } });
}
