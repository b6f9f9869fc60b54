// SPDX-License-Identifier: Apache-2.0
// For platforms that push and never send again: messages go on in their order, a bounded number at once, and are kept until taken.

import type { World } from '../world.ts';
import type { ChannelInbound, ChannelSink } from './adapter.ts';

/** As many as a sink is to be given at a time. */
const MOST = 256;
/** Between two tries to hand on what was not taken: it doubles up to the longest, in milliseconds. */
const RETRY = { first: 500, longest: 30_000 };

export interface IntakeOptions {
  readonly sink: ChannelSink;
  readonly world: Pick<World, 'after'>;
  /**
   * Told `true` when nothing more should be read from the platform, `false` when it may again. What was read by then still
   * waits here: a socket's last piece, which has a bound of its own.
   */
  readonly hold: (full: boolean) => void;
}

/** What came and is not durable yet. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #waiting: { readonly message: ChannelInbound; readonly taken: () => void }[] = [];
  readonly #retries = new Set<() => void>();
  #open = 0;
  #held = false;
  #closed = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** @param taken called once it is durable */
  add(message: ChannelInbound, taken: () => void = () => undefined): void {
    if (this.#closed) return;
    this.#waiting.push({ message, taken });
    this.#drain();
  }

  /** What waits is forgotten; what is being taken may still be. */
  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
    for (const cancel of this.#retries) cancel();
    this.#retries.clear();
  }

  #drain(): void {
    while (this.#open < MOST) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#open += 1;
      this.#hand(next.message, next.taken, RETRY.first);
    }
    const full = this.#waiting.length > 0;
    if (full !== this.#held && !this.#closed) {
      this.#held = full;
      this.#options.hold(full);
    }
  }

  #hand(message: ChannelInbound, taken: () => void, wait: number): void {
    this.#options.sink.received(message).then(
      () => {
        this.#open -= 1;
        taken();
        this.#drain();
      },
      // Why is the sink's to tell. It keeps its place: where none is taken, nothing more is read either.
      () => {
        if (this.#closed) return;
        const cancel = this.#options.world.after(wait, () => {
          this.#retries.delete(cancel);
          this.#hand(message, taken, Math.min(wait * 2, RETRY.longest));
        });
        this.#retries.add(cancel);
      },
    );
  }
}
