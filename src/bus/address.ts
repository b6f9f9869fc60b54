// SPDX-License-Identifier: Apache-2.0
// Addresses: `kind/id`, the only name an actor has. Parsed in this one place.

/** Every kind of receiver on the bus. `store`, `pool` and `thread` are the journal's, the views', the pool's and a thread's own doors. */
export const KINDS = [
  'gateway',
  'channel',
  'workspace',
  'session',
  'provider',
  'budget',
  'vector-index',
  'plugin',
  'node',
  'pool',
  'sandbox',
  'mcp',
  'store',
  'thread',
] as const;

export type Kind = (typeof KINDS)[number];

declare const brand: unique symbol;

/** `kind/id`, for example `session/0198…`. Equal strings are the same actor. */
export type Address<K extends Kind = Kind> = string & { readonly [brand]: K };

const known: ReadonlySet<string> = new Set(KINDS);

/** Longest address accepted from outside, in characters. */
const MAX_LENGTH = 256;

/** The address of `id`, which must not be empty. */
export function address<K extends Kind>(kind: K, id: string): Address<K> {
  return `${kind}/${id}` as Address<K>;
}

/** Reads an address from outside; `undefined` when the kind is unknown, the id is empty or it is too long. */
export function parseAddress(text: string): Address | undefined {
  const slash = text.indexOf('/');
  if (slash < 1 || slash === text.length - 1 || text.length > MAX_LENGTH) return undefined;
  return known.has(text.slice(0, slash)) ? (text as Address) : undefined;
}

export function kindOf<K extends Kind>(of: Address<K>): K {
  return of.slice(0, of.indexOf('/')) as K;
}

export function idOf(of: Address): string {
  return of.slice(of.indexOf('/') + 1);
}
