// SPDX-License-Identifier: Apache-2.0
// Rate and concurrency limits: how often somebody may come, and how much they may hold open.
//
// Not rate-limiter-flexible: its fixed windows let twice the rate through at their edges, it keeps a timer and two
// promises for every key, takes the time from the global clock, and costs 28 ms to import. What is needed is a number a key.

import type { World } from '../world.ts';

/** Past this many names the ones that owe nothing are forgotten; it doubles with what is really in use. */
const FIRST_SWEEP = 4_096;
/** More names than this at the same time is an attack: the oldest are forgotten. */
const MOST_KEYS = 200_000;

/** Token buckets by name (the generic cell rate algorithm: one timestamp a name). */
export class RateLimit {
  readonly #world: World;
  readonly #interval: number;
  readonly #tolerance: number;
  /** When the bucket of a name will be full again. */
  readonly #full = new Map<string, number>();
  #sweepAt = FIRST_SWEEP;

  /** @param size how many may come at once; @param perMs how many come back each millisecond */
  constructor(world: World, size: number, perMs: number) {
    this.#world = world;
    this.#interval = 1 / perMs;
    this.#tolerance = size * this.#interval;
  }

  /** Takes one; 0 when it was there, else the milliseconds until it is. */
  take(name: string): number {
    const now = this.#world.monotonic();
    const full = Math.max(now, this.#full.get(name) ?? 0) + this.#interval;
    const wait = full - this.#tolerance - now;
    // Fractions of a millisecond come from adding up floating-point numbers, not from the caller.
    if (wait > 0.001) return wait;
    this.#full.set(name, full);
    if (this.#full.size > this.#sweepAt) this.#sweep(now);
    return 0;
  }

  #sweep(now: number): void {
    for (const [name, full] of this.#full) if (full <= now) this.#full.delete(name);
    for (const name of this.#full.keys()) {
      if (this.#full.size <= MOST_KEYS) break;
      this.#full.delete(name);
    }
    this.#sweepAt = Math.max(FIRST_SWEEP, this.#full.size * 2);
  }
}

/** The limit of a rate and what may come at once above it; undefined when the rate is 0. */
export function rateLimit(world: World, rate: number, burst: number, windowMs: number): RateLimit | undefined {
  return rate === 0 ? undefined : new RateLimit(world, rate + burst, rate / windowMs);
}

/** A limit that follows its settings: as long as they are the same it goes on counting, else it begins anew. */
export class FollowedRate {
  readonly #world: World;
  readonly #windowMs: number;
  #settings = '';
  #limit: RateLimit | undefined;

  constructor(world: World, windowMs: number) {
    this.#world = world;
    this.#windowMs = windowMs;
  }

  follow(rate: number, burst: number): void {
    const settings = `${rate} ${burst}`;
    if (settings === this.#settings) return;
    this.#settings = settings;
    this.#limit = rateLimit(this.#world, rate, burst, this.#windowMs);
  }

  /** Undefined while the rate is 0. */
  get now(): RateLimit | undefined {
    return this.#limit;
  }
}

/** Messages remembered as already counted, and how often each may be repeated without being counted again. */
const MOST_MESSAGES = 20_000;
const MOST_REPETITIONS = 100;

/**
 * Messages that were counted already. Whoever repeats one under its id, because an answer was lost or because many ask at
 * once, starts no second turn and is not to be refused for it.
 */
export class Repetitions {
  /** How often each was repeated; the one counted first comes first. */
  readonly #seen = new Map<string, number>();

  /** Whether this message was counted and may be repeated once more. */
  take(message: string): boolean {
    const times = this.#seen.get(message);
    if (times === undefined || times >= MOST_REPETITIONS) return false;
    this.#seen.set(message, times + 1);
    return true;
  }

  /** This message is counted now. */
  note(message: string): void {
    this.#seen.set(message, 0);
    if (this.#seen.size <= MOST_MESSAGES) return;
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest);
      break;
    }
  }
}

/** How many each name holds at the same time. */
export class Concurrency {
  #most: number;
  readonly #held = new Map<string, number>();
  constructor(most: number) {
    this.#most = most;
  }

  /** From now on; whoever holds more than that keeps it. */
  follow(most: number): void {
    this.#most = most;
  }

  /** Takes a place and answers how to give it back (once, however often it is called); undefined when none is free. */
  enter(name: string): (() => void) | undefined {
    const held = this.#held.get(name) ?? 0;
    if (held >= this.#most) return undefined;
    this.#held.set(name, held + 1);
    let holds = true;
    return () => {
      if (!holds) return;
      holds = false;
      const left = (this.#held.get(name) ?? 1) - 1;
      if (left === 0) this.#held.delete(name);
      else this.#held.set(name, left);
    };
  }
}

/** Bytes that many hold together. */
export class HeldBytes {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Holds more, also when it is too much: false then. Whoever takes gives it back. */
  take(bytes: number): boolean {
    this.#held += bytes;
    return this.#held <= this.#most;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}
