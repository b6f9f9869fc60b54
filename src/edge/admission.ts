// SPDX-License-Identifier: Apache-2.0
// Whether new work is let in: not while what was let in before waits too long, so that whatever is let in is answered soon.

import { type Failure, failure } from '../errors.ts';
import type { World } from '../world.ts';

/** A wait that new work would have at most, in milliseconds; a turn passes its queues some five times. */
const WAIT_MS = 100;
/** As many may always wait: a burst after silence is no overload, and tells no pace yet. */
const ALWAYS = 64;
/** Work this old that is not done yet, with some more behind it, means that its queue stands still. */
const STALLED_MS = 500;
const STALLED_MOST = 16;
/** The pace of a queue is measured over this long; before that is over the first milliseconds must do. */
const PACE_MS = 250;
const FIRST_PACE_MS = 20;
/** As many are let in while nothing is known of the pace. */
const UNKNOWN_MOST = 256;

/** What waits in one queue: its age, and how fast it goes. */
class Waiting {
  private readonly world: World;
  /** When each came in, oldest first. */
  private readonly since = new Map<number, number>();
  private last = 0;
  /** How many left each millisecond, the last time the queue was never empty for a while; 0: not known. */
  private pace = 0;
  private left = 0;
  private from: number;

  constructor(world: World) {
    this.world = world;
    this.from = world.monotonic();
  }

  enter(): () => void {
    this.last += 1;
    const ticket = this.last;
    if (this.since.size === 0) this.restart(this.world.monotonic());
    this.since.set(ticket, this.world.monotonic());
    return () => {
      if (!this.since.delete(ticket)) return;
      this.left += 1;
    };
  }

  /** Milliseconds that something new would have to wait; 0 while that is no matter. */
  wait(): number {
    const now = this.world.monotonic();
    const size = this.since.size;
    if (size < STALLED_MOST) return 0;
    const [oldest = now] = this.since.values();
    if (now - oldest > STALLED_MS) return now - oldest;
    const elapsed = now - this.from;
    if (elapsed >= PACE_MS) {
      this.pace = this.left / elapsed;
      this.restart(now);
    }
    if (size < ALWAYS) return 0;
    const sofar = now - this.from;
    const pace = Math.max(this.pace, sofar >= FIRST_PACE_MS ? this.left / sofar : 0);
    if (pace === 0) return size < UNKNOWN_MOST ? 0 : STALLED_MS;
    const wait = size / pace;
    return wait > WAIT_MS ? wait : 0;
  }

  private restart(now: number): void {
    this.from = now;
    this.left = 0;
  }
}

/** The queues that work which was let in passes: by the name of the thread that works one off. */
export class Admission {
  private readonly world: World;
  private readonly queues = new Map<string, Waiting>();
  /** Told when something is not let in. */
  refused = 0;

  constructor(world: World) {
    this.world = world;
  }

  /** Something waits in a queue from now on, until the function that comes back is called. */
  enter(queue: string): () => void {
    let waiting = this.queues.get(queue);
    if (waiting === undefined) {
      waiting = new Waiting(this.world);
      this.queues.set(queue, waiting);
    }
    return waiting.enter();
  }

  /** Why nothing more is let into a queue now, or null. */
  refusal(queue: string): Failure | null {
    const wait = this.queues.get(queue)?.wait() ?? 0;
    return wait === 0 ? null : this.refuse(`thread/${queue} is behind`, wait);
  }

  /** The same before it is known which of these queues something is for: refused when all are behind. */
  refusalOfAll(queues: readonly string[]): Failure | null {
    let least = Number.POSITIVE_INFINITY;
    for (const queue of queues) {
      const wait = this.queues.get(queue)?.wait() ?? 0;
      if (wait === 0) return null;
      least = Math.min(least, wait);
    }
    return queues.length === 0 ? null : this.refuse('all of it is behind', least);
  }

  private refuse(why: string, wait: number): Failure {
    this.refused += 1;
    // Those that are refused together are not to come back together.
    const retry_after_ms = 1_000 + Math.min(9_000, wait) * this.world.random() * 2;
    return failure('overloaded', `The gateway has more to do than it can do soon: ${why}.`, { retry_after_ms });
  }
}
