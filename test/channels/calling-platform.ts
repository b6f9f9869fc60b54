// SPDX-License-Identifier: Apache-2.0
// A platform that calls us, as the edge lets it in: in order for each sender, and again until it is told that it was taken.

import type { ChannelAdapter, WebhookRequest, WebhookResponse } from '../../src/channels/adapter.ts';

/** Between two tries, in milliseconds; platforms take longer. */
const AGAIN = 10;

/** A gateway as it is called from outside; one that is not there has not taken anything. */
export function gatewayAt(url: string): Pick<ChannelAdapter, 'webhook'> {
  return {
    webhook: async ({ method, headers, body }) => {
      try {
        const told = await fetch(url, { method, headers, body: Buffer.from(body) });
        const says = await told.text();
        // Whatever is wrong there, it is sent again.
        return { status: told.status >= 500 ? 503 : told.status, headers: {}, body: says };
      } catch {
        return { status: 503, headers: {}, body: '' };
      }
    },
  };
}

export class CallingPlatform {
  /** Who is called; what is said before there is anybody waits. */
  adapter: Pick<ChannelAdapter, 'webhook'> | null = null;
  /** What was answered besides 200 and 503. */
  readonly refused: number[] = [];
  /** What was not taken yet. */
  open = 0;
  readonly #queues = new Map<string, Promise<void>>();
  #closed = false;

  /** Calls behind what was called for the same sender. @param make the request, made anew each time it is sent */
  call(from: string, make: () => WebhookRequest): void {
    this.open += 1;
    const before = this.#queues.get(from) ?? Promise.resolve();
    this.#queues.set(
      from,
      before.then(() => this.#until(make)),
    );
  }

  /** Calls beside all else and once. */
  async again(make: () => WebhookRequest): Promise<WebhookResponse> {
    const signal = new AbortController().signal;
    return (await this.adapter?.webhook?.(make(), { signal })) ?? { status: 503, headers: {}, body: '' };
  }

  /** What was not taken by now is forgotten. */
  close(): void {
    this.#closed = true;
  }

  async #until(make: () => WebhookRequest): Promise<void> {
    while (!this.#closed) {
      const { status } = await this.again(make);
      if (status === 200 || status !== 503) this.open -= 1;
      if (status === 200) return;
      if (status !== 503) {
        this.refused.push(status);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
}
