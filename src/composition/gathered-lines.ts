// SPDX-License-Identifier: Apache-2.0
// Lines of a thread on their way to the root's log: what a turn of the loop says goes as one message, for each wakes the root.

import type { LogLevel, LogLine } from './boot.ts';

/** Those nobody waits for. A thread may end in the very turn in which it says worse. */
const PATIENT: ReadonlySet<LogLevel> = new Set(['debug', 'info']);

export interface GatheredLinesOptions {
  /** Runs once the loop has turned. */
  readonly soon: (run: () => void) => void;
  /** @throws what cannot be cloned */
  readonly post: (lines: readonly LogLine[]) => void;
}

export class GatheredLines {
  readonly #options: GatheredLinesOptions;
  #lines: LogLine[] = [];

  constructor(options: GatheredLinesOptions) {
    this.#options = options;
  }

  add(line: LogLine): void {
    this.#lines.push(line);
    if (!PATIENT.has(line.level)) this.flush();
    else if (this.#lines.length === 1) this.#options.soon(() => this.flush());
  }

  /** Sends what has been gathered, in its order. */
  flush(): void {
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    try {
      this.#options.post(lines);
    } catch {
      for (const line of lines) this.#alone(line);
    }
  }

  /** Of one that cannot be sent it is told at least what it says. */
  #alone(line: LogLine): void {
    try {
      this.#options.post([line]);
    } catch (thrown) {
      this.#options.post([{ ...line, fields: { unclear: String(thrown) } }]);
    }
  }
}
