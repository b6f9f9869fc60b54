// SPDX-License-Identifier: Apache-2.0
// Gives memory back that a thread took while it worked: the collector itself does that late or never in one that has come to rest.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How often a thread looks at itself, in milliseconds. */
const EVERY = 1_000;
/** Looks in a row that must find it at rest, and the share of time up to which it counts as that. */
const RESTS = 4;
const IDLE = 0.03;
/** The heap must have grown by this many bytes since it last gave back: after the first time nothing is collected for little. */
const WORTH = 16 * 1_048_576;
/** Looks from one collection to the next at least: who works a little all the time is not stopped for it over and over. */
const APART = 30;

export interface IdleMemoryOptions {
  /** Calls back every so many milliseconds; answers how to stop that. */
  readonly every: (ms: number, run: () => void) => () => void;
  /** Share of time the thread was busy since this was last asked, 0 to 1. */
  readonly busy: () => number;
  /** Bytes of the heap as the system sees it, used or not. */
  readonly heap: () => number;
  readonly collect: () => void;
}

/**
 * Collects once when a thread has rested for a few seconds with a heap that has grown. After a burst the room for what
 * dies young stays as large as it was, and what died old lies there until there is more of it: in five threads together
 * some hundred MiB that nobody needs. The first rest is the one after the start, which has left behind everything that was
 * compiled, parsed and read once: some 5 MiB in each thread.
 */
export function giveBackWhenIdle({ every, busy, heap, collect }: IdleMemoryOptions): () => void {
  let kept = 0;
  let started = false;
  let rests = 0;
  let since = APART;
  return every(EVERY, () => {
    rests = busy() <= IDLE ? rests + 1 : 0;
    since += 1;
    const size = heap();
    if (size < kept) kept = size;
    if (rests < RESTS || since < APART || (started && size - kept < WORTH)) return;
    started = true;
    since = 0;
    collect();
    kept = heap();
  });
}

/** The same for the thread this is called in. */
export function startIdleMemory(): () => void {
  let before = performance.eventLoopUtilization();
  return giveBackWhenIdle({
    every: (ms, run) => {
      const timer = setInterval(run, ms).unref();
      return () => clearInterval(timer);
    },
    busy: () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return utilization;
    },
    heap: () => process.memoryUsage().heapTotal,
    collect,
  });
}

/** A full collection that gives empty pages back at once. Without a collector there is none: a later rest is as good. */
function collect(): void {
  const gc = collector() ?? collector();
  gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

type Collector = (options: { readonly type: 'major'; readonly execution: 'sync'; readonly flavor: string }) => void;

/**
 * Node has it behind a flag only, which a context made while the flag is set sees. The flag is the whole process's: another
 * thread that rests at the same moment may have taken it back, and then there is none here.
 */
export function collector(): Collector | undefined {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('globalThis.gc');
  setFlagsFromString('--no-expose-gc');
  return typeof gc === 'function' ? (gc as Collector) : undefined;
}
