// SPDX-License-Identifier: Apache-2.0
// Tier 4, texts found by what they say: the interface every backend of vectors has, and what is stored and found.

/** What an item is made of. */
export const VECTOR_SOURCES = ['message', 'summary', 'fact', 'note'] as const;

export type VectorSource = (typeof VECTOR_SOURCES)[number];

/** A text that can be found. */
export interface VectorItem {
  /** Unique in its workspace. */
  readonly id: string;
  readonly source: VectorSource;
  /** The id of what it was made of, in the store that keeps that. */
  readonly ref: string;
  /** Empty: of no session. */
  readonly session_id: string;
  /** Empty: of nobody. */
  readonly user_id: string;
  /** Epoch milliseconds. */
  readonly created_at: number;
  /** Plain data, given back as it came. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** What is embedded; kept, so that another model can embed it again. */
  readonly text: string;
}

/** An item whose vector is already known. */
export interface EmbeddedItem extends VectorItem {
  readonly vector: Float32Array;
}

/** Which items may be found; all that is given must hold. */
export interface VectorFilter {
  /** Any of these. */
  readonly sources?: readonly VectorSource[] | undefined;
  readonly session_id?: string | undefined;
  readonly user_id?: string | undefined;
  /** Made at or after, epoch milliseconds. */
  readonly from?: number | undefined;
  /** Made before, epoch milliseconds. */
  readonly to?: number | undefined;
}

export interface VectorResult extends VectorItem {
  /** Cosine of the angle between the two vectors, -1 to 1. */
  readonly score: number;
}

/** A model as an index knows it. */
export interface VectorModel {
  /** `provider/name`. */
  readonly name: string;
  readonly dimensions: number;
}

/** Results of one search at most. */
export const NEAREST_MOST = 1_000;

/**
 * One workspace's vectors. Whatever the backend, a search gives the true nearest, best first, those with the same score in
 * the order of their ids. A vector that is all zero says nothing: it is kept and never found, and finds nothing.
 */
export interface VectorStore {
  /**
   * Puts items in, replacing those with the same ids.
   *
   * @throws SigilError `validation_failed` when a vector has other dimensions than the index (both are named) or a number
   *   in it is not finite; then nothing is stored
   */
  put(items: readonly EmbeddedItem[]): Promise<void>;
  /** Removes items; ids that are not there are passed over. Answers how many were. */
  delete(ids: readonly string[]): Promise<number>;
  /**
   * The `k` nearest.
   *
   * @param k 1 to {@link NEAREST_MOST}
   * @throws SigilError `validation_failed` for another `k`, other dimensions or numbers that are not finite
   */
  search(vector: Float32Array, k: number, filter?: VectorFilter): Promise<readonly VectorResult[]>;
  close(): Promise<void>;
}

/** Best first, and by id where the score is the same. */
export function byNearness(one: VectorResult, other: VectorResult): number {
  if (one.score !== other.score) return other.score - one.score;
  return one.id < other.id ? -1 : one.id > other.id ? 1 : 0;
}
