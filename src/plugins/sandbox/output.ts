// SPDX-License-Identifier: Apache-2.0
// What a program writes, kept within a bound: its beginning and its end, and how much is missing between.

/** Bytes kept of the beginning, and of the end. */
const KEPT = 16_384;

export class BoundedOutput {
  readonly #start: Buffer[] = [];
  #started = 0;
  /** Ever newer pieces of the end; whole pieces that have become too old are let go. */
  readonly #end: Buffer[] = [];
  #ending = 0;
  #dropped = 0;

  take(chunk: Buffer): void {
    const room = KEPT - this.#started;
    if (room > 0) {
      this.#start.push(Buffer.from(chunk.subarray(0, room)));
      this.#started += Math.min(chunk.length, room);
    }
    if (chunk.length <= room) return;
    const rest = Buffer.from(chunk.subarray(Math.max(room, chunk.length - KEPT)));
    this.#dropped += chunk.length - Math.max(room, 0) - rest.length;
    this.#end.push(rest);
    this.#ending += rest.length;
    for (let first = this.#end[0]; first !== undefined && this.#ending - first.length >= KEPT; first = this.#end[0]) {
      this.#end.shift();
      this.#ending -= first.length;
      this.#dropped += first.length;
    }
  }

  /** The text, with a line that says what is missing. */
  text(): string {
    const end = Buffer.concat(this.#end);
    const over = Math.max(end.length - KEPT, 0);
    const missing = this.#dropped + over;
    if (missing === 0) return Buffer.concat([...this.#start, end]).toString();
    return `${Buffer.concat(this.#start).toString()}\n[${missing} bytes are left out here]\n${end.subarray(over).toString()}`;
  }
}
