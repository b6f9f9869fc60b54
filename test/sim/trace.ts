// SPDX-License-Identifier: Apache-2.0
// What happened, as one hash over every step and every row, and the lines it was made of.

/** Lines kept for whoever looks at a run that broke. */
const KEPT = 400;

export class Trace {
  private one = 0x811c9dc5;
  private two = 0x1234567;
  private readonly lines: string[] = [];
  private next = 0;
  private readonly all: ((line: string) => void) | undefined;

  /** @param all told every line as it comes; without it only the last ones are kept */
  constructor(all?: (line: string) => void) {
    this.all = all;
  }

  /** Notes one thing. Everything in it must be the same in every process: no counter of a library, no real time. */
  note(at: number, who: string, what: string): void {
    const line = `${at.toFixed(3)} ${who} ${what}`;
    let { one, two } = this;
    for (let index = 0; index < line.length; index += 1) {
      const code = line.charCodeAt(index);
      one = Math.imul(one ^ code, 0x01000193);
      two = Math.imul(two + code, 0x85ebca6b) ^ (two >>> 13);
    }
    this.one = one;
    this.two = two;
    this.lines[this.next % KEPT] = line;
    this.next += 1;
    this.all?.(line);
  }

  /** A line for whoever reads along; it is no part of the hash, and is only made if somebody does. */
  remark(line: () => string): void {
    this.all?.(`    ${line()}`);
  }

  get hash(): string {
    return [this.one, this.two].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  /** The last lines, oldest first. */
  get last(): readonly string[] {
    const from = Math.max(0, this.next - KEPT);
    return Array.from({ length: this.next - from }, (_, at) => this.lines[(from + at) % KEPT] ?? '');
  }
}
