// SPDX-License-Identifier: Apache-2.0
// A thread's pulse: one timer that tells the watchdog the loop turns and notes by how much it was late.

import { startIdleMemory } from './idle-memory.ts';

/** How often it beats, in milliseconds. */
const EVERY = 50;
const BEATS_A_SECOND = 1_000 / EVERY;
/** Latenesses kept for the percentiles: about thirteen seconds. */
const KEPT = 256;

export interface Heartbeat {
  /** Between batches too: a busy thread is not a hung one. */
  beat(): void;
  delay(): { readonly p50: number; readonly p99: number };
  /** Share of time the loop was busy in the last second, 0 to 1; whoever else asks changes nothing. */
  utilisation(): number;
  /** Has `run` called about every second, late when the loop is. */
  everySecond?(run: () => void): void;
  stop(): void;
}

/** @param beats one counter for each thread, shared with the root */
export function startHeartbeat(beats: SharedArrayBuffer, thread: number): Heartbeat {
  const counters = new Int32Array(beats);
  const late = new Float64Array(KEPT);
  let noted = 0;
  let due = performance.now() + EVERY;
  let looked = performance.eventLoopUtilization();
  let utilisation = 0;
  const seconds: (() => void)[] = [];
  const second = (): void => {
    const now = performance.eventLoopUtilization();
    utilisation = Math.round(performance.eventLoopUtilization(now, looked).utilization * 1_000) / 1_000;
    looked = now;
    for (const run of seconds) run();
  };
  const beat = (): void => {
    Atomics.add(counters, thread, 1);
  };
  const timer = setInterval(() => {
    const now = performance.now();
    late[noted % KEPT] = Math.max(0, now - due);
    noted += 1;
    due = now + EVERY;
    beat();
    if (noted % BEATS_A_SECOND === 0) second();
  }, EVERY);
  timer.unref();
  const stopIdleMemory = startIdleMemory();
  beat();
  return {
    beat,
    delay: () => {
      const sorted = late.slice(0, Math.min(noted, KEPT)).sort();
      const at = (share: number): number =>
        Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) * 100) / 100;
      return { p50: at(0.5), p99: at(0.99) };
    },
    utilisation: () => utilisation,
    everySecond: (run) => void seconds.push(run),
    stop: () => {
      clearInterval(timer);
      stopIdleMemory();
    },
  };
}
