// SPDX-License-Identifier: Apache-2.0
// Ends a thread that takes too much memory, heap and buffers together, while the process still has enough for all others.

/** What the guard needs of a `Worker`. */
export interface Guarded {
  getHeapStatistics(): Promise<{ readonly used_heap_size: number; readonly external_memory: number }>;
}

export interface MemoryGuardOptions {
  /** Resident bytes of the process; below `calm` nobody is asked. */
  readonly resident: () => number;
  readonly calm: number;
  /** Runs again and again, `ms` apart, for as long as the process lives. */
  readonly every: (ms: number, run: () => void) => void;
}

/**
 * How often it looks, in milliseconds. A loop that does nothing but allocate takes about a gigabyte a second, so between
 * two looks a thread can take some 50 MB.
 */
const LOOK_EVERY = 50;

/**
 * `resourceLimits` alone do not do: they never count buffers, and a heap that reaches them in the middle of a collection
 * ends the whole process instead of the thread. They are the wall behind this one. A thread answers between two of its
 * instructions, also in an endless loop, and is asked again only once it has.
 */
export class MemoryGuard {
  private readonly guarded = new Map<Guarded, { readonly most: number; readonly over: (bytes: number) => void }>();
  private readonly asked = new Set<Guarded>();

  constructor({ resident, calm, every }: MemoryGuardOptions) {
    every(LOOK_EVERY, () => {
      if (resident() < calm) return;
      for (const worker of this.guarded.keys()) if (!this.asked.has(worker)) this.ask(worker);
    });
  }

  /** @param over told once, with what it holds, when it holds more than `most` bytes */
  add(worker: Guarded, most: number, over: (bytes: number) => void): void {
    this.guarded.set(worker, { most, over });
  }

  remove(worker: Guarded): void {
    this.guarded.delete(worker);
    this.asked.delete(worker);
  }

  private ask(worker: Guarded): void {
    this.asked.add(worker);
    worker.getHeapStatistics().then(
      ({ used_heap_size, external_memory }) => {
        this.asked.delete(worker);
        const limit = this.guarded.get(worker);
        const bytes = used_heap_size + external_memory;
        if (limit === undefined || bytes <= limit.most) return;
        this.guarded.delete(worker);
        limit.over(bytes);
      },
      // It has ended meanwhile; whoever started it hears of that another way.
      () => this.asked.delete(worker),
    );
  }
}
