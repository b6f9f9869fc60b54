// SPDX-License-Identifier: Apache-2.0
// Whether new work is let in, and whose turn it is: nobody's flood keeps others waiting, and whatever is let in is answered soon.

import { type Failure, failure } from '../errors.ts';
import type { World } from '../world.ts';
import { FEW, Lately, Waiting } from './waiting.ts';

/**
 * As many are handed to a thread as it works off in so many milliseconds, and as many wait for their records; all else waits
 * here, where those who share are served in turn. What a thread has been given it takes in the order it came, and records
 * are written in the order of the journal, whosesoever they are.
 */
export interface Within {
  readonly inside_ms: number;
  readonly inside_least: number;
  readonly reading_ms: number;
  readonly reading_least: number;
}
/** When there is but one share, nobody waits behind it: a thread that always has enough gets most done. */
const ALONE: Within = { inside_ms: 10, inside_least: 8, reading_ms: 15, reading_least: 16 };
/**
 * Where others share, one who has little to say is to find the threads nearly as if nobody else were there. Measured with
 * a flood of ten times the capacity: what is kept back costs the flood, not them; wider than this, others wait twice as long.
 */
const SHARED: Within = { inside_ms: 2, inside_least: 1, reading_ms: 2, reading_least: 2 };
/** A share with few, of which nothing is inside, goes ahead of its turn: as many beside what may be inside, times this. */
const AHEAD = 8;
/** A message that was read already may find its thread fuller than one that was not: reading it was most of the work. */
const READ_ALREADY = 2;

/** A flood is not to flood the log. */
const TELL_MS = 10_000;

/** Something that waits for its turn. */
interface Entry {
  readonly run: (leave: () => void) => void;
  readonly leave: () => void;
  readonly share: string;
  /** Nobody waits for it any more after this, in milliseconds of the epoch. */
  readonly until: number;
}

/** What waits for one thread: what it was given, and what is kept back, by share. */
class Lane {
  readonly waiting: Waiting;
  /** What the thread was given and has not done: in turn, and ahead of that. */
  inside = 0;
  ahead = 0;
  /** The same by share. */
  private readonly given = new Map<string, number>();
  /** The share whose turn is next comes first. */
  private readonly piles = new Map<string, Entry[]>();

  constructor(world: World) {
    this.waiting = new Waiting(world);
  }

  get kept(): boolean {
    return this.piles.size > 0;
  }

  keep(share: string, entry: Entry): void {
    const pile = this.piles.get(share);
    if (pile === undefined) this.piles.set(share, [entry]);
    else pile.push(entry);
  }

  /** The next in turn, or of those shares only of which the thread has nothing and that have few altogether. */
  next(few: boolean): Entry | undefined {
    for (const [share, pile] of this.piles) {
      if (few && (pile.length > FEW || this.given.has(share))) continue;
      this.piles.delete(share);
      const entry = pile.shift();
      if (pile.length > 0) this.piles.set(share, pile);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  give(share: string, by: 1 | -1, ahead: boolean): void {
    if (ahead) this.ahead += by;
    else this.inside += by;
    const given = (this.given.get(share) ?? 0) + by;
    if (given === 0) this.given.delete(share);
    else this.given.set(share, given);
  }
}

/**
 * The queues that work passes on its way: one for each thread with sessions, and one of those that wait for a record to be
 * written. A share is whoever it is done for: a user, or an address where users have no names.
 */
export class Admission {
  private readonly world: World;
  private readonly lanes = new Map<string, Lane>();
  private readonly records: Waiting;
  private readonly lately: Lately;
  private readonly within: { readonly alone: Within; readonly shared: Within };
  private readonly told: (refused: number) => void;
  /** Refused since that was told last. */
  private refused = 0;
  private stopTelling: (() => void) | null = null;

  /**
   * @param told how many were refused: at once for the first, then for all in between at most every ten seconds
   * @param within how much is given at once, where one share has a thread to itself and where several have
   */
  constructor(
    world: World,
    told: (refused: number) => void = () => undefined,
    within: { readonly alone: Within; readonly shared: Within } = { alone: ALONE, shared: SHARED },
  ) {
    this.world = world;
    this.within = within;
    this.told = told;
    this.records = new Waiting(world);
    this.lately = new Lately(world);
  }

  /**
   * Why nothing more of a share is let in now, or null; before it is known for which of these threads it is, so only when
   * it is too much for each of them.
   */
  refusal(share: string, lanes: readonly string[]): Failure | null {
    if (!this.records.admits(share)) return this.refuse('views', this.records);
    let least: Waiting | undefined;
    for (const lane of lanes) {
      const waiting = this.lanes.get(lane)?.waiting;
      if (waiting === undefined || waiting.admits(share)) return null;
      if (least === undefined || waiting.wait() < least.wait()) least = waiting;
    }
    return least === undefined ? null : this.refuse('sessions', least);
  }

  /**
   * Has `run` called when it is this share's turn at a thread, maybe at once; it is told what to call once the thread is
   * done with it.
   *
   * @param until when nobody waits for it any more, in milliseconds of the epoch: it is not run after that
   * @returns why it is not let in, or null
   */
  pass(lane: string, share: string, until: number, run: (leave: () => void) => void): Failure | null {
    let of = this.lanes.get(lane);
    if (of === undefined) {
      of = new Lane(this.world);
      this.lanes.set(lane, of);
    }
    if (!of.waiting.admits(share, READ_ALREADY)) return this.refuse(lane, of.waiting);
    this.lately.note(share);
    of.keep(share, { run, share, until, leave: of.waiting.enter(share) });
    this.pump(of);
    return null;
  }

  /** Something of a share waits for its record from now on, until the function that comes back is called. */
  reading(share: string): () => void {
    const leave = this.records.enter(share);
    return () => {
      leave();
      for (const lane of this.lanes.values()) this.pump(lane);
    };
  }

  /** Tells what has not been told yet. */
  close(): void {
    this.stopTelling?.();
    this.tell();
    this.stopTelling?.();
  }

  /** Gives a thread what it may have. */
  private pump(lane: Lane): void {
    const within = this.lately.count > 1 ? this.within.shared : this.within.alone;
    const most = Math.max(within.inside_least, lane.waiting.worksOff(within.inside_ms) ?? 0);
    while (lane.kept) {
      const open = lane.inside < most && this.recorded(within);
      if (!open && lane.ahead >= most * AHEAD) return;
      const entry = lane.next(!open);
      if (entry === undefined) return;
      if (entry.until < this.world.now()) entry.leave();
      else this.give(lane, entry, !open);
    }
  }

  private give(lane: Lane, { share, run, leave }: Entry, ahead: boolean): void {
    lane.give(share, 1, ahead);
    let done = false;
    run(() => {
      if (done) return;
      done = true;
      lane.give(share, -1, ahead);
      leave();
      this.pump(lane);
    });
  }

  /** Whether records are written about as fast as turns end. */
  private recorded({ reading_ms, reading_least }: Within): boolean {
    const { records } = this;
    // Where they are not written at all nothing is gained by waiting: there are those who need none.
    return records.size < reading_least || records.stalled || records.size < (records.worksOff(reading_ms) ?? 0);
  }

  private refuse(what: string, waiting: Waiting): Failure {
    this.refused += 1;
    if (this.stopTelling === null) this.tell();
    // Those that are refused together are not to come back together.
    const retry_after_ms = 1_000 + Math.min(9_000, waiting.wait()) * this.world.random() * 2;
    return failure('overloaded', `The gateway has more to do than it can do soon: thread/${what} is behind.`, {
      retry_after_ms,
    });
  }

  private tell(): void {
    const { refused } = this;
    this.stopTelling = null;
    if (refused === 0) return;
    this.refused = 0;
    this.told(refused);
    this.stopTelling = this.world.after(TELL_MS, () => this.tell());
  }
}
