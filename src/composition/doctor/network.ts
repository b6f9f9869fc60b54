// SPDX-License-Identifier: Apache-2.0
// The check of the address to listen on: that a gateway could, or that the one that runs answers there.

import { createServer } from 'node:net';
import { type Check, fail, pass } from '../../cli/doctor-check.ts';
import { isLoopback, parseListen } from '../../config/listen.ts';

const MENDS: Readonly<Record<string, (listen: string) => readonly [string, string]>> = {
  EADDRINUSE: (listen) => [
    `${listen} is in use by another program`,
    `sigil config set networking.listen ${listen.replace(/:\d+$/, ':0')}`,
  ],
  EADDRNOTAVAIL: (listen) => [
    `${listen} is no address of this machine`,
    'sigil config set networking.listen 127.0.0.1:18789',
  ],
  ENOTFOUND: (listen) => [
    `the name in ${listen} stands for no address`,
    'sigil config set networking.listen 127.0.0.1:18789',
  ],
  EACCES: (listen) => [
    `this user may not listen on ${listen}: ports below 1024 are for root`,
    'sigil config set networking.listen 127.0.0.1:18789',
  ],
};

export const networkCheck: Check = {
  name: 'network',
  async *run({ config, ask }) {
    if (!config.ok) return;
    const { listen, allowed_hosts } = config.config.networking;
    const at = parseListen(listen);
    if (at === undefined) return;
    if ((await ask?.('/health')) !== undefined) yield pass('the gateway that runs here answers');
    else {
      const code = await tried(at);
      const mend = code === undefined ? undefined : MENDS[code]?.(listen);
      if (code === undefined) yield pass(`${listen} is free to listen on`);
      else if (mend === undefined) yield fail(`${listen} cannot be listened on (${code})`, null);
      else yield fail(...mend);
    }
    if (!isLoopback(at.host) && allowed_hosts.length === 0) {
      yield pass(`others can reach ${listen}; whoever calls it by a name needs that in networking.allowed_hosts`);
    }
  },
};

/** Why nobody can listen there now; undefined when one can. */
function tried({ host, port }: { readonly host: string; readonly port: number }): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.on('error', (thrown: NodeJS.ErrnoException) => resolve(thrown.code ?? thrown.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
