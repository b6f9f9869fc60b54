// SPDX-License-Identifier: Apache-2.0
// How many senders' keys all sessions of a thread remember together: past the bound busy ones forget their oldest, and ask the view.

import type { KeyBounds } from './policy.ts';

/** A lane, as far as it remembers keys. */
export interface Remembering {
  /** Keys it remembers. */
  readonly keys: number;
  /** Forgets its oldest until so many are left: one it does not know any more is asked of the view. */
  forgetKeys(left: number): void;
}

/** What is left of a session's keys when it has to forget some: seldom enough to cost little. */
const LEFT = 0.75;

/**
 * One for a thread. What a session may remember alone is little; thousands that are written in all day would together fill the
 * thread's memory, which is ended for it and finds them all in its logs again.
 */
export class KeyRoom {
  readonly #bounds: () => KeyBounds;
  readonly #held = new Map<Remembering, number>();
  #total = 0;

  constructor(bounds: () => KeyBounds) {
    this.#bounds = bounds;
  }

  get total(): number {
    return this.#total;
  }

  /** A lane may remember more than it did. */
  note(lane: Remembering): void {
    this.#count(lane);
    const { most, least } = this.#bounds();
    if (this.#total <= most || lane.keys <= least) return;
    lane.forgetKeys(Math.max(least, Math.floor(lane.keys * LEFT)));
    this.#count(lane);
  }

  left(lane: Remembering): void {
    this.#total -= this.#held.get(lane) ?? 0;
    this.#held.delete(lane);
  }

  #count(lane: Remembering): void {
    const { keys } = lane;
    this.#total += keys - (this.#held.get(lane) ?? 0);
    this.#held.set(lane, keys);
  }
}
