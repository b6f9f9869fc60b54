// SPDX-License-Identifier: Apache-2.0
// How far a stream's stanzas are durable: what stream management (XEP-0198) tells the server it may forget.

/** Counts stanzas in their order; the count goes only as far as none before is open. */
export class Acknowledged {
  #open = new Set<number>();
  #arrived = 0;

  /** All so far that needs not to be sent again. */
  get count(): number {
    // In the order they came: the first is the oldest.
    for (const oldest of this.#open) return oldest - 1;
    return this.#arrived;
  }

  /** A stream begins anew. */
  reset(): void {
    // What is open of the stream before means nothing in this one.
    this.#open = new Set();
    this.#arrived = 0;
  }

  /** @returns what to call once it is durable; nothing to wait for otherwise: call it at once */
  arrive(): () => void {
    const number = ++this.#arrived;
    const open = this.#open.add(number);
    return () => open.delete(number);
  }
}
