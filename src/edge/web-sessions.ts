// SPDX-License-Identifier: Apache-2.0
// Who is signed in with a browser: one-time codes of links, and the sessions behind cookies, each bound to the token it was made from.

import type { World } from '../world.ts';
import type { Caller } from './exchange.ts';
import { crypto } from './node-http.ts';

/** How long the code of a link is good for, in milliseconds. */
export const CODE_MS = 60_000;
/** A session nobody uses ends after this long, and every one after that, in milliseconds. */
export const IDLE_MS = 12 * 3_600_000;
export const ABSOLUTE_MS = 7 * 86_400_000;
/** Of one user, and of all together; past it the one that was used least lately goes. */
const MOST_OF_USER = 20;
const MOST = 5_000;
/** Codes nobody has used yet; the oldest goes. */
const CODES_OF_USER = 10;
const MOST_CODES = 1_000;
const ID_BYTES = 9;
const SECRET_BYTES = 32;
/** The id in front, by which it is found, and 256 bits behind it, of which only the digest is kept. */
const SEALED = /^([A-Za-z0-9_-]{12})([A-Za-z0-9_-]{43})$/;
const NOBODYS = Buffer.alloc(32);

/**
 * Whom the token somebody came with stands for at this moment; undefined when it was revoked or has expired. Asked by who
 * came, not by the token's id: in the configuration that is its place in a list, which may be another's by now.
 */
export type CallerOf = (came: Caller) => Caller | undefined;

interface Kept {
  readonly digest: Buffer;
  /** Who came with the token it is made from. */
  readonly came: Caller;
  readonly user_id: string;
}

interface Code extends Kept {
  readonly until: number;
}

interface WebSession extends Kept {
  readonly ends: number;
  used: number;
  /** The token's caller at the last look, and the one of the session that was made of it. */
  of: Caller | undefined;
  caller: Caller | undefined;
}

/** What goes out once and is known only by its digest afterwards. */
export interface Sealed {
  readonly value: string;
  /** Epoch milliseconds. */
  readonly expires_at: number;
}

/** Kept in memory: a restart signs everybody out, and `sigil open` or the token signs in again. */
export class WebSessions {
  readonly #world: World;
  readonly #callerOf: CallerOf;
  readonly #codes = new Map<string, Code>();
  /** Least lately used first. */
  readonly #sessions = new Map<string, WebSession>();

  constructor(world: World, callerOf: CallerOf) {
    this.#world = world;
    this.#callerOf = callerOf;
  }

  /** A code that signs a browser in as this caller, once. */
  code(caller: Caller): Sealed {
    const { user_id } = caller;
    const now = this.#world.now();
    for (const [id, { until }] of this.#codes) if (until <= now) this.#codes.delete(id);
    crowdOut(this.#codes, user_id, CODES_OF_USER, MOST_CODES);
    const { id, value, digest } = seal();
    const until = now + CODE_MS;
    this.#codes.set(id, { digest, came: this.#cameAs(caller), user_id, until });
    return { value, expires_at: until };
  }

  /** Whom a code signs in; it is worth nothing afterwards. */
  redeem(code: string): Caller | undefined {
    const id = idOf(code);
    const found = id === undefined ? undefined : this.#codes.get(id);
    // A wrong secret uses the code up too: whoever guesses has one try.
    if (id !== undefined) this.#codes.delete(id);
    const right = opens(found, code);
    return right && found !== undefined && found.until > this.#world.now() ? this.#callerOf(found.came) : undefined;
  }

  /** Signs somebody in: what their browser is to keep. */
  begin(caller: Caller): Sealed {
    const now = this.#world.now();
    for (const [id, session] of this.#sessions) if (endOf(session) <= now) this.#sessions.delete(id);
    crowdOut(this.#sessions, caller.user_id, MOST_OF_USER, MOST);
    const { id, value, digest } = seal();
    const { user_id, expires_at = Number.POSITIVE_INFINITY } = caller;
    const ends = Math.min(now + ABSOLUTE_MS, expires_at);
    const came = this.#cameAs(caller);
    const session = { digest, came, user_id, ends, used: now, of: undefined, caller: undefined };
    this.#sessions.set(id, session);
    return { value, expires_at: ends };
  }

  /** Who comes with this cookie; using it keeps it. */
  find(value: string): Caller | undefined {
    const id = idOf(value);
    const session = id === undefined ? undefined : this.#sessions.get(id);
    if (!opens(session, value) || id === undefined || session === undefined) return undefined;
    return this.#callerIn(id, session);
  }

  /** Who a caller that {@link find} gave is now, undefined when the session is over; to have something open is to use it. */
  now(caller: Caller): Caller | undefined {
    const session = caller.web === undefined ? undefined : this.#sessions.get(caller.web);
    return caller.web === undefined || session === undefined ? undefined : this.#callerIn(caller.web, session);
  }

  /** When a session ends if nobody uses it any more, epoch milliseconds. */
  endOf(caller: Caller): number | undefined {
    const session = caller.web === undefined ? undefined : this.#sessions.get(caller.web);
    return session === undefined ? undefined : endOf(session);
  }

  /** Signs out. */
  end(caller: Caller): void {
    if (caller.web !== undefined) this.#sessions.delete(caller.web);
  }

  /** Who a caller was before any session: one that is signed in signs in as whoever the token was of. */
  #cameAs(caller: Caller): Caller {
    return (caller.web === undefined ? undefined : this.#sessions.get(caller.web)?.came) ?? caller;
  }

  #callerIn(id: string, session: WebSession): Caller | undefined {
    const now = this.#world.now();
    const of = this.#callerOf(session.came);
    if (endOf(session) <= now || of === undefined) {
      this.#sessions.delete(id);
      return undefined;
    }
    if (session.used !== now) {
      session.used = now;
      this.#sessions.delete(id);
      this.#sessions.set(id, session);
    }
    if (session.of !== of || session.caller === undefined) {
      session.of = of;
      session.caller = Object.freeze({ ...of, web: id });
    }
    return session.caller;
  }
}

function endOf({ ends, used }: WebSession): number {
  return Math.min(ends, used + IDLE_MS);
}

function seal(): { readonly id: string; readonly value: string; readonly digest: Buffer } {
  const id = crypto.randomBytes(ID_BYTES).toString('base64url');
  const value = `${id}${crypto.randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { id, value, digest: crypto.hash('sha256', value, 'buffer') };
}

function idOf(value: string): string | undefined {
  return SEALED.exec(value)?.[1];
}

/** Compared in constant time, and as long where there is nothing to compare with. */
function opens(kept: Kept | undefined, value: string): boolean {
  const same = crypto.timingSafeEqual(kept?.digest ?? NOBODYS, crypto.hash('sha256', value, 'buffer'));
  return same && kept !== undefined;
}

/** Makes room for one more: the first of the user's own, else the first of all. */
function crowdOut<T extends Kept>(kept: Map<string, T>, user_id: string, ofUser: number, most: number): void {
  const own = [...kept].filter(([, one]) => one.user_id === user_id);
  const [first] = own.length >= ofUser ? own : kept.size >= most ? kept : [];
  if (first !== undefined) kept.delete(first[0]);
}
