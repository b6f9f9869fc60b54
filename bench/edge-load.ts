// SPDX-License-Identifier: Apache-2.0
// The load for T11: connections that are kept open, each with one request on its way, over bare sockets.

import { connect } from 'node:net';
import { parentPort } from 'node:worker_threads';

interface Order {
  readonly port: number;
  readonly ms: number;
  readonly connections: number;
  readonly path: string;
  readonly token: string;
}

const BODY = JSON.stringify({ content: 'What is the weather like in the mountains today?', workspace_id: 'homelab' });

/** Requests answered a second. */
function press({ port, ms, connections, path, token }: Order): Promise<number> {
  const request = Buffer.from(
    [
      `POST ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      'Connection: keep-alive',
      `Authorization: Bearer ${token}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(BODY)}`,
      '',
      BODY,
    ].join('\r\n'),
  );
  return new Promise((resolve, reject) => {
    let answered = 0;
    let open = connections;
    const began = performance.now();
    const one = (): void => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let rest = '';
      socket.on('connect', () => socket.write(request));
      socket.on('data', (chunk) => {
        rest += chunk.toString('latin1');
        const end = rest.indexOf('\r\n\r\n');
        if (end === -1) return;
        const length = Number(/content-length: (\d+)/i.exec(rest)?.[1]);
        if (rest.length < end + 4 + length) return;
        if (!rest.startsWith('HTTP/1.1 200 ')) reject(new Error(rest));
        rest = rest.slice(end + 4 + length);
        answered += 1;
        if (performance.now() - began < ms) {
          socket.write(request);
          return;
        }
        socket.end();
        open -= 1;
        if (open === 0) resolve((answered / (performance.now() - began)) * 1_000);
      });
      socket.on('error', reject);
    };
    for (let at = 0; at < connections; at += 1) one();
  });
}

parentPort?.on('message', (order: Order) => {
  void press(order).then((rate) => parentPort?.postMessage(rate));
});
