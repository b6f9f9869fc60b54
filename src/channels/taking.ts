// SPDX-License-Identifier: Apache-2.0
// For platforms that call us and call again: messages of a request go on in their order, a bounded number at once.

import type { ChannelInbound, ChannelSink } from './adapter.ts';

/** As many as a sink is to be given at a time, over all requests. */
const MOST = 256;
/** As many of one request. */
const TOGETHER = 64;

/** What was handed on and is not durable yet. */
export class Taking {
  readonly #sink: ChannelSink;
  #open = 0;

  constructor(sink: ChannelSink) {
    this.#sink = sink;
  }

  /** Hands on all of a request. @returns whether every one is durable; the platform is to send them all again otherwise */
  async all(messages: readonly ChannelInbound[]): Promise<boolean> {
    for (let at = 0; at < messages.length; at += TOGETHER) {
      const some = messages.slice(at, at + TOGETHER);
      if (this.#open + some.length > MOST) return false;
      this.#open += some.length;
      const settled = await Promise.allSettled(some.map((message) => this.#sink.received(message)));
      this.#open -= some.length;
      // Why is the sink's to tell.
      if (settled.some(({ status }) => status === 'rejected')) return false;
    }
    return true;
  }
}
