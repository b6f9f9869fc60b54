// SPDX-License-Identifier: Apache-2.0
// How many senders' keys all sessions of a thread remember together: past the bound busy ones forget their oldest, and ask the view.

/** A lane, as far as it remembers keys. */
export interface Remembering {
  /** Keys it remembers. */
  readonly keys: number;
  /** Forgets its oldest until so many are left: one it does not know any more is asked of the view. */
  forgetKeys(left: number): void;
}

/** Keys a session may keep however many there are: a conversation asks for none of them anew. */
export const KEYS_LEAST = 64;
/** What is left of a session's keys when it has to forget some: seldom enough to cost little. */
const LEFT = 0.75;

/**
 * One for a thread. What a session may remember alone is little; thousands that are written in all day would together fill the
 * thread's memory, which is ended for it and finds them all in its logs again.
 */
export class KeyRoom {
  readonly #most: () => number;
  readonly #held = new Map<Remembering, number>();
  #total = 0;

  /** @param most keys that may be remembered together; some 250 bytes each */
  constructor(most: () => number) {
    this.#most = most;
  }

  get total(): number {
    return this.#total;
  }

  /** A lane may remember more than it did. */
  note(lane: Remembering): void {
    this.#count(lane);
    if (this.#total <= this.#most() || lane.keys <= KEYS_LEAST) return;
    lane.forgetKeys(Math.max(KEYS_LEAST, Math.floor(lane.keys * LEFT)));
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
