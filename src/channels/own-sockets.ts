// SPDX-License-Identifier: Apache-2.0
// `fetch` and web sockets whose connections belong to one adapter and end with it: those of the global one outlive whoever
// used them. Libraries that take a `fetch` or an undici dispatcher are given these.

import type { Agent } from 'undici';

/** Connections to one host. */
const SOCKETS = 32;
/** How long one may take to stand, and a server to begin its answer, in milliseconds. */
const LIMITS = { connect: 10_000, headers: 60_000 };

interface Open {
  destroy(): void;
  pause(): void;
  resume(): void;
}

export class OwnSockets {
  readonly agent: Agent;
  readonly #fetch: typeof import('undici').fetch;
  readonly #open = new Set<Open>();
  #held = false;

  private constructor({ Agent, buildConnector, fetch }: typeof import('undici')) {
    this.#fetch = fetch;
    // A web socket leaves its pool when it begins, so that destroying the pool alone would leave it.
    const base = buildConnector({ allowH2: false, timeout: LIMITS.connect });
    const connect: typeof base = (options, done) =>
      base(options, (...result) => {
        const [, socket] = result;
        if (socket) {
          this.#open.add(socket);
          const resume = socket.resume.bind(socket);
          // The package's web socket reads on as soon as its parser has drained, whoever had it stop.
          socket.resume = () => (this.#held ? socket : resume());
          socket.once('close', () => this.#open.delete(socket));
        }
        done(...result);
      });
    this.agent = new Agent({
      connect,
      connections: SOCKETS,
      headersTimeout: LIMITS.headers,
      bodyTimeout: LIMITS.headers,
    });
  }

  static async open(): Promise<OwnSockets> {
    return new OwnSockets(await import('undici'));
  }

  /** As the global one. A redirect is an answer like any other: a key goes nowhere else. */
  readonly fetch: typeof globalThis.fetch = async (input, init = {}) => {
    let { body } = init;
    let headers = new Headers(init.headers);
    if (body instanceof FormData) {
      // The package knows only forms of its own.
      const form = new Response(body);
      headers = new Headers([...headers, ['content-type', form.headers.get('content-type') ?? '']]);
      body = new Uint8Array(await form.arrayBuffer());
    }
    const response = await this.#fetch(input instanceof Request ? input.url : input, {
      ...(init as object),
      headers: [...headers],
      body: (body ?? null) as never,
      redirect: 'manual',
      dispatcher: this.agent,
    });
    return response as unknown as Response;
  };

  /** Nothing more is read, or it is again. */
  hold(full: boolean): void {
    this.#held = full;
    for (const socket of this.#open) {
      if (full) socket.pause();
      else socket.resume();
    }
  }

  /** Ends whatever is open. */
  async close(): Promise<void> {
    const destroyed = this.agent.destroy();
    for (const socket of this.#open) socket.destroy();
    await destroyed;
  }
}
