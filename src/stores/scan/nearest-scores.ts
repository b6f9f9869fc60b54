// SPDX-License-Identifier: Apache-2.0
// The `k` highest of many scores, to know what a further one must reach: a heap whose top is the lowest of them.

export class NearestScores {
  readonly #most: number;
  readonly #heap: Float64Array;
  #size = 0;

  constructor(most: number) {
    this.#most = most;
    this.#heap = new Float64Array(most);
  }

  /** The `k`th highest; whatever is, while there are fewer. */
  get floor(): number {
    return this.#size < this.#most ? Number.NEGATIVE_INFINITY : (this.#heap[0] ?? 0);
  }

  add(score: number): void {
    if (this.#size < this.#most) {
      this.#rise(this.#size, score);
      this.#size += 1;
    } else if (score > this.floor) this.#sink(score);
  }

  /** Puts a score in at the end, moved up to its place. */
  #rise(end: number, score: number): void {
    const heap = this.#heap;
    let at = end;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] ?? 0;
      if (above <= score) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = score;
  }

  /** Puts a score in at the top, moved down to its place. */
  #sink(score: number): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && (heap[child + 1] ?? 0) < (heap[child] ?? 0)) child += 1;
      const below = heap[child] ?? 0;
      if (below >= score) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = score;
  }
}
