// SPDX-License-Identifier: Apache-2.0
// A web socket server that stands in for a platform's, behind a plug to pull.

import { once } from 'node:events';
import { type WebSocket, WebSocketServer } from 'ws';
import { TcpGate } from './tcp-gate.ts';

/** Messages after which nobody may still read: 400 MB, more than the windows of four sockets in a row hold. */
const MOST_READ = 200_000;

export class SocketStandIn {
  readonly sockets = new Set<WebSocket>();
  readonly #server: WebSocketServer;
  readonly #gate: TcpGate;

  private constructor(server: WebSocketServer, gate: TcpGate) {
    this.#server = server;
    this.#gate = gate;
  }

  /** @param connected called with each socket that comes */
  static async open(
    connected: (socket: WebSocket) => void,
    { perMessageDeflate = false } = {},
  ): Promise<SocketStandIn> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate });
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

  /**
   * Sends until nobody reads any more: some of it waits here, and goes on waiting. How much that takes is the kernel's
   * affair, whose windows grow to tens of megabytes on some machines.
   *
   * @param send one message of about 2 KB; @returns how many were sent
   */
  async fill(send: (at: number) => Promise<unknown>): Promise<number> {
    let [sent, before, unread] = [0, 0, 0];
    while (unread < 20) {
      if (this.#waiting === 0) {
        if (sent >= MOST_READ) throw new Error(`all of ${sent} messages was read`);
        for (const upTo = sent + 500; sent < upTo; sent += 1) await send(sent);
      }
      // It may become more: pongs wait behind it.
      unread = this.#waiting > 0 && this.#waiting >= before ? unread + 1 : 0;
      before = this.#waiting;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return sent;
  }

  /** Bytes that were sent and that not even the kernel has taken. */
  get #waiting(): number {
    return [...this.sockets].reduce((sum, { bufferedAmount }) => sum + bufferedAmount, 0);
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
