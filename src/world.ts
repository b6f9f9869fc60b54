// SPDX-License-Identifier: Apache-2.0
// The world as everything inside sees it: time, chance and identity are given, so the whole system also runs on a virtual clock from a seed.

export interface World {
  /** Wall clock, epoch milliseconds. */
  now(): number;
  /** RFC 3339 UTC with milliseconds. */
  iso(epoch: number): string;
  /** A clock that never goes back, in milliseconds with a fraction; only differences mean something. */
  monotonic(): number;
  /**
   * Where that clock's zero lay when it began, epoch milliseconds with a fraction: every thread of a process has its own
   * zero, and times are equal on all of them only behind this sum.
   */
  readonly origin: number;
  /** Runs `run` once after `ms`; the returned function prevents it. */
  after(ms: number, run: () => void): () => void;
  /** Runs `run` after the current work, once the loop has turned: timers and sockets get their share in between. */
  soon(run: () => void): void;
  /** Uniform in [0, 1). */
  random(): number;
  /** A new UUIDv7. */
  uuid(): string;
}

/** A point in time as the stores' interfaces give and take it: a value of the world, so only its type is known inside. */
export type Instant = Date;
