// SPDX-License-Identifier: Apache-2.0
// The last steps of every actor of a thread, in pages of numbers: a step costs three stores, an actor a kilobyte at most, and the collector nothing.

import { CODE_BITS, nameOf } from './step-names.ts';

/** Steps kept of an actor. */
export const RING = 64;

/** One step of an actor. Times are milliseconds of the monotonic clock. */
export interface Step {
  readonly at: number;
  readonly event: string;
  readonly from: string;
  readonly to: string;
  readonly took_us: number;
}

/** Where an actor's steps are. Only {@link StepRings} writes it. */
export interface StepPlace {
  /** When its first step may have been, by the monotonic clock. */
  readonly started: number;
  /** Steps so far. */
  processed: number;
  /** Which place of its size; none while {@link room} is 0. */
  ring: number;
  /** Steps it has room for. */
  room: number;
}

/** Numbers a step takes: when (low bits), what, and how long with when's high bits. */
const STEP = 3;
/** Room grows with what an actor does: most sessions say little, then sleep. */
const ROOMS = [8, 24, RING] as const;
/** Rings a page holds. */
const PAGE = 64;

const TOOK_BITS = 26;
const TOOK_MOST = 2 ** TOOK_BITS - 1;
const LOW = 2 ** 32;
const CODE_MASK = 2 ** CODE_BITS - 1;

const NO_PAGE = new Int32Array(0);

/** Rings of one size. */
class Shelf {
  readonly room: number;
  /** A page on which no ring is taken is let go. */
  private readonly pages: Int32Array[] = [];
  private readonly taken: number[] = [];
  private readonly free: number[] = [];

  constructor(room: number) {
    this.room = room;
  }

  take(): number {
    if (this.free.length === 0) {
      const first = this.pages.length * PAGE;
      this.pages.push(NO_PAGE);
      this.taken.push(0);
      for (let ring = first + PAGE - 1; ring >= first; ring -= 1) this.free.push(ring);
    }
    const ring = this.free.pop() ?? 0;
    const page = Math.floor(ring / PAGE);
    const taken = this.taken[page] ?? 0;
    if (taken === 0) this.pages[page] = new Int32Array(PAGE * this.room * STEP);
    this.taken[page] = taken + 1;
    return ring;
  }

  give(ring: number): void {
    const page = Math.floor(ring / PAGE);
    const left = (this.taken[page] ?? 1) - 1;
    this.taken[page] = left;
    if (left === 0) this.pages[page] = NO_PAGE;
    this.free.push(ring);
  }

  /** The page of a ring that is taken. */
  page(ring: number): Int32Array {
    return this.pages[Math.floor(ring / PAGE)] ?? NO_PAGE;
  }

  /** Where in its page a step of this ring is. */
  offset(ring: number, step: number): number {
    return ((ring % PAGE) * this.room + step) * STEP;
  }
}

const [SMALL, MIDDLE, LARGE] = ROOMS;

export class StepRings {
  private readonly small = new Shelf(SMALL);
  private readonly middle = new Shelf(MIDDLE);
  private readonly large = new Shelf(LARGE);

  /** Notes a step; the eldest makes room for it. */
  keep(of: StepPlace, at: number, event: number, from: number, to: number, took_us: number): void {
    const { processed } = of;
    if (processed >= of.room && of.room < RING) this.grow(of);
    const shelf = this.shelfOf(of.room);
    const page = shelf.page(of.ring);
    const place = shelf.offset(of.ring, processed % RING);
    const since = at - of.started;
    page[place] = since;
    page[place + 1] = (event << (2 * CODE_BITS)) | (from << CODE_BITS) | to;
    page[place + 2] = since < LOW ? Math.min(took_us, TOOK_MOST) : withHighBits(since, took_us);
    of.processed = processed + 1;
  }

  /** The newest step, if there was one. */
  last(of: StepPlace): Step | undefined {
    return of.processed === 0 ? undefined : this.step(of, of.processed - 1);
  }

  /** Oldest first. */
  recent(of: StepPlace): readonly Step[] {
    const steps: Step[] = [];
    for (let nth = Math.max(0, of.processed - RING); nth < of.processed; nth += 1) steps.push(this.step(of, nth));
    return steps;
  }

  /** Its steps are forgotten and their room is another's. */
  free(of: StepPlace): void {
    if (of.room > 0) this.shelfOf(of.room).give(of.ring);
    of.room = 0;
    of.processed = 0;
  }

  private step(of: StepPlace, nth: number): Step {
    const shelf = this.shelfOf(of.room);
    const page = shelf.page(of.ring);
    const place = shelf.offset(of.ring, nth % RING);
    const [low = 0, codes = 0, took = 0] = page.subarray(place, place + STEP);
    const name = (bits: number): string => nameOf((codes >>> bits) & CODE_MASK);
    return {
      at: of.started + (took >>> TOOK_BITS) * LOW + (low >>> 0),
      event: name(2 * CODE_BITS),
      from: name(CODE_BITS),
      to: name(0),
      took_us: took & TOOK_MOST,
    };
  }

  private grow(of: StepPlace): void {
    const room = of.room === 0 ? SMALL : of.room === SMALL ? MIDDLE : LARGE;
    const next = this.shelfOf(room);
    const ring = next.take();
    if (of.room > 0) {
      const old = this.shelfOf(of.room);
      const from = old.offset(of.ring, 0);
      next.page(ring).set(old.page(of.ring).subarray(from, from + of.room * STEP), next.offset(ring, 0));
      old.give(of.ring);
    }
    of.ring = ring;
    of.room = room;
  }

  private shelfOf(room: number): Shelf {
    return room === LARGE ? this.large : room === MIDDLE ? this.middle : this.small;
  }
}

/** Past 49 days the low bits are not enough. */
function withHighBits(since: number, took_us: number): number {
  return (Math.floor(since / LOW) << TOOK_BITS) | Math.min(took_us, TOOK_MOST);
}
