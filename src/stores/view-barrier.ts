// SPDX-License-Identifier: Apache-2.0
// Reads that wait for the views to reach a row: let go by news of progress or a look of their own, given up after a while.

export interface ViewBarrierOptions {
  /** How far the views are, looked up now. */
  readonly look: () => number;
  /** A clock in milliseconds that never goes back. */
  readonly monotonic: () => number;
  readonly after: (ms: number, run: () => void) => () => void;
  /** How long a read waits at most, in milliseconds. */
  readonly limit: number;
  /** How many may wait at once. */
  readonly most: number;
  /** Somebody waits for this row: the views, which rest between batches under load, are to go on at once. */
  readonly hurry?: (upto: number) => void;
}

interface Waiting {
  readonly upto: number;
  readonly until: number;
  readonly ready: () => void;
  readonly late: (upto: number) => void;
}

/** News may be lost with a thread, so whoever waits is also looked after at this interval, in milliseconds. */
const LOOK_MS = 20;

export class ViewBarrier {
  readonly #options: ViewBarrierOptions;
  #waiting: Waiting[] = [];
  #upto = 0;
  #cancel: (() => void) | undefined;

  constructor(options: ViewBarrierOptions) {
    this.#options = options;
  }

  /** The views have applied everything up to here. */
  advanced(upto: number): void {
    if (upto <= this.#upto) return;
    this.#upto = upto;
    this.#release();
  }

  /** Calls `ready` when the views have reached `upto`, or `late` after the limit. False: too many wait already. */
  wait(upto: number, ready: () => void, late: (upto: number) => void): boolean {
    if (upto > this.#upto) this.#upto = Math.max(this.#upto, this.#options.look());
    if (upto <= this.#upto) {
      ready();
      return true;
    }
    if (this.#waiting.length >= this.#options.most) return false;
    this.#waiting.push({ upto, until: this.#options.monotonic() + this.#options.limit, ready, late });
    this.#options.hurry?.(upto);
    this.#watch();
    return true;
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { late } of waiting) late(this.#upto);
  }

  #watch(): void {
    if (this.#cancel !== undefined || this.#waiting.length === 0) return;
    this.#cancel = this.#options.after(LOOK_MS, () => {
      this.#cancel = undefined;
      this.#look();
      this.#release();
      this.#watch();
    });
  }

  #look(): void {
    try {
      this.#upto = Math.max(this.#upto, this.#options.look());
    } catch {
      // What cannot be looked up now is news, or late, in its time.
    }
  }

  #release(): void {
    if (this.#waiting.length === 0) return;
    const now = this.#options.monotonic();
    const still: Waiting[] = [];
    const done: Waiting[] = [];
    for (const waiting of this.#waiting) {
      if (waiting.upto <= this.#upto || waiting.until <= now) done.push(waiting);
      else still.push(waiting);
    }
    this.#waiting = still;
    for (const { upto, ready, late } of done) {
      if (upto <= this.#upto) ready();
      else late(this.#upto);
    }
  }
}
