// SPDX-License-Identifier: Apache-2.0
// The codes of one index in memory: who may be among the nearest to a query, none of the true ones left out.

import { ROUNDING } from '../vector-math.ts';
import type { CodedEntry, NumberedFilter } from '../vector-rows.ts';
import { type ScanMemory, scanMemory } from './kernel.ts';
import { BLOCK_ROWS, CODES_AT, QUERY_AT, ROWS_AT_ONCE, strideOf } from './layout.ts';
import { NearestScores } from './nearest-scores.ts';

/** An entry that may be among the nearest. */
export interface Candidate {
  readonly entry: number;
  /** Its score is not above this. */
  readonly most: number;
}

/** Room for this many rows at first; it grows by half. */
const ROWS_FIRST = 4_096;
/** Bytes of a row besides its codes. */
const COLUMN_BYTES = 4 + 4 + 8 + 1 + 4 + 4 + 8;
/** The largest number a query is coded in; its sums with codes of 127 must fit in 32 bits. */
const QUERY_MOST = 32_767;
const SUM_MOST = 2 ** 31 - 1;

/** Bytes an index takes in memory. */
export function loadedBytes(rows: number, dimensions: number): number {
  return Math.max(ROWS_FIRST, rows) * (strideOf(dimensions) + COLUMN_BYTES) + CODES_AT;
}

export class LoadedVectors {
  readonly #stride: number;
  readonly #memory: ScanMemory;
  #capacity = 0;
  #rows = 0;
  #removed = 0;
  /** By row, in the order of the entries' numbers. A row that was removed has no slack: not a number. */
  #entries = new Float64Array(0);
  #scales = new Float32Array(0);
  #slacks = new Float32Array(0);
  #sources = new Uint8Array(0);
  #sessions = new Uint32Array(0);
  #users = new Uint32Array(0);
  #times = new Float64Array(0);

  /** @param memory where it lies; the machine's best when not given */
  constructor(dimensions: number, memory: ScanMemory = scanMemory()) {
    this.#stride = strideOf(dimensions);
    this.#memory = memory;
  }

  /** Entries that can be found. */
  get size(): number {
    return this.#rows - this.#removed;
  }

  /** The highest entry it has taken. */
  get last(): number {
    return this.#entries[this.#rows - 1] ?? 0;
  }

  get bytes(): number {
    return this.#capacity * (this.#stride + COLUMN_BYTES) + CODES_AT;
  }

  /** Takes entries in, in the order of their numbers, all above {@link last}. @throws RangeError without memory for them */
  add(entries: readonly CodedEntry[]): void {
    if (this.#rows + entries.length > this.#capacity) this.#makeRoom(entries.length);
    const codes = new Int8Array(this.#memory.buffer);
    for (const { entry, code, scale, slack, source, session, user, created_at } of entries) {
      const row = this.#rows;
      codes.set(code, CODES_AT + row * this.#stride);
      this.#entries[row] = entry;
      this.#scales[row] = scale;
      // A little more than it is, for it is kept in fewer digits.
      this.#slacks[row] = slack * (1 + 1e-6);
      this.#sources[row] = source;
      this.#sessions[row] = session;
      this.#users[row] = user;
      this.#times[row] = created_at;
      this.#rows += 1;
    }
  }

  /** Forgets entries; those it does not have are passed over. */
  remove(entries: readonly number[]): void {
    for (const entry of entries) {
      const row = this.#rowOf(entry);
      if (row === undefined || Number.isNaN(this.#slacks[row])) continue;
      this.#slacks[row] = Number.NaN;
      this.#removed += 1;
    }
    if (this.#removed > ROWS_FIRST && this.#removed > this.#rows / 4) this.#compact();
  }

  /**
   * Those that may be among the `k` nearest, most promising first. A code says what a score is give or take its slack
   * (Cauchy-Schwarz): whoever is above the `k`th surest score at its best must be looked at.
   *
   * @param unit the query, of length 1
   */
  candidates(unit: Float32Array, k: number, filter: NumberedFilter): Candidate[] {
    const { step, off } = this.#code(unit);
    const sure = new NearestScores(k);
    const found: { readonly entry: number; readonly most: number; readonly row: number }[] = [];
    const { buffer } = this.#memory;
    const sums = new Int32Array(buffer, 0, BLOCK_ROWS);
    const all = passesAll(filter);
    const [scales, slacks] = [this.#scales, this.#slacks];
    for (let first = 0; first < this.#rows; first += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, this.#rows - first);
      this.#memory.dots(CODES_AT + first * this.#stride, Math.ceil(rows / ROWS_AT_ONCE) * ROWS_AT_ONCE, this.#stride);
      let floor = sure.floor;
      for (let at = 0; at < rows; at += 1) {
        const row = first + at;
        const slack = slacks[row] ?? 0;
        const score = (sums[at] ?? 0) * (scales[row] ?? 0) * step;
        const most = score + slack + off;
        // Of a row that was removed nothing is above or below anything.
        if (!(most >= floor) || !(all || this.#passes(row, filter))) continue;
        sure.add(score - slack - off);
        floor = sure.floor;
        found.push({ entry: this.#entries[row] ?? 0, most, row });
      }
    }
    const { floor } = sure;
    return found.filter(({ most }) => most >= floor).sort((one, other) => other.most - one.most);
  }

  #passes(row: number, { sources, session, user, from, to }: NumberedFilter): boolean {
    const time = this.#times[row] ?? 0;
    return (
      ((sources >> (this.#sources[row] ?? 0)) & 1) === 1 &&
      (session === undefined || this.#sessions[row] === session) &&
      (user === undefined || this.#users[row] === user) &&
      time >= from &&
      time < to
    );
  }

  /** Puts the query where the kernel expects it. What one step of it is worth, and how far a score may be off for it. */
  #code(unit: Float32Array): { readonly step: number; readonly off: number } {
    let largest = 0;
    for (const value of unit) largest = Math.max(largest, Math.abs(value));
    const most = Math.min(QUERY_MOST, Math.floor(SUM_MOST / (127 * this.#stride)));
    const step = largest / most;
    const query = new Int16Array(this.#memory.buffer, QUERY_AT, this.#stride).fill(0);
    let off = 0;
    for (const [at, value] of unit.entries()) {
      const rounded = Math.round(value / step);
      query[at] = rounded;
      off += (value - rounded * step) ** 2;
    }
    // A row's code is at most its slack longer than 1, and a slack is well below 1.
    return { step, off: Math.sqrt(off) * 2 + ROUNDING };
  }

  #rowOf(entry: number): number | undefined {
    let [low, high] = [0, this.#rows - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const here = this.#entries[middle] ?? 0;
      if (here === entry) return middle;
      if (here < entry) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  #makeRoom(more: number): void {
    const wanted = Math.max(ROWS_FIRST, this.#rows + more, this.#capacity + (this.#capacity >> 1));
    const capacity = Math.ceil(wanted / ROWS_AT_ONCE) * ROWS_AT_ONCE;
    this.#memory.grow(CODES_AT + capacity * this.#stride);
    const grown = <T extends { set(from: T): void }>(next: T, before: T): T => {
      next.set(before);
      return next;
    };
    this.#entries = grown(new Float64Array(capacity), this.#entries);
    this.#scales = grown(new Float32Array(capacity), this.#scales);
    this.#slacks = grown(new Float32Array(capacity), this.#slacks);
    this.#sources = grown(new Uint8Array(capacity), this.#sources);
    this.#sessions = grown(new Uint32Array(capacity), this.#sessions);
    this.#users = grown(new Uint32Array(capacity), this.#users);
    this.#times = grown(new Float64Array(capacity), this.#times);
    this.#capacity = capacity;
  }

  /** Moves what is left together, in its order. */
  #compact(): void {
    const codes = new Uint8Array(this.#memory.buffer);
    let next = 0;
    for (let row = 0; row < this.#rows; row += 1) {
      if (Number.isNaN(this.#slacks[row])) continue;
      if (next < row) {
        const from = CODES_AT + row * this.#stride;
        codes.copyWithin(CODES_AT + next * this.#stride, from, from + this.#stride);
        const columns = [this.#entries, this.#scales, this.#slacks, this.#sources];
        for (const column of [...columns, this.#sessions, this.#users, this.#times]) column[next] = column[row] ?? 0;
      }
      next += 1;
    }
    this.#rows = next;
    this.#removed = 0;
  }
}

function passesAll({ sources, session, user, from, to }: NumberedFilter): boolean {
  const anyTime = from === Number.NEGATIVE_INFINITY && to === Number.POSITIVE_INFINITY;
  return sources === 0b1111 && session === undefined && user === undefined && anyTime;
}
