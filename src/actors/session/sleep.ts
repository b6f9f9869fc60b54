// SPDX-License-Identifier: Apache-2.0
// Which lanes of a thread go to sleep, and when: past the cap, or when they have rested long enough; and turns out of time.

import type { World } from '../../world.ts';
import { Deadlines } from './deadlines.ts';
import type { Lane } from './lane.ts';
import type { LanePolicy } from './policy.ts';
import { RestOrder } from './rest-order.ts';

export interface SleepOptions {
  readonly world: World;
  readonly policy: () => LanePolicy;
  /** Lanes that are awake now. */
  readonly awake: () => number;
  /** Runs what a lane does of itself; what it throws harms it alone. */
  readonly guarded: (lane: Lane, run: () => void) => void;
  /** Lets a lane go whose log ends with all it knows. */
  readonly forget: (lane: Lane) => void;
  /** Told after every sweep. */
  readonly swept: () => void;
}

/** How often deadlines and idle times are looked at, in milliseconds. */
const SWEEP_EVERY = 1_000;
/** Lanes put to sleep in one go, so that a sweep never holds the thread, and the pause before the next go. */
const SLEEP_AT_ONCE = 64;
const SLEEP_PAUSE = 20;

/** Looks only at what is due: never at all lanes, however many there are. */
export class Sleep {
  private readonly options: SleepOptions;
  /** Those that rest, the least recently used first. */
  private readonly order = new RestOrder<Lane>();
  /** How many write their checkpoint and are gone then. */
  private falling = 0;
  private readonly deadlines = new Deadlines<Lane>();
  private held = 0;
  private stopSweep: () => void = () => undefined;

  constructor(options: SleepOptions) {
    this.options = options;
    this.schedule(SWEEP_EVERY);
  }

  /** How many rest. */
  get resting(): number {
    return this.order.size;
  }

  /** A lane's turn began, or goes on. */
  began(lane: Lane, started_at: number): void {
    if (lane.slot === 0) this.deadlines.add(lane, started_at + this.options.policy().turn_timeout);
  }

  /** Something of a lane is due at this time. */
  due(lane: Lane, at: number): void {
    this.deadlines.bring(lane, at);
  }

  /** A lane that rested has something to do. */
  stirred(lane: Lane): void {
    this.order.remove(lane);
  }

  /** A lane has come to rest. */
  rested(lane: Lane): void {
    lane.active_at = this.now();
    this.order.add(lane);
    if (lane.sleepy) this.options.forget(lane);
    else this.trim();
  }

  /** A lane is used: the last to sleep, also when it was about to. */
  used(lane: Lane): void {
    lane.active_at = this.now();
    this.keepAwake(lane);
    if (!lane.resting) return;
    this.order.remove(lane);
    this.order.add(lane);
  }

  /** A lane is forgotten. */
  left(lane: Lane): void {
    this.keepAwake(lane);
    if (lane.resting) this.order.remove(lane);
    if (lane.slot !== 0) this.deadlines.remove(lane);
  }

  /** A lane that woke is given its messages: put to sleep before, it would only be woken by them again, for ever. */
  hold(): void {
    this.held += 1;
  }

  release(): void {
    this.held -= 1;
    this.trim();
  }

  stop(): void {
    this.stopSweep();
  }

  private now(): number {
    return Math.floor(this.options.world.monotonic());
  }

  /** Past the cap those that have rested longest go to sleep early. */
  private trim(): void {
    if (this.held > 0) return;
    const over = this.options.awake() - this.falling - this.options.policy().awake_most;
    for (let left = Math.min(over, SLEEP_AT_ONCE); left > 0; left -= 1) {
      const { oldest } = this.order;
      if (oldest === null) return;
      this.putToSleep(oldest);
    }
  }

  /** Its log gets to end with all it knows; once that is durable it is forgotten, unless a message comes first. */
  private putToSleep(lane: Lane): void {
    lane.sleepy = true;
    this.falling += 1;
    if (!lane.checkpoint()) this.options.forget(lane);
  }

  private keepAwake(lane: Lane): void {
    if (!lane.sleepy) return;
    lane.sleepy = false;
    this.falling -= 1;
  }

  private schedule(pause: number): void {
    this.stopSweep = this.options.world.after(pause, () => {
      this.endLate();
      const more = this.sleepIdle();
      this.options.swept();
      this.schedule(more ? SLEEP_PAUSE : SWEEP_EVERY);
    });
  }

  /** Ends turns that are out of time. */
  private endLate(): void {
    const now = this.options.world.now();
    for (const lane of this.deadlines.due(now)) {
      this.options.guarded(lane, () => {
        const until = lane.sweep(now);
        if (until !== null && lane.slot === 0) this.deadlines.add(lane, until);
      });
    }
  }

  /** Puts to sleep what has rested long enough; whether some of that is left. */
  private sleepIdle(): boolean {
    const idle_since = this.options.world.monotonic() - this.options.policy().idle_timeout;
    for (let left = SLEEP_AT_ONCE; left > 0; left -= 1) {
      const { oldest } = this.order;
      if (oldest === null || oldest.active_at >= idle_since) {
        this.trim();
        return false;
      }
      this.putToSleep(oldest);
    }
    return true;
  }
}
