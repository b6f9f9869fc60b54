// SPDX-License-Identifier: Apache-2.0
// The readers of T12, as a process: bare sockets that count the events they get, and nothing else.

import { connect, type Socket } from 'node:net';

type Order =
  | { readonly port: number; readonly token: string; readonly paths: readonly string[] }
  | { readonly expect: number }
  | { readonly leave: true }
  | { readonly count: true };

/** Connections that are opened at once: more would not fit where the server keeps those it has not accepted. */
const AT_ONCE = 100;
const BLANK = Buffer.from('\n\n');

let events = 0;
let sockets: Socket[] = [];

function open(port: number, token: string, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    sockets.push(socket);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    });
    socket.once('data', (head) => {
      if (!head.toString('latin1').startsWith('HTTP/1.1 200 ')) return reject(new Error(head.toString('latin1')));
      socket.on('data', (chunk) => {
        for (let at = chunk.indexOf(BLANK); at !== -1; at = chunk.indexOf(BLANK, at + BLANK.length)) events += 1;
      });
      resolve();
    });
  });
}

async function openAll(port: number, token: string, paths: readonly string[]): Promise<void> {
  for (let from = 0; from < paths.length; from += AT_ONCE)
    await Promise.all(paths.slice(from, from + AT_ONCE).map((path) => open(port, token, path)));
  process.send?.('open');
}

/** Answers when every event has come. */
function answerAt(expected: number): void {
  if (events >= expected) process.send?.('taken');
  else setTimeout(() => answerAt(expected), 5);
}

process.on('message', (order: Order) => {
  if ('expect' in order) answerAt(order.expect);
  else if ('count' in order) process.send?.(events);
  else if ('leave' in order) {
    for (const socket of sockets) socket.destroy();
    sockets = [];
  } else void openAll(order.port, order.token, order.paths);
});
process.on('disconnect', () => process.exit(0));
