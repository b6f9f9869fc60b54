// SPDX-License-Identifier: Apache-2.0
// Steps for those who watch: chosen and sampled where they happen, so that what nobody is shown crosses no thread.

import type { World } from '../world.ts';
import { type TraceEvent, type TraceLine, type TraceWish, traceName } from './thread/protocol.ts';

/** Steps told of in one second; the rest is counted. */
export const STEPS_PER_SECOND = 1_000;
const WINDOW_MS = 1_000;
/** Whoever watches says so every second; one that has not for this long is gone, or its thread is. */
export const LEASE_MS = 5_000;
/** Different wishes at once; the one that was renewed longest ago makes room. */
const WISHES_MOST = 64;

export interface TraceFeedOptions {
  readonly world: World;
  /** Whether somebody listens under this name of the thread's topics. */
  readonly heard: (name: string) => boolean;
  readonly publish: (name: string, event: TraceEvent) => void;
}

interface Watched {
  readonly name: string;
  readonly wish: TraceWish;
  /** Until when somebody wants it, by the monotonic clock. */
  until: number;
  /** When the present second began, what it has room for, and what had none. */
  window: number;
  left: number;
  dropped: number;
}

export class TraceFeed {
  private readonly options: TraceFeedOptions;
  private watched: readonly Watched[] = [];

  constructor(options: TraceFeedOptions) {
    this.options = options;
  }

  /** Whether nobody watches: then a step costs one look at this. */
  get idle(): boolean {
    return this.watched.length === 0;
  }

  /** Somebody watches this for a while longer. */
  follow(wish: TraceWish): void {
    const now = this.options.world.monotonic();
    const name = traceName(wish);
    const known = this.watched.find((one) => one.name === name);
    if (known !== undefined) {
      known.until = now + LEASE_MS;
      // Seldom steps may be all there is: what was left out before is told now.
      this.turn(known, now);
      this.watched = [...this.watched.filter((one) => one !== known), known];
      return;
    }
    const fresh = { name, wish, until: now + LEASE_MS, window: now, left: STEPS_PER_SECOND, dropped: 0 };
    this.watched = [...this.watched, fresh].slice(-WISHES_MOST);
  }

  /**
   * An actor has made a step.
   *
   * @param now the monotonic clock
   * @param told makes the line, only where it is shown
   */
  step(address: string, now: number, told: () => TraceLine): void {
    let line: TraceLine | undefined;
    for (const one of this.watched) {
      if (!wants(one.wish, address)) continue;
      this.turn(one, now);
      if (one.left === 0) {
        one.dropped += 1;
        continue;
      }
      if (now > one.until || !this.options.heard(one.name)) {
        this.watched = this.watched.filter((other) => other !== one);
        continue;
      }
      one.left -= 1;
      line ??= told();
      this.options.publish(one.name, line);
    }
  }

  /** A second is over: the next has room again, and what found none is told as a number. */
  private turn(one: Watched, now: number): void {
    if (now - one.window < WINDOW_MS) return;
    if (one.dropped > 0) this.options.publish(one.name, { dropped: one.dropped });
    one.window = now;
    one.left = STEPS_PER_SECOND;
    one.dropped = 0;
  }
}

function wants({ kind, address }: TraceWish, of: string): boolean {
  if (address !== undefined && of !== address) return false;
  return kind === undefined || (of.startsWith(kind) && of[kind.length] === '/');
}
