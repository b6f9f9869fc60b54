// SPDX-License-Identifier: Apache-2.0
// An HTTP server that stands in for a platform's, behind a plug to pull.

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { TcpGate } from './tcp-gate.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The connection is gone before an answer was given. */
  readonly closed: AbortSignal;
}

export interface Told {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export class HttpStandIn {
  readonly #server: Server;
  readonly #gate: TcpGate;

  private constructor(server: Server, gate: TcpGate) {
    this.#server = server;
    this.#gate = gate;
  }

  /** @param answer bytes are answered as they are, all else as JSON */
  static async open(answer: (asked: Asked) => Told | Promise<Told>): Promise<HttpStandIn> {
    const server = createServer(async (request, response) => {
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const url = new URL(request.url ?? '/', 'http://stand-in');
        const { method = 'GET', headers } = request;
        const asked = { method, path: url.pathname, query: url.searchParams, headers, closed: gone.signal };
        const told = await answer({ ...asked, body: Buffer.concat(chunks) });
        const bytes = Buffer.isBuffer(told.body) ? told.body : Buffer.from(JSON.stringify(told.body ?? {}));
        response.writeHead(told.status, { 'Content-Type': 'application/json', ...told.headers });
        response.end(bytes);
      } catch (thrown) {
        response.destroy(thrown instanceof Error ? thrown : undefined);
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const gate = new TcpGate(address.port);
    await gate.up();
    return new HttpStandIn(server, gate);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#gate.port}`;
  }

  get connections(): number {
    return this.#gate.connections;
  }

  down(): Promise<void> {
    return this.#gate.down();
  }

  up(): Promise<void> {
    return this.#gate.up();
  }

  async close(): Promise<void> {
    await this.#gate.down();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
