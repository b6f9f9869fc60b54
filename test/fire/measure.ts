// SPDX-License-Identifier: Apache-2.0
// Figures of a run: percentiles of answers, resident memory, and how long after a fault everything was as before.

import { readFileSync } from 'node:fs';
import type { Answer } from './client.ts';

/** The value at a share of the sorted ones; 0 when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Resident bytes of a process, sampled until it is stopped. */
export class Memory {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  most = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.most = this.now();
    this.#timer = setInterval(() => {
      this.most = Math.max(this.most, this.now());
    }, 100);
  }

  now(): number {
    const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.#pid}/status`, 'utf8'))?.[1];
    return Number(kib ?? 0) * 1_024;
  }

  stop(): number {
    clearInterval(this.#timer);
    return this.most;
  }
}

/** Answers in a window are as before when half of them come within this many times the normal median. */
const AS_BEFORE = 2;
const WINDOW_MS = 500;

/**
 * Milliseconds from `from` until answers are as before: the end of the last window that was not. Answers are counted where
 * they were sent.
 */
export function backToNormal(answers: readonly Answer[], from: number, until: number, median: number): number {
  let last = 0;
  for (let begin = from; begin < until; begin += WINDOW_MS) {
    const inside = answers.filter(({ sent }) => sent >= begin && sent < begin + WINDOW_MS);
    const took = inside.map((answer) => (answer.status === 200 ? answer.took : Number.POSITIVE_INFINITY));
    // A window in which nobody could even ask is not as before either.
    if (inside.length === 0 || percentile(took, 0.5) > AS_BEFORE * median) last = begin + WINDOW_MS - from;
  }
  return last;
}
