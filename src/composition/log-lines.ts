// SPDX-License-Identifier: Apache-2.0
// Where the lines of the log go: whatever takes them may be full, broken or stuck, and the gateway goes on without it.

import { writeSync } from 'node:fs';

/** How long a line waits for who reads the other end of a pipe, in milliseconds: at each look, and as a whole. */
const STUCK_MS = 10;
const STUCK_MOST_MS = 1_000;

export class LogLines {
  readonly #fd: number;
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4));
  #lost = 0;
  #why = '';
  /** The last line could not be written: nobody waits for the next one. */
  #failing = false;
  /** A part of a line has been written, and its end is lost. */
  #torn = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Writes a line, or counts it as lost. */
  write(line: string): void {
    const bytes = Buffer.from(this.#torn ? `\n${line}` : line);
    let done = 0;
    let patience = this.#failing ? 0 : STUCK_MOST_MS;
    while (done < bytes.length) {
      try {
        done += writeSync(this.#fd, bytes, done);
      } catch (thrown) {
        const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
        if (code === 'EAGAIN' && patience > 0) {
          patience -= STUCK_MS;
          Atomics.wait(this.#sleeper, 0, 0, STUCK_MS);
          continue;
        }
        this.#lost += 1;
        this.#why = code;
        this.#failing = true;
        this.#torn ||= done > 0;
        return;
      }
    }
    this.#failing = false;
    this.#torn = false;
  }

  /** Lines that were lost since this was asked last, once lines can be written again; undefined when there are none. */
  takeLost(): { readonly lines: number; readonly code: string } | undefined {
    if (this.#lost === 0 || this.#failing) return undefined;
    const lost = { lines: this.#lost, code: this.#why };
    this.#lost = 0;
    return lost;
  }
}
