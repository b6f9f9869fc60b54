// SPDX-License-Identifier: Apache-2.0
// Whether somebody who is kept out may be told so now: at most once an hour, and never a crowd of them at once.

/** How long somebody is told nothing more, in milliseconds. */
const QUIET_MS = 3_600_000;
/** People who are remembered; while as many were told in the last hour, nobody else is. */
const PEOPLE_MOST = 1_000;

/** Of one channel. */
export class RefusalReplies {
  /** When they were told last, oldest first. */
  readonly #told = new Map<string, number>();

  /**
   * Whether a sender may be told something, which counts as told.
   *
   * @param now epoch milliseconds
   */
  may(platform_id: string, now: number): boolean {
    for (const [id, at] of this.#told) {
      if (at + QUIET_MS > now) break;
      this.#told.delete(id);
    }
    if (this.#told.has(platform_id) || this.#told.size >= PEOPLE_MOST) return false;
    this.#told.set(platform_id, now);
    return true;
  }
}
