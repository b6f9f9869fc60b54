// SPDX-License-Identifier: Apache-2.0
// Whose turn it is among the chat channels of a thread: one that is flooded waits for its own messages, and nobody for it.

import { Admission, type Within } from '../edge/admission.ts';
import type { Failure } from '../errors.ts';
import type { World } from '../world.ts';

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

/** One for a thread: what passes is bounded for all its channels together, and they take turns. */
export class ChatTurns {
  readonly #world: Pick<World, 'after'>;
  readonly #admission: Admission;
  readonly #underWay = new Map<string, () => void>();

  /** @param told how many messages were left to their platforms */
  constructor(world: World, told: (refused: number) => void) {
    this.#world = world;
    this.#admission = new Admission(world, told, { alone: WITHIN, shared: WITHIN });
  }

  /**
   * Has `run` called when it is this channel's turn at a lane, maybe at once; it tells which turn answers the message, or null
   * when none does.
   *
   * @returns why it is not let in, or null
   */
  pass(lane: string, channel: string, run: (began: (turn_id: string | null) => void) => void): Failure | null {
    // Within a channel conversations are equals already: each has one message on its way.
    return this.#admission.pass(lane, channel, Number.POSITIVE_INFINITY, (leave) =>
      run((turn_id) => {
        if (turn_id === null) return leave();
        this.answered(turn_id);
        const cancel = this.#world.after(UNDER_WAY_MS, () => this.answered(turn_id));
        this.#underWay.set(turn_id, () => {
          cancel();
          leave();
        });
      }),
    );
  }

  /** A channel has what a turn came to. */
  answered(turn_id: string): void {
    const over = this.#underWay.get(turn_id);
    this.#underWay.delete(turn_id);
    over?.();
  }

  close(): void {
    for (const turn_id of [...this.#underWay.keys()]) this.answered(turn_id);
    this.#admission.close();
  }
}
