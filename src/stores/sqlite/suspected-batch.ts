// SPDX-License-Identifier: Apache-2.0
// Which text of a batch is at fault when its worker dies: nobody can say but by trying fewer, down to one. Pure.

/** What is asked for at once. */
export interface TriedBatch {
  /** The generation of the index it is for. */
  readonly generation: number;
  /** Its items, in the order of their numbers, and at least one. */
  readonly items: readonly { readonly n: number }[];
  /** Its last item. */
  readonly upto: number;
}

/** How often a batch, and in the end one text, is tried as it is: what went wrong may have been something else. */
export const TRIES_MOST = 3;

/** `again`: as it was. `fewer`: half of it. `one`: it is a single text, and was tried often enough. */
export type Verdict = 'again' | 'fewer' | 'one';

/** A batch that failed, and how much of it is tried now. */
export class SuspectedBatch {
  readonly #generation: number;
  /** Behind its last item nothing is under suspicion. */
  readonly #upto: number;
  #texts: number;
  #tries = 0;
  #halved = false;

  constructor({ generation, items, upto }: TriedBatch) {
    this.#generation = generation;
    this.#upto = upto;
    this.#texts = items.length;
  }

  /** Texts to ask for at once. */
  get texts(): number {
    return this.#texts;
  }

  /** Whether a batch begins in this one. What is removed meanwhile may let it end behind it. */
  covers({ generation, items: [first] }: TriedBatch): boolean {
    return generation === this.#generation && first !== undefined && first.n <= this.#upto;
  }

  /**
   * A batch that this one covers has failed. A whole one is tried a few times, its parts once each, one text again a few times.
   *
   * @param size it failed for its size: as it is it would again
   */
  failed({ items }: TriedBatch, size = false): Verdict {
    this.#texts = Math.min(this.#texts, items.length);
    this.#tries += 1;
    if (this.#texts === 1) return this.#tries < TRIES_MOST ? 'again' : 'one';
    if (!size && !this.#halved && this.#tries < TRIES_MOST) return 'again';
    this.#halved = true;
    this.#texts = Math.ceil(this.#texts / 2);
    this.#tries = 0;
    return 'fewer';
  }

  /** A batch that this one covers is done. @returns whether all of this one is */
  done({ upto }: TriedBatch): boolean {
    this.#tries = 0;
    return upto >= this.#upto;
  }
}
