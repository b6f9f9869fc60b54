// SPDX-License-Identifier: Apache-2.0
// T11: POST requests a second through guard, token, request id and schema, against bare node:http in alternating rounds.

import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { createApp } from '../src/edge/app.ts';
import { readBody } from '../src/edge/body.ts';
import { EdgeContext } from '../src/edge/context.ts';
import { json, type Route } from '../src/edge/exchange.ts';
import { HostGuard } from '../src/edge/guard.ts';
import type { EdgePorts } from '../src/edge/ports.ts';
import { ChatRequest } from '../src/edge/schemas/requests.ts';
import { benchPorts, TOKEN } from './edge-ports.ts';
import { alternate, type Measured } from './measured.ts';

const ROUND_MS = 700;
const CONNECTIONS = 32;
const ANSWER = { session_id: randomUUID(), turn_id: randomUUID(), content: 'Hello.' };
const PATH = '/api/v1/chat';

/**
 * Measures T11. The load comes from another thread, over bare sockets: node's own client is slower than node's server,
 * and would be what is measured.
 */
export async function measureT11(rounds = 7): Promise<Measured> {
  const bare = await listening(bareServer());
  const ours = await listening(edgeServer());
  const load = new Worker(new URL('./edge-load.ts', import.meta.url));
  const measure = (server: Server): Promise<number> => round(load, (server.address() as AddressInfo).port);
  try {
    for (const server of [bare, ours]) await measure(server);
    return await alternate(
      rounds,
      () => measure(ours),
      () => measure(bare),
    );
  } finally {
    await load.terminate();
    for (const server of [bare, ours]) {
      server.closeAllConnections();
      server.close();
    }
  }
}

/** The least a server does: read the body, answer JSON. */
function bareServer(): Server {
  const text = JSON.stringify(ANSWER);
  return createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      JSON.parse(Buffer.concat(chunks).toString());
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
      response.end(text);
    });
  });
}

/** Everything the edge does for a message before it asks anybody. */
function edgeServer(): Server {
  const edge = new EdgeContext(benchPorts({} as EdgePorts['bus']));
  const route: Route = {
    method: 'POST',
    path: PATH,
    handle: async (exchange) => {
      await readBody(exchange, ChatRequest);
      return json(ANSWER);
    },
  };
  const hosts = new HostGuard(edge.ports.config.networking);
  return createServer(createApp(edge, [route], { hosts, refused: () => undefined }));
}

function listening(server: Server): Promise<Server> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function round(load: Worker, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    load.removeAllListeners();
    load.once('message', resolve);
    load.once('error', reject);
    load.postMessage({ port, ms: ROUND_MS, connections: CONNECTIONS, path: PATH, token: TOKEN });
  });
}

if (import.meta.main) {
  const figures = await measureT11(Number(process.argv[2] ?? 7));
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
