// SPDX-License-Identifier: Apache-2.0
// What was typed in earlier chats: a bounded file in the data directory that only its owner reads.

import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Lines kept. */
const MOST = 1_000;
const LONGEST = 4_000;
const MODE = 0o600;

/** The history file. A history that cannot be kept is no reason not to chat. */
export class ChatHistory {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Lines, newest first; a file that has grown is cut to its bound. */
  load(): string[] {
    let lines: string[];
    try {
      lines = readFileSync(this.#path, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
    } catch {
      return [];
    }
    if (lines.length > MOST) {
      lines = lines.slice(-MOST);
      try {
        const next = `${this.#path}.${process.pid}`;
        writeFileSync(next, `${lines.join('\n')}\n`, { mode: MODE });
        renameSync(next, this.#path);
      } catch {
        // It stays long until it can be written.
      }
    }
    return lines.toReversed();
  }

  /** Several chats may add to it at once. */
  add(line: string): void {
    const flat = line.replaceAll(/[\r\n]+/g, ' ').trim();
    if (flat === '' || flat.length > LONGEST) return;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      appendFileSync(this.#path, `${flat}\n`, { mode: MODE });
    } catch {
      // Nothing is lost but a convenience.
    }
  }
}
