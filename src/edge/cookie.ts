// SPDX-License-Identifier: Apache-2.0
// The one cookie there is: how it is read out of a header, and how a browser is told to keep or forget it.

/** Its name. Ports share cookies in browsers, so two gateways of one host sign each other out. */
export const SESSION_COOKIE = 'sigil_session';
/** Values of one name that are looked at: others of the host may have set more. */
const MOST_VALUES = 4;
/** What a value of ours looks like. */
const VALUE = /^[A-Za-z0-9_-]{10,100}$/;

/** The values under our name that can be ours; none for most requests. */
export function sessionCookies(header: string | undefined): readonly string[] {
  if (header === undefined || !header.includes(SESSION_COOKIE)) return [];
  const values: string[] = [];
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=');
    if (at === -1 || pair.slice(0, at).trim() !== SESSION_COOKIE) continue;
    const value = pair.slice(at + 1).trim();
    if (VALUE.test(value) && values.length < MOST_VALUES) values.push(value);
  }
  return values;
}

/**
 * The `Set-Cookie` header that keeps a value: no script reads it, and no page of another site sends it.
 *
 * @param seconds until the browser forgets it; 0: at once
 */
export function setCookie(value: string, seconds: number, secure: boolean): string {
  const parts = [`${SESSION_COOKIE}=${value}`, 'HttpOnly', 'SameSite=Strict', 'Path=/', `Max-Age=${seconds}`];
  return [...parts, ...(secure ? ['Secure'] : [])].join('; ');
}
