// SPDX-License-Identifier: Apache-2.0
// Whose turn it is among the chat channels of a thread: one that is flooded waits for its own messages, and nobody for it.

import { Admission, type Within } from '../edge/admission.ts';
import type { Failure } from '../errors.ts';
import type { World } from '../world.ts';
import { TurnsLately } from './turns-lately.ts';

/**
 * How long a message counts as under way, in milliseconds: until its channel has the answer, or this long. A model that takes
 * its time takes nothing from others; what is answered at once is a load for every thread on the way, records written in
 * the order they came included.
 */
const UNDER_WAY_MS = 250;
/**
 * Messages of one thread's channels under way at once for one lane: so many keep the lanes busy, and leave the journal little
 * to work off before what a quiet channel adds.
 */
const WITHIN: Within = { inside_ms: 2, inside_least: 2, reading_ms: 2, reading_least: 2 };
/**
 * While messages of others are under way, a channel that floods has one for a lane in so many milliseconds: at busy moments it
 * adds next to nothing, and it is served all the same.
 */
const YIELD_MS = 250;
/** How long a message of a channel that floods counts as under way, in milliseconds: so long as the gateway itself is busy with it. */
const FLOODED_UNDER_WAY_MS = 50;

type Run = (began: (turn_id: string | null) => void) => void;

interface Entering {
  readonly run: Run;
  readonly refused: (why: Failure) => void;
  /** How long it counts as under way at most, in milliseconds. */
  readonly most: number;
}

/** What channels that flood have at a lane. */
interface Flooded {
  readonly held: (() => void)[];
  underWay: boolean;
  /** When one was last let go on, or came while none waited, by the clock that never goes back. */
  since: number;
}

/**
 * One for a thread: what passes is bounded for all its channels together, and they take turns. A channel that had many times
 * the turns of the others lately is served in the background: its messages go one at a time at a lane, each as soon as nothing
 * of the others is under way, or a while after the one before.
 */
export class ChatTurns {
  readonly #world: Pick<World, 'after' | 'monotonic'>;
  readonly #admission: Admission;
  readonly #lately: TurnsLately;
  /** Ends that a lane has what a turn answers. */
  readonly #underWay = new Map<string, () => void>();
  /** Ends that what a turn comes to is waited for. */
  readonly #unsaid = new Map<string, () => void>();
  readonly #flooded = new Map<string, Flooded>();
  /** Messages under way of channels that do not flood. */
  #others = 0;
  #cancel: (() => void) | null = null;

  /** @param told how many messages were left to their platforms */
  constructor(world: World, told: (refused: number) => void) {
    this.#world = world;
    this.#lately = new TurnsLately(world);
    this.#admission = new Admission(world, told, { alone: WITHIN, shared: WITHIN });
  }

  /**
   * Has `run` called when it is this channel's turn at a lane, maybe at once; it tells which turn answers the message, or null
   * when none does. Or has `refused` called with why it is not let in. A channel bounds what it has waiting here.
   */
  pass(lane: string, channel: string, run: Run, refused: (why: Failure) => void): void {
    this.#lately.note(channel);
    if (!this.#lately.floods(channel)) {
      this.#others += 1;
      return this.#enter(lane, channel, { run, refused, most: UNDER_WAY_MS }, () => {
        this.#others -= 1;
        this.#goOn();
      });
    }
    const at = this.#flooded.get(lane) ?? { held: [], underWay: false, since: 0 };
    this.#flooded.set(lane, at);
    if (at.held.length === 0 && !at.underWay) at.since = this.#world.monotonic();
    at.held.push(() => {
      at.underWay = true;
      at.since = this.#world.monotonic();
      this.#enter(lane, channel, { run, refused, most: FLOODED_UNDER_WAY_MS }, () => {
        at.underWay = false;
        this.#goOn();
      });
    });
    this.#goOn();
  }

  /** A channel has what a turn came to. */
  answered(turn_id: string): void {
    const over = this.#underWay.get(turn_id);
    this.#underWay.delete(turn_id);
    over?.();
  }

  /** A platform is given what a turn came to, or the beginning of it. */
  said(turn_id: string): void {
    const over = this.#unsaid.get(turn_id);
    this.#unsaid.delete(turn_id);
    over?.();
  }

  close(): void {
    for (const { held } of this.#flooded.values()) held.length = 0;
    for (const turn_id of [...this.#underWay.keys()]) this.answered(turn_id);
    for (const turn_id of [...this.#unsaid.keys()]) this.said(turn_id);
    this.#cancel?.();
    this.#admission.close();
  }

  /** @param over it is not under way any more: called once, at the latest after so many milliseconds as it may be */
  #enter(lane: string, channel: string, { run, refused, most }: Entering, over: () => void): void {
    let turn: string | null = null;
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      cancelEnd();
      if (turn !== null) this.#unsaid.delete(turn);
      over();
    };
    const cancelEnd = this.#world.after(most, end);
    // Within a channel conversations are equals already: each has one message on its way.
    const why = this.#admission.pass(lane, channel, Number.POSITIVE_INFINITY, (leave) =>
      run((turn_id) => {
        if (turn_id === null) {
          leave();
          return end();
        }
        this.answered(turn_id);
        this.said(turn_id);
        const cancel = this.#world.after(UNDER_WAY_MS, () => this.answered(turn_id));
        this.#underWay.set(turn_id, () => {
          cancel();
          leave();
        });
        if (ended) return;
        turn = turn_id;
        this.#unsaid.set(turn_id, end);
      }),
    );
    if (why === null) return;
    end();
    refused(why);
  }

  /** Lets those go on that flood, as far as they may now. */
  #goOn(): void {
    const now = this.#world.monotonic();
    let next = Number.POSITIVE_INFINITY;
    for (const at of this.#flooded.values()) {
      for (let [first] = at.held; first !== undefined && !at.underWay; [first] = at.held) {
        const wait = this.#others === 0 ? 0 : at.since + YIELD_MS - now;
        if (wait > 0) {
          next = Math.min(next, wait);
          break;
        }
        at.held.shift();
        first();
      }
    }
    this.#cancel?.();
    this.#cancel = Number.isFinite(next) ? this.#world.after(next, () => this.#goOn()) : null;
  }
}
