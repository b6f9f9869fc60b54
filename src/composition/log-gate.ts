// SPDX-License-Identifier: Apache-2.0
// Which lines of a thread go to the log: those of a level and above it, which may change while it runs.

import type { LogLevel } from './boot.ts';

const ORDER: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50 };

export class LogGate {
  #least = 0;

  /** @param level one of pino's names; everything goes through when not given */
  constructor(level?: string) {
    this.set(level);
  }

  set(level: string | undefined): void {
    const known = level !== undefined && Object.hasOwn(ORDER, level) ? ORDER[level as LogLevel] : undefined;
    this.#least = known ?? (level === 'fatal' || level === 'silent' ? Number.POSITIVE_INFINITY : 0);
  }

  lets(severity: LogLevel): boolean {
    return ORDER[severity] >= this.#least;
  }
}
