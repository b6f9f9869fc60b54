// SPDX-License-Identifier: Apache-2.0
// A plug to pull: a port of its own before a server's, which counts what is open and can be shut while the server goes on.

import { once } from 'node:events';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';

export class TcpGate {
  readonly #open = new Set<Socket>();
  readonly #target: number;
  #server: Server | null = null;
  #port = 0;
  #hanging = false;

  /** @param target the server's port on this machine */
  constructor(target: number) {
    this.#target = target;
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#open.size;
  }

  /** Listens, the second time where it did before. */
  async up(): Promise<void> {
    if (this.#server !== null) return;
    const server = createServer((near) => {
      const far = dial(this.#target, '127.0.0.1');
      this.#open.add(near);
      const end = () => {
        this.#open.delete(near);
        near.destroy();
        far.destroy();
      };
      for (const socket of [near, far]) socket.on('error', end).on('close', end);
      if (this.#hanging) return void near.resume();
      near.pipe(far);
      far.pipe(near);
    });
    this.#server = server;
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
  }

  /** The server accepts and never answers, neither those who come nor those who are there. */
  hang(): void {
    this.#hanging = true;
    for (const near of this.#open) near.unpipe().resume();
  }

  /** Everything through it breaks, and nobody answers. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#open) socket.destroy();
    if (server === null) return;
    server.close();
    await once(server, 'close');
  }
}
