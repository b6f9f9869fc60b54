// SPDX-License-Identifier: Apache-2.0
// Signing in: by the code of a one-time link, by a token, or not at all where the gateway asks for none.

import { signal } from '@preact/signals';
import { access, get, Refused, reasonOf, send, Unreachable } from './api.ts';
import type { Caller } from './wire.ts';

/** Who is signed in; null where nobody needs to be, or nobody is. */
export const caller = signal<Caller | null>(null);

const SESSION = '/auth/session';
const NEEDED = 'admin:debug';

/** Whether permissions hold one: `admin:*` holds all of `admin:`. */
export function holds(permissions: readonly string[], needed: string): boolean {
  return permissions.some(
    (one) => one === needed || one === '*' || (one.endsWith(':*') && needed.startsWith(one.slice(0, -1))),
  );
}

/** The code of the address, which is taken out of it before anything else happens. */
function takeCode(): string | null {
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  if (code !== null) history.replaceState(null, '', `${location.pathname}${location.search}#/actors`);
  return code;
}

/** Finds out who looks. What it cannot find out because the gateway is gone is found out when it is back. */
export async function begin(): Promise<void> {
  const code = takeCode();
  try {
    if (code !== null) return await signIn({ code });
    await know();
  } catch (thrown) {
    if (thrown instanceof Unreachable) return;
    access.value = { state: 'signed_out', why: reasonOf(thrown) };
  }
}

/** @throws Refused when the code or the token is not known; Unreachable */
export async function signIn(by: { readonly code: string } | { readonly token: string }): Promise<void> {
  await send(SESSION, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(by),
  });
  await know();
}

export async function signOut(): Promise<void> {
  await send(SESSION, { method: 'DELETE' });
  caller.value = null;
  access.value = { state: 'signed_out', why: null };
}

/** Asks who is signed in; where there is nothing to sign in to, whether one may look. */
export async function know(): Promise<void> {
  try {
    const who = await get<Caller>(SESSION);
    caller.value = who;
    access.value = holds(who.permissions, NEEDED)
      ? { state: 'granted' }
      : { state: 'forbidden', why: `${who.name === '' ? who.user_id : who.name} is signed in without it.` };
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    caller.value = null;
    if (thrown.problem.status === 401) access.value = { state: 'signed_out', why: null };
    else if (thrown.problem.status === 404) await probe();
    else throw thrown;
  }
}

async function probe(): Promise<void> {
  try {
    await get('/debug/actors?limit=1');
    access.value = { state: 'granted' };
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    const { status, detail } = thrown.problem;
    if (status === 403) access.value = { state: 'forbidden', why: detail };
    else access.value = { state: 'signed_out', why: status === 401 ? null : detail };
  }
}
