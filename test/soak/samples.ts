// SPDX-License-Identifier: Apache-2.0
// What a process holds, looked at again and again: its memory, each thread's heap, and its open files.

import type { Gateway } from './gateway.ts';

export interface Sample {
  /** Seconds since the load began. */
  readonly at: number;
  /** Mebibytes. */
  readonly rss: number;
  /** Mebibytes of each thread's heap, by its name. */
  readonly heaps: Readonly<Record<string, number>>;
  readonly files: number;
}

const MIB = 1024 * 1024;

export async function take(gateway: Gateway, began: number): Promise<Sample> {
  const { body } = await gateway.owner.get('/debug/threads');
  const threads = (body?.items ?? []) as readonly { readonly name: string; readonly heap_bytes: number }[];
  return {
    at: (performance.now() - began) / 1000,
    rss: gateway.resident() / MIB,
    heaps: Object.fromEntries(threads.map(({ name, heap_bytes }) => [name, heap_bytes / MIB])),
    files: gateway.openFiles(),
  };
}

/** The middle of the values between two times, in seconds. */
export function middle(samples: readonly Sample[], from: number, to: number, of: (sample: Sample) => number): number {
  const values = samples
    .filter(({ at }) => at >= from && at < to)
    .map(of)
    .sort((one, other) => one - other);
  return values[Math.floor(values.length / 2)] ?? Number.NaN;
}
