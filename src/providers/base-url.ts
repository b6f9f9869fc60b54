// SPDX-License-Identifier: Apache-2.0
// The base URL of a provider: its entry's `endpoint`, or the vendor's own.

/**
 * Without a slash at its end. An address without a path gets this one: people write where a server is, and all of a kind
 * have their interface under the same path.
 */
export function baseUrl(endpoint: string | undefined, own: string): string {
  if (endpoint === undefined || endpoint === '') return own;
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = new URL(own).pathname;
  return url.href.replace(/\/+$/, '');
}
