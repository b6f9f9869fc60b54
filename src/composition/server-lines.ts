// SPDX-License-Identifier: Apache-2.0
// What servers write for people, on its way to the log: so many lines a minute, and then how many there were besides.

import type { World } from '../world.ts';

const LINES_A_MINUTE = 60;
const MINUTE_MS = 60_000;

export class ServerLines {
  readonly #world: Pick<World, 'after'>;
  readonly #log: (line: string) => void;
  #said = 0;
  #stop: (() => void) | undefined;

  constructor(world: Pick<World, 'after'>, log: (line: string) => void) {
    this.#world = world;
    this.#log = log;
  }

  said(line: string): void {
    this.#said += 1;
    if (this.#said <= LINES_A_MINUTE) this.#log(line);
    this.#stop ??= this.#world.after(MINUTE_MS, () => this.#minute());
  }

  stop(): void {
    this.#stop?.();
  }

  #minute(): void {
    const more = this.#said - LINES_A_MINUTE;
    this.#said = 0;
    this.#stop = undefined;
    if (more > 0) this.#log(`${more} more lines of the last minute are not shown`);
  }
}
