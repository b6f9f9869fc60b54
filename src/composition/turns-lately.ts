// SPDX-License-Identifier: Apache-2.0
// How many turns each channel of a thread had lately, and whether one has many more than the others.

import type { World } from '../world.ts';

/** Turns of the last one or two times so many milliseconds count. */
const LATELY_MS = 1_000;
/** As many times the turns of the others, on average, are a flood: equals differ by chance, and by what they are asked. */
const TIMES = 4;

export class TurnsLately {
  readonly #world: Pick<World, 'monotonic'>;
  #now = new Map<string, number>();
  #before: ReadonlyMap<string, number> = new Map();
  #turned: number;

  constructor(world: Pick<World, 'monotonic'>) {
    this.#world = world;
    this.#turned = world.monotonic();
  }

  /** A channel has one more. */
  note(channel: string): void {
    this.#turn();
    this.#now.set(channel, (this.#now.get(channel) ?? 0) + 1);
  }

  /** Whether a channel had many times the turns of the others. */
  floods(channel: string): boolean {
    this.#turn();
    const channels = new Set([...this.#now.keys(), ...this.#before.keys()]);
    channels.delete(channel);
    let others = 0;
    for (const other of channels) others += this.#of(other);
    return channels.size > 0 && this.#of(channel) * channels.size > TIMES * others;
  }

  #of(channel: string): number {
    return (this.#now.get(channel) ?? 0) + (this.#before.get(channel) ?? 0);
  }

  #turn(): void {
    const past = this.#world.monotonic() - this.#turned;
    if (past < LATELY_MS) return;
    this.#before = past < 2 * LATELY_MS ? this.#now : new Map();
    this.#now = new Map();
    this.#turned += past;
  }
}
