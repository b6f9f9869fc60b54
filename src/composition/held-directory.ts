// SPDX-License-Identifier: Apache-2.0
// The table of people as a thread beside main holds it, and those who wait until it has come so far.

import {
  changedTable,
  type DirectoryTable,
  EMPTY_TABLE,
  type PackedTable,
  type TableChange,
  unpackTable,
} from '../stores/directory-table.ts';

/** What a thread's parts have of it. */
export interface ThreadDirectory {
  /** As of the newest change that was heard of. */
  readonly table: DirectoryTable;
  /**
   * Runs once the table is whole and at this version or past it: at once, when it is. What main had decided by that version is
   * known here then. `refused` runs instead when too many wait.
   */
  at(version: number, run: () => void, refused: () => void): void;
  /** Has `run` called each time the agent is paused no longer, once the table says so. */
  onResumed(run: () => void): void;
}

interface Waiting {
  readonly version: number;
  readonly run: () => void;
}

/** How many may wait: the time a table takes to come is that of one message between two threads. */
const WAITING_MOST = 10_000;

export class HeldDirectory implements ThreadDirectory {
  #table: DirectoryTable;
  #waiting: Waiting[] = [];
  readonly #threw: (thrown: unknown) => void;
  readonly #resumed: (() => void)[] = [];

  /** @param threw told of what somebody who waited threw */
  constructor(packed: PackedTable | null, threw: (thrown: unknown) => void) {
    this.#table = packed === null ? EMPTY_TABLE : unpackTable(packed);
    this.#threw = threw;
  }

  get table(): DirectoryTable {
    return this.#table;
  }

  /** @throws Error when a change is missing before this one */
  apply(change: TableChange): void {
    const { paused } = this.#table;
    this.#table = changedTable(this.#table, change);
    if (paused && !this.#table.paused) for (const run of this.#resumed) this.#guarded(run);
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = waiting.filter((one) => !this.#reached(one.version));
    for (const { version, run } of waiting) if (this.#reached(version)) this.#guarded(run);
  }

  onResumed(run: () => void): void {
    this.#resumed.push(run);
  }

  at(version: number, run: () => void, refused: () => void): void {
    if (this.#reached(version)) run();
    else if (this.#waiting.length >= WAITING_MOST) refused();
    else this.#waiting.push({ version, run });
  }

  #guarded(run: () => void): void {
    try {
      run();
    } catch (thrown) {
      this.#threw(thrown);
    }
  }

  #reached(version: number): boolean {
    return this.#table.whole && this.#table.version >= version;
  }
}
