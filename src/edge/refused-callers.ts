// SPDX-License-Identifier: Apache-2.0
// Wrong tokens, noted in the audit: the first at once, what follows summed up once a minute, however many they are.

import type { World } from '../world.ts';
import type { EdgeLog, EdgePorts } from './ports.ts';

const WINDOW_MS = 60_000;
/** Addresses named in one entry; the others are counted together. */
const NAMED = 20;
const NOBODY = { user_id: 'anonymous', via: '' };

export class RefusedCallers {
  readonly #world: World;
  readonly #log: EdgeLog;
  readonly #note: EdgePorts['gateway']['auditLog'];
  /** By address, since the last entry; null: none was written within the last window. */
  #counts: Map<string, number> | null = null;
  #others = 0;
  #stop: () => void = () => undefined;

  constructor({ world, log, gateway }: Pick<EdgePorts, 'world' | 'log' | 'gateway'>) {
    this.#world = world;
    this.#log = log;
    this.#note = gateway.auditLog;
  }

  /** Somebody came with a token that is not known. */
  count(address: string): void {
    if (this.#counts === null) {
      this.#write(new Map([[address, 1]]), 0);
      this.#open();
      return;
    }
    const before = this.#counts.get(address);
    if (before === undefined && this.#counts.size >= NAMED) this.#others += 1;
    else this.#counts.set(address, (before ?? 0) + 1);
  }

  /** Writes what was counted, and counts no more. */
  close(): void {
    this.#stop();
    if (this.#counts !== null && this.#counts.size > 0) this.#write(this.#counts, this.#others);
    this.#counts = null;
  }

  #open(): void {
    this.#counts = new Map();
    this.#others = 0;
    this.#stop = this.#world.after(WINDOW_MS, () => {
      const counts = this.#counts ?? new Map<string, number>();
      if (counts.size === 0) {
        this.#counts = null;
        return;
      }
      this.#write(counts, this.#others);
      this.#open();
    });
  }

  #write(counts: ReadonlyMap<string, number>, others: number): void {
    const refused = [...counts.values()].reduce((sum, count) => sum + count, others);
    const details = { refused, addresses: Object.fromEntries(counts), ...(others === 0 ? {} : { others }) };
    this.#note
      .note({ action: 'auth.refused', details, result: 'refused' }, NOBODY)
      .catch((err: unknown) => this.#log.error({ err, ...details }, 'refused callers could not be noted in the audit'));
  }
}
