// SPDX-License-Identifier: Apache-2.0
// What waits in one queue: whose it is, how old, and how fast it goes; from that, whether somebody may add to it.

import type { World } from '../world.ts';

/** A wait that new work would have at most, in milliseconds; a turn passes its queues some five times. */
const WAIT_MS = 100;
/** As many may always wait: a burst after silence is no overload, and tells no pace yet. */
const ALWAYS = 64;
/** As many of one share are within anybody's fair part. */
export const FEW = 4;
/** A queue with so many that nothing has left for so long stands still. */
const STALLED_MS = 500;
const STALLED_MOST = 16;
/** The pace of a queue is measured over this long; before that is over the first milliseconds must do. */
const PACE_MS = 250;
const FIRST_PACE_MS = 20;
/** As many are let in while nothing is known of the pace. */
const UNKNOWN_MOST = 256;
/** Shares that had something here within the last one or two of these count among those that share, in milliseconds. */
const LATELY_MS = 1_000;

/** Who came lately: shares of the last one or two seconds. */
export class Lately {
  private readonly world: World;
  private now = new Set<string>();
  private before: ReadonlySet<string> = new Set();
  private turned: number;

  constructor(world: World) {
    this.world = world;
    this.turned = world.monotonic();
  }

  note(share: string): void {
    this.turn();
    this.now.add(share);
  }

  /** How many there are at least. */
  get count(): number {
    this.turn();
    return Math.max(this.now.size, this.before.size);
  }

  private turn(): void {
    const now = this.world.monotonic();
    if (now - this.turned < LATELY_MS) return;
    this.before = now - this.turned < 2 * LATELY_MS ? this.now : new Set();
    this.now = new Set();
    this.turned = now;
  }
}

/**
 * One queue. A share is whoever work is done for: a user, or an address where users have no names. What the queue has room
 * for is what it works off in the time that may be waited; whoever has less than an equal part of it may always add.
 */
export class Waiting {
  private readonly world: World;
  /** When each came in, oldest first. */
  private readonly since = new Map<number, number>();
  private readonly held = new Map<string, number>();
  private readonly lately: Lately;
  private last = 0;
  /** How many left each millisecond, the last time the queue was never empty for a while; 0: not known. */
  private known = 0;
  private left = 0;
  private from: number;
  /** When something left last. */
  private leftAt: number;

  constructor(world: World) {
    this.world = world;
    this.from = world.monotonic();
    this.leftAt = this.from;
    this.lately = new Lately(world);
  }

  /** Something of this share waits from now on, until the function that comes back is called. */
  enter(share: string): () => void {
    const now = this.world.monotonic();
    this.last += 1;
    const ticket = this.last;
    if (this.since.size === 0) this.restart(now);
    this.since.set(ticket, now);
    this.held.set(share, this.of(share) + 1);
    this.lately.note(share);
    return () => {
      if (!this.since.delete(ticket)) return;
      this.left += 1;
      this.leftAt = this.world.monotonic();
      const rest = this.of(share) - 1;
      if (rest === 0) this.held.delete(share);
      else this.held.set(share, rest);
    };
  }

  get size(): number {
    return this.since.size;
  }

  of(share: string): number {
    return this.held.get(share) ?? 0;
  }

  /** Whether one more of this share may wait here; with `times` as much room as there is. */
  admits(share: string, times = 1): boolean {
    if (this.size < STALLED_MOST) return true;
    const now = this.world.monotonic();
    const room = this.room(now) * times;
    return this.size < room || this.of(share) < Math.max(FEW, Math.floor(room / this.shares));
  }

  /** Whether nothing has moved here for too long. */
  get stalled(): boolean {
    return this.size >= STALLED_MOST && this.still(this.world.monotonic());
  }

  /** What the queue works off in so many milliseconds; undefined while that is not known. */
  worksOff(ms: number): number | undefined {
    const pace = this.pace(this.world.monotonic());
    return pace === 0 ? undefined : pace * ms;
  }

  /** Milliseconds that something new would have to wait, as far as that is known. */
  wait(): number {
    const now = this.world.monotonic();
    const pace = this.pace(now);
    return Math.max(this.age(now), pace === 0 ? 0 : this.size / pace);
  }

  private room(now: number): number {
    if (this.still(now)) return 0;
    const pace = this.pace(now);
    return pace === 0 ? UNKNOWN_MOST : Math.max(ALWAYS, pace * WAIT_MS);
  }

  /** Not the age of the oldest: that may be a flood's, which waits while others have their turns. */
  private still(now: number): boolean {
    return now - this.leftAt > STALLED_MS && this.age(now) > STALLED_MS;
  }

  /** How long the oldest has waited. */
  private age(now: number): number {
    for (const oldest of this.since.values()) return now - oldest;
    return 0;
  }

  private pace(now: number): number {
    const elapsed = now - this.from;
    if (elapsed >= PACE_MS && this.size > 0) {
      this.known = this.left / elapsed;
      this.restart(now);
      return this.known;
    }
    return Math.max(this.known, elapsed >= FIRST_PACE_MS ? this.left / elapsed : 0);
  }

  private restart(now: number): void {
    this.from = now;
    this.left = 0;
  }

  /** How many share: those that came lately, and one that comes now. */
  private get shares(): number {
    return Math.max(1, this.lately.count);
  }
}
