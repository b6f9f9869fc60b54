// SPDX-License-Identifier: Apache-2.0
// A workspace's vectors as they lie in their file, for who searches them there or holds their codes in memory.

import type { VectorCode } from './vector-math.ts';
import type { VectorFilter, VectorModel, VectorResult } from './vector-store.ts';

/** How much of a generation is embedded. */
export interface VectorProgress {
  readonly model: VectorModel;
  readonly done: number;
  readonly total: number;
}

/**
 * What a file holds. A generation is the index made with one model; its number is never used again. Entries are the vectors
 * in it, numbered in the order in which they came.
 */
export interface VectorFileState {
  readonly generation: number;
  readonly model: VectorModel;
  readonly entries: number;
  /** The generation that takes the place of this one as soon as it is whole. */
  readonly filling: VectorProgress | null;
}

/** A vector's code with what filters ask about. Sources, sessions and users are numbers here. */
export interface CodedEntry extends VectorCode {
  readonly entry: number;
  readonly source: number;
  readonly session: number;
  readonly user: number;
  readonly created_at: number;
}

/** A filter in the numbers of a file. */
export interface NumberedFilter {
  /** A bit for each source that may be found. */
  readonly sources: number;
  readonly session: number | undefined;
  readonly user: number | undefined;
  readonly from: number;
  readonly to: number;
}

/** Entries that were removed since somebody last looked. */
export interface RemovedEntries {
  /** Where to look from next time. */
  readonly upto: number;
  readonly entries: readonly number[];
}

/** The current generation of one workspace's file, read. */
export interface VectorRows {
  /** Runs `work` on one state of the file, whatever is written meanwhile. Undefined: there is no index yet. */
  snapshot<T>(work: (state: VectorFileState) => T): T | undefined;
  /** Entries numbered above `after`, in their order. Those that cannot be found (all zero) are left out. */
  coded(after: number, limit: number): readonly CodedEntry[];
  /** The place in the record of removals that is now the last. */
  removedUpto(): number;
  /** What was removed after this place; undefined when the record does not reach back that far. */
  removed(after: number): RemovedEntries | undefined;
  /** Calls back with the vector of each entry, of length 1. */
  vectors(entries: readonly number[], each: (entry: number, vector: Float32Array) => void): void;
  /** What the entries are, each with its score. */
  results(scored: readonly { readonly entry: number; readonly score: number }[]): VectorResult[];
  /** The filter in numbers; undefined when nothing can pass it. */
  numbered(filter: VectorFilter): NumberedFilter | undefined;
  /** The exact answer from the file. @param unit of length 1 */
  nearest(unit: Float32Array, k: number, filter: NumberedFilter): readonly VectorResult[];
}
