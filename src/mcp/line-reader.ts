// SPDX-License-Identifier: Apache-2.0
// Lines out of chunks of bytes, each no longer than it may be.

const NEWLINE = 0x0a;

export class LineReader {
  readonly #most: number;
  readonly #line: (line: string) => void;
  readonly #over: 'refuse' | 'cut';
  #chunks: Buffer[] = [];
  #size = 0;
  #refused = false;

  /**
   * @param most bytes of a line
   * @param over what becomes of a longer one: nothing more is read, or the rest of that line is left out
   */
  constructor(most: number, line: (line: string) => void, over: 'refuse' | 'cut' = 'refuse') {
    this.#most = most;
    this.#line = line;
    this.#over = over;
  }

  /** False once a line was too long. */
  take(chunk: Buffer): boolean {
    let from = 0;
    while (!this.#refused) {
      const end = chunk.indexOf(NEWLINE, from);
      this.#hold(chunk.subarray(from, end < 0 ? chunk.length : end));
      if (end < 0) break;
      if (!this.#refused) this.#give();
      from = end + 1;
    }
    return !this.#refused;
  }

  #hold(piece: Buffer): void {
    const room = this.#most - this.#size;
    if (piece.length > room && this.#over === 'refuse') {
      this.#refused = true;
      this.#chunks = [];
      return;
    }
    const kept = piece.subarray(0, room);
    if (kept.length === 0) return;
    // A copy: a slice of a pooled chunk would hold on to all of it.
    this.#chunks.push(Buffer.from(kept));
    this.#size += kept.length;
  }

  #give(): void {
    const line = Buffer.concat(this.#chunks, this.#size).toString('utf8').replace(/\r$/, '');
    this.#chunks = [];
    this.#size = 0;
    this.#line(line);
  }
}
