// SPDX-License-Identifier: Apache-2.0
// The newest lines of the log, kept in memory for whoever looks at them through the gateway; a restart forgets them.

import type { KeptLine, KeptLog } from '../edge/ports.ts';

/** Lines that are kept at most, and their characters all together. */
export const LINES_KEPT = 2_000;
export const CHARACTERS_KEPT = 1_048_576;
/** So many lines that were let go of stay in the array until it is cut: not at every line. */
const SLACK = 256;

export class LogRing implements KeptLog {
  readonly #uuid: () => string;
  #name = '';
  #lines: KeptLine[] = [];
  /** Where the kept ones begin in the array. */
  #from = 0;
  #characters = 0;
  #last = 0;
  readonly #listeners = new Set<(line: KeptLine) => void>();

  constructor(uuid: () => string) {
    this.#uuid = uuid;
  }

  get name(): string {
    this.#name ||= this.#uuid();
    return this.#name;
  }

  get last(): number {
    return this.#last;
  }

  /** @param text one line, as it is written */
  add(text: string): void {
    this.#last += 1;
    const line = { n: this.#last, text };
    this.#lines.push(line);
    this.#characters += text.length;
    while (
      this.#lines.length - this.#from > LINES_KEPT ||
      (this.#characters > CHARACTERS_KEPT && this.#lines.length - this.#from > 1)
    ) {
      this.#characters -= this.#lines[this.#from]?.text.length ?? 0;
      // Let go of now: a slot that waits to be cut off holds nothing.
      this.#lines[this.#from] = GONE;
      this.#from += 1;
    }
    if (this.#from >= SLACK) {
      this.#lines = this.#lines.slice(this.#from);
      this.#from = 0;
    }
    for (const heard of [...this.#listeners]) heard(line);
  }

  *newestFirst(before = Number.POSITIVE_INFINITY): Iterable<KeptLine> {
    for (let at = this.#lines.length - 1; at >= this.#from; at -= 1) {
      const line = this.#lines[at];
      if (line !== undefined && line.n < before) yield line;
    }
  }

  follow(heard: (line: KeptLine) => void): () => void {
    this.#listeners.add(heard);
    return () => this.#listeners.delete(heard);
  }
}

const GONE: KeptLine = { n: 0, text: '' };
