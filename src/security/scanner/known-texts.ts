// SPDX-License-Identifier: Apache-2.0
// Secrets that are known word for word, as a stream looks for them: by their first units.

import { addBeginning, type Beginning, noBeginning } from './stream-rules.ts';

/** A text that is looked for, as long as one is held back for. */
export type KnownText = string;

/** Units by which they are told apart; none is shorter. */
const BEGUN = 6;
/** A longer one is taken for what it is after so many units: what is held back is bounded, and nothing else begins so. */
const LONGEST = 1_024;

/** Texts that are only ever added to. */
export interface TextSource {
  readonly size: number;
  /** All of them, in the order in which they came. */
  texts(): Iterable<string>;
}

export class KnownTexts {
  static readonly begun = BEGUN;
  readonly #source: TextSource;
  readonly #root = noBeginning<KnownText>();
  #taken = 0;

  constructor(source: TextSource) {
    this.#source = source;
  }

  /** The tree over the first units of all there are now. */
  get root(): Beginning<KnownText> {
    const { size } = this.#source;
    if (size === this.#taken) return this.#root;
    let at = 0;
    for (const text of this.#source.texts()) {
      at += 1;
      if (at > this.#taken && text.length >= BEGUN)
        addBeginning(this.#root, text.slice(0, BEGUN), text.slice(0, LONGEST));
    }
    this.#taken = size;
    return this.#root;
  }
}
