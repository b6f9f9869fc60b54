// SPDX-License-Identifier: Apache-2.0
// A thread's turns: takes what has come in, a slice of time at once, fairly between threads and between actors.

import type { World } from '../world.ts';
import type { Envelope } from './envelope.ts';
import type { Source } from './inbox.ts';
import type { Mailboxes } from './mailbox.ts';

/** What becomes of a message that has been taken. */
export interface Handling {
  /** Replies, events and the bus's own messages, at once. False: it is for an actor. */
  arrived(envelope: Envelope, thread: number): boolean;
  /** Gives it to its actor. */
  deliver(envelope: Envelope): void;
  /** The actor's mailbox is full. */
  refuse(envelope: Envelope): void;
  /** A turn is over. */
  turned(): void;
}

export interface IntakeOptions {
  readonly world: World;
  readonly sources: readonly Source[];
  readonly mailboxes: Mailboxes;
  /** Most milliseconds of a turn. */
  readonly slice: number;
  /** Most messages in all mailboxes; past it nothing is taken and the senders' windows fill. */
  readonly backlog: number;
  readonly handling: Handling;
}

/** Taken and counted in one go: what a thread that dies holds in doubt at most, besides its mailboxes. */
const CHUNK = 64;
/** Messages between two looks at the clock, as long as they are quick. */
const MOST_UNTIMED = 8;
const QUICK_MS = 0.1;
/**
 * Moved into mailboxes in the first turn that leaves a backlog; twice as many in each further one in a row. A thread
 * that merely lost its processor works the few off in its next turn, and what waits in the windows stays safe there;
 * past actors that really are slow the way is soon free.
 */
const FIRST_FILL = 128;

export class Intake {
  private readonly options: IntakeOptions;
  private chunk: Envelope[] = [];
  private nextSource = 0;
  private scheduled = false;
  private running = false;
  private closed = false;
  private nextFill = FIRST_FILL;
  private began = 0;
  private elapsed = 0;
  private stride = 1;
  private untimed = 0;

  constructor(options: IntakeOptions) {
    this.options = options;
  }

  /** Whether a turn runs now; what it sends is posted when it is over. */
  get inTurn(): boolean {
    return this.running;
  }

  /** Something came in: a turn now, unless one runs or is due. */
  arrive(): void {
    if (!this.running && !this.scheduled && !this.closed) this.turn();
  }

  /** Takes nothing any more: what another thread has sent stays untaken. */
  close(): void {
    this.closed = true;
  }

  private turn(): void {
    const { world, mailboxes, sources, handling } = this.options;
    this.running = true;
    this.began = world.monotonic();
    this.elapsed = 0;
    this.untimed = this.stride;
    try {
      this.handle();
    } finally {
      this.running = false;
      this.chunk.length = 0;
      handling.turned();
      if (!this.closed && (mailboxes.depth > 0 || sources.some((source) => source.waiting))) this.later();
    }
  }

  private handle(): void {
    const { mailboxes, slice } = this.options;
    let filled = false;
    while (this.elapsed < slice && !this.closed) {
      if (mailboxes.depth === 0) {
        // The common case: nobody waits, so messages go straight to their actors.
        const source = this.waiting();
        if (source === undefined) break;
        this.direct(source);
        continue;
      }
      // A small rest of the last turn is worked off first. Only when that takes long, actors being slow, more is moved
      // into the mailboxes, so that whoever stands behind a flooded actor gets its turn.
      this.work(filled ? slice : slice / 4);
      if (mailboxes.depth > 0 && !filled) {
        filled = true;
        // Its time counts from now: an actor that has used up the slice must not keep the others waiting.
        this.fill(this.nextFill, this.elapsed + slice / 4);
        this.nextFill *= 2;
        this.work(slice);
      }
    }
    if (mailboxes.depth === 0) this.nextFill = FIRST_FILL;
  }

  private later(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.options.world.soon(() => {
      this.scheduled = false;
      if (!this.closed) this.turn();
    });
  }

  /** The next source in turn that has something. */
  private waiting(): Source | undefined {
    const { sources } = this.options;
    for (let tried = 0; tried < sources.length; tried++) {
      const source = sources[(this.nextSource + tried) % sources.length];
      if (source?.waiting) {
        this.nextSource = (this.nextSource + tried + 1) % sources.length;
        return source;
      }
    }
    return undefined;
  }

  private take(source: Source): readonly Envelope[] {
    const chunk = this.chunk;
    chunk.length = 0;
    source.take(chunk, CHUNK);
    return chunk;
  }

  private direct(source: Source): void {
    const { handling, mailboxes, slice } = this.options;
    const chunk = this.take(source);
    for (const envelope of chunk) {
      if (handling.arrived(envelope, source.thread)) this.over(slice);
      else if (mailboxes.depth > 0 || this.elapsed >= slice) this.keep(envelope);
      else {
        handling.deliver(envelope);
        this.over(slice);
      }
    }
  }

  /** Moves about `most` of what has come in into the mailboxes. */
  private fill(most: number, until: number): void {
    const { handling, mailboxes, backlog } = this.options;
    for (let moved = 0; moved < most && mailboxes.depth < backlog && !this.over(until); moved += CHUNK) {
      const source = this.waiting();
      if (source === undefined) return;
      for (const envelope of this.take(source)) {
        if (handling.arrived(envelope, source.thread)) this.over(until);
        else this.keep(envelope);
      }
    }
  }

  private work(until: number): void {
    const { handling, mailboxes } = this.options;
    while (this.elapsed < until) {
      const envelope = mailboxes.next();
      if (envelope === undefined) return;
      handling.deliver(envelope);
      this.over(until);
    }
  }

  private keep(envelope: Envelope): void {
    if (!this.options.mailboxes.add(envelope, this.began)) this.options.handling.refuse(envelope);
  }

  /** Whether this turn has taken `until` milliseconds, by the clock looked at every few messages. */
  private over(until: number): boolean {
    if (--this.untimed <= 0) {
      const elapsed = this.options.world.monotonic() - this.began;
      this.stride = elapsed - this.elapsed < QUICK_MS ? Math.min(this.stride * 2, MOST_UNTIMED) : 1;
      this.untimed = this.stride;
      this.elapsed = elapsed;
    }
    return this.elapsed >= until;
  }
}
