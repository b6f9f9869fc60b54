// SPDX-License-Identifier: Apache-2.0
// A web socket server that stands in for a platform's, behind a plug to pull.

import { once } from 'node:events';
import { type WebSocket, WebSocketServer } from 'ws';
import { until } from '../edge/client.ts';
import { TcpGate } from './tcp-gate.ts';

export class SocketStandIn {
  readonly sockets = new Set<WebSocket>();
  readonly #server: WebSocketServer;
  readonly #gate: TcpGate;

  private constructor(server: WebSocketServer, gate: TcpGate) {
    this.#server = server;
    this.#gate = gate;
  }

  /** @param connected called with each socket that comes */
  static async open(connected: (socket: WebSocket) => void): Promise<SocketStandIn> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const gate = new TcpGate(address.port);
    await gate.up();
    const made = new SocketStandIn(server, gate);
    server.on('connection', (socket) => {
      made.sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => made.sockets.delete(socket));
      connected(socket);
    });
    return made;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#gate.port}`;
  }

  get connections(): number {
    return this.#gate.connections;
  }

  /** To all that are connected. */
  send(payload: unknown): void {
    const text = JSON.stringify(payload);
    for (const socket of this.sockets) socket.send(text);
  }

  /** Resolves once nobody reads what was sent: some of it waits here, and goes on waiting. */
  async atRest(): Promise<void> {
    let before = -1;
    let same = 0;
    await until(() => {
      const waiting = [...this.sockets].reduce((sum, { bufferedAmount }) => sum + bufferedAmount, 0);
      if (waiting === 0 && before > 0) throw new Error('all that was sent was read');
      same = waiting > 0 && waiting === before ? same + 1 : 0;
      before = waiting;
      return same >= 20;
    });
  }

  down(): Promise<void> {
    return this.#gate.down();
  }

  up(): Promise<void> {
    return this.#gate.up();
  }

  async close(): Promise<void> {
    await this.#gate.down();
    for (const socket of this.sockets) socket.terminate();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
