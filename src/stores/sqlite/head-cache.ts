// SPDX-License-Identifier: Apache-2.0
// The heads of streams that changed: held in memory, written in key order a few with each commit, a generation at a time.

import type { Head } from '../journal-disk.ts';

/** How a generation is written; both are called inside a transaction. */
export interface HeadTable {
  put(stream: string, head: Head): void;
  /** Every head up to this row is in the table: a start need not read the journal before it. */
  complete(upto: number): void;
}

/**
 * Heads written with every commit would cost it a random page each. Collected over a generation of rows and written in
 * key order they cost next to nothing; what a crash takes from memory is read from the journal's newest rows again.
 */
export class HeadCache {
  readonly #size: number;
  /** Since the generation that is being written began. */
  #fresh = new Map<string, Head>();
  /** The generation that is being written. */
  #old = new Map<string, Head>();
  #order: string[] = [];
  #written = 0;
  /** Where `#written` will stand once the transaction is durable. */
  #staged = 0;
  #upto = 0;
  #rows = 0;

  /** @param size Rows that make a generation. */
  constructor(size: number) {
    this.#size = size;
  }

  get(stream: string): Head | undefined {
    return this.#fresh.get(stream) ?? this.#old.get(stream);
  }

  set(stream: string, head: Head): void {
    this.#fresh.set(stream, head);
  }

  /** Before a transaction: takes up the next generation when it is time. `last` is the last committed row. */
  begin(last: number): void {
    this.#staged = this.#written;
    if (this.#order.length > 0 || this.#rows < this.#size) return;
    this.#rows = 0;
    this.#old = this.#fresh;
    this.#fresh = new Map();
    this.#upto = last;
    this.#order = [...this.#old.keys()].sort();
    this.#written = 0;
    this.#staged = 0;
  }

  /** Inside a transaction: writes the next heads of the generation, at most `most`. */
  write(most: number, table: HeadTable): void {
    const end = Math.min(this.#order.length, this.#written + most);
    for (let index = this.#written; index < end; index++) {
      const stream = this.#order[index];
      const head = stream === undefined ? undefined : this.#old.get(stream);
      if (stream !== undefined && head !== undefined) table.put(stream, head);
    }
    this.#staged = end;
    if (end === this.#order.length && end > 0) table.complete(this.#upto);
  }

  /** After the transaction: what it wrote is written. Not called when it failed, so the next one writes the same again. */
  committed(rows: number): void {
    this.#rows += rows;
    this.#written = this.#staged;
    if (this.#order.length === 0 || this.#written < this.#order.length) return;
    this.#order = [];
    this.#written = 0;
    this.#old = new Map();
  }

  /** Inside a transaction: writes every head there is. For an orderly end. */
  writeAll(last: number, table: HeadTable): void {
    const all = new Map([...this.#old, ...this.#fresh]);
    for (const stream of [...all.keys()].sort()) {
      const head = all.get(stream);
      if (head !== undefined) table.put(stream, head);
    }
    table.complete(last);
  }
}
