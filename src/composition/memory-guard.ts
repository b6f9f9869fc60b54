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
  /** Told at every look that finds the process at `calm` or above. */
  readonly strained?: () => void;
  /** Runs again and again, `ms` apart, for as long as the process lives. */
  readonly every: (ms: number, run: () => void) => void;
}

/** What a thread may hold. */
export interface MemoryLimit {
  /** Bytes, heap and buffers together. */
  readonly most: number;
  /**
   * A number that stays the same for as long as the thread works on one thing without its loop turning; 0 while it does
   * not, or nobody in particular is worked for.
   */
  readonly piece?: () => number;
  /** Told once, with what it holds, when that is too much; `piece` of it in one piece of work when that was. */
  readonly over: (held: { readonly bytes: number; readonly piece: number }) => void;
  /** Told once when it comes near. */
  readonly near?: () => void;
}

interface Watched extends MemoryLimit {
  /** The piece of work it was seen at last, and what it held when it was seen there first. */
  at: number;
  before: number;
  near_told: boolean;
}

/**
 * What one piece of work may take, in bytes: nothing that is meant well takes as much without letting the loop turn, and
 * whatever does is ended long before the thread's whole limit, which many sessions may need together.
 */
export const PIECE_MOST = 160 * 1_048_576;
/**
 * At these shares of the limits the next life is made ready. It takes as long as what allocates in a loop takes for all of
 * a piece, and costs little when it is not needed.
 */
const NEAR = { most: 0.5, piece: 0.1 } as const;

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
  private readonly guarded = new Map<Guarded, Watched>();
  private readonly asked = new Set<Guarded>();

  constructor({ resident, calm, strained, every }: MemoryGuardOptions) {
    every(LOOK_EVERY, () => {
      if (resident() < calm) return;
      strained?.();
      for (const worker of this.guarded.keys()) if (!this.asked.has(worker)) this.ask(worker);
    });
  }

  add(worker: Guarded, limit: MemoryLimit): void {
    this.guarded.set(worker, { ...limit, at: 0, before: 0, near_told: false });
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
        this.look(worker, used_heap_size + external_memory);
      },
      // It has ended meanwhile; whoever started it hears of that another way.
      () => this.asked.delete(worker),
    );
  }

  private look(worker: Guarded, bytes: number): void {
    const watched = this.guarded.get(worker);
    if (watched === undefined) return;
    const at = watched.piece?.() ?? 0;
    if (at === 0 || at !== watched.at) {
      watched.at = at;
      watched.before = bytes;
    }
    const piece = bytes - watched.before;
    if (bytes > watched.most || piece > PIECE_MOST) {
      this.guarded.delete(worker);
      watched.over({ bytes, piece });
    } else if (!watched.near_told && (bytes > watched.most * NEAR.most || piece > PIECE_MOST * NEAR.piece)) {
      watched.near_told = true;
      watched.near?.();
    }
  }
}
