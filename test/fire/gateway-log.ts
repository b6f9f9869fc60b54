// SPDX-License-Identifier: Apache-2.0
// What a gateway process says on stderr, as it comes: when a thread was found to be bad, and when another took its place.

import type { Readable } from 'node:stream';

export interface Line {
  /** Milliseconds since the epoch, as the gateway noted it. */
  readonly at: number;
  readonly thread: string;
  readonly msg: string;
  readonly reason: string;
}

export class GatewayLog {
  readonly lines: Line[] = [];
  /** What it said last. */
  last = '';

  constructor(stderr: Readable) {
    let rest = '';
    stderr.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#note(line);
    });
  }

  /** When this thread was found to be bad: after `since`, and in what order. */
  found(thread: string, since: number): readonly number[] {
    return this.lines
      .filter((line) => line.thread === thread && line.at >= since)
      .filter(({ msg }) => msg === 'a thread does not answer and is replaced' || msg === 'a thread ended with an error')
      .map(({ at }) => at);
  }

  #note(line: string): void {
    this.last = line;
    if (!line.startsWith('{')) return;
    const { time, thread = '', msg = '', reason = '' } = JSON.parse(line) as Record<string, string>;
    this.lines.push({ at: Date.parse(time ?? ''), thread, msg, reason });
  }
}
