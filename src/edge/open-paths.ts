// SPDX-License-Identifier: Apache-2.0
// Which requests need no token: those of routes that say so, known before anything is told about what there is.

import type { Route } from './exchange.ts';

/** Makes the look-up; HEAD is as open as GET. */
export function openPaths(routes: readonly Route[]): (method: string, path: string) => boolean {
  const whole = new Map<string, Set<string>>();
  const beginnings = new Map<string, Set<string>>();
  for (const { method, path, open } of routes) {
    if (open !== true) continue;
    const at = path.indexOf(':');
    const into = at === -1 ? whole : beginnings;
    const key = at === -1 ? path : path.slice(0, at);
    const methods = into.get(key) ?? new Set();
    into.set(key, methods.add(method));
    if (method === 'GET') methods.add('HEAD');
  }
  return (method, path) => {
    const methods = whole.get(path);
    if (methods !== undefined) return methods.has(method);
    for (const [beginning, of] of beginnings) if (path.startsWith(beginning)) return of.has(method);
    return false;
  };
}
