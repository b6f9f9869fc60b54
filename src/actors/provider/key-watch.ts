// SPDX-License-Identifier: Apache-2.0
// Looks at a key that was refused until it is another one. Only fingerprints are told: keyed hashes, whose key lives as long as this.

import { type Address, address } from '../../bus/address.ts';
import type { World } from '../../world.ts';
import type { SigilBus } from '../protocols.ts';
import type { KeyState } from '../thread/protocol.ts';

export interface KeyWatchOptions {
  readonly bus: Pick<SigilBus, 'ask'>;
  readonly world: Pick<World, 'after' | 'uuid'>;
  readonly from: Address;
  readonly provider: string;
  /**
   * The threads that make calls. All are asked: each keeps the key it uses for a while, which it lets go of when asked, and
   * each knows only which one was refused to itself.
   */
  readonly lanes: readonly string[];
  /** From one look to the next, in milliseconds. */
  readonly every: number;
  /** The reference stands for a key that nobody has seen refused. */
  readonly changed: () => void;
}

/** How long a look may take, in milliseconds. */
const LOOK_MS = 10_000;

export class KeyWatch {
  private readonly options: KeyWatchOptions;
  private readonly salt: string;
  /** The fingerprint that is known to be of no use. */
  private known: string | null = null;
  /** Counts the times it was started: what comes of an earlier one is late. */
  private turn = 0;
  private looking = false;
  private stopTimer = (): void => undefined;

  constructor(options: KeyWatchOptions) {
    this.options = options;
    this.salt = `${options.world.uuid()}${options.world.uuid()}`;
  }

  /** The key was refused: from now on it is looked at. */
  start(): void {
    if (this.looking) return;
    this.looking = true;
    this.turn += 1;
    this.look(this.turn);
  }

  stop(): void {
    this.looking = false;
    this.turn += 1;
    this.stopTimer();
  }

  /** A key was taken: whichever is refused next, it is not the one that was refused before. */
  forget(): void {
    this.stop();
    this.known = null;
  }

  private look(turn: number): void {
    const { bus, from, provider, lanes } = this.options;
    const states: KeyState[] = [];
    let left = lanes.length;
    for (const lane of lanes) {
      const body = { provider, salt: this.salt };
      bus.ask(address('thread', lane), 'thread.key', body, { from, within: LOOK_MS }, (answer) => {
        if (this.turn !== turn) return;
        if (answer.ok) states.push(answer.body);
        left -= 1;
        if (left === 0) this.looked(turn, states);
      });
    }
  }

  private looked(turn: number, states: readonly KeyState[]): void {
    const { world, every, changed } = this.options;
    const refused = new Set(states.flatMap(({ fingerprint, refused }) => (refused ? [fingerprint] : [])));
    const fresh = states.find(({ fingerprint }) => fingerprint !== null && !refused.has(fingerprint));
    this.stopTimer = world.after(every, () => this.look(turn));
    if (fresh === undefined || fresh.fingerprint === this.known) return;
    this.known = fresh.fingerprint;
    changed();
  }
}
