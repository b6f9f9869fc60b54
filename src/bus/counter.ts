// SPDX-License-Identifier: Apache-2.0
// The shared counters behind the windows: how many messages of one thread's life the receiving thread has taken.

/**
 * One cell for each ordered pair of threads, written by the receiver, read by the sender. A cell carries the sender's
 * life: a receiver may still be taking what an ended life has sent while the next life already reads the cell.
 */
export interface Counter {
  /** How many messages `to` has taken from life `life` of `from`, modulo {@link COUNT_RANGE}. */
  taken(from: number, life: number, to: number): number;
  /** Says that `to` has taken `total` messages from life `life` of `from`. Only `to` calls this. */
  take(from: number, life: number, to: number, total: number): void;
  /** Starts over for a new life of `to`. Only `from` calls this, before it posts anything to that life. */
  reset(from: number, life: number, to: number): void;
}

/** Totals wrap here; a window must be smaller. */
export const COUNT_RANGE = 2 ** 24;

const COUNT_MASK = COUNT_RANGE - 1;

const cell = (life: number, total: number) => ((life & 0xff) << 24) | (total & COUNT_MASK);

/** The cells in a SharedArrayBuffer; every thread of a mesh makes one of these over the same buffer. */
export class SharedCounter implements Counter {
  private readonly cells: Int32Array;
  private readonly threads: number;

  constructor(threads: number, buffer: SharedArrayBuffer) {
    this.threads = threads;
    this.cells = new Int32Array(buffer, 0, threads * threads);
  }

  /** Bytes a buffer for `threads` threads needs. */
  static bytes(threads: number): number {
    return threads * threads * Int32Array.BYTES_PER_ELEMENT;
  }

  taken(from: number, life: number, to: number): number {
    const value = Atomics.load(this.cells, from * this.threads + to);
    return value >>> 24 === (life & 0xff) ? value & COUNT_MASK : 0;
  }

  take(from: number, life: number, to: number, total: number): void {
    Atomics.store(this.cells, from * this.threads + to, cell(life, total));
  }

  reset(from: number, life: number, to: number): void {
    Atomics.store(this.cells, from * this.threads + to, cell(life, 0));
  }
}
