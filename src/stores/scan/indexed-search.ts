// SPDX-License-Identifier: Apache-2.0
// Searches one workspace's vectors: by the codes in memory when they are loaded, else in the file. The answers are the same.

import { checkNearest, scoreOf, unitOf } from '../vector-math.ts';
import type { NumberedFilter, VectorFileState, VectorRows } from '../vector-rows.ts';
import { byNearness, type VectorFilter, type VectorResult } from '../vector-store.ts';
import { LoadedVectors, loadedBytes } from './loaded-vectors.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { NearestScores } from './nearest-scores.ts';

/**
 * Vectors from which on memory pays: of 384 numbers the file searches 1,000 in 0.8 ms and 2,000 in 3, memory both in 0.4.
 * Below, what is saved is not worth the memory.
 */
export const WORTH_LOADING = 2_000;
/** Entries loaded in one step: a few milliseconds. */
const STEP_ROWS = 1_000;
/** Entries that may be taken in within a search; when more have come since the last, the file answers. */
const CATCH_UP_MOST = 2_000;
/** Candidates whose vectors are read at once. */
const LOOKED_AT = 32;

export interface IndexedSearchOptions {
  /** Its name in the budget. */
  readonly key: string;
  readonly rows: VectorRows;
  readonly budget: MemoryBudget;
  /** The budget has taken its memory for another. */
  readonly evicted?: () => void;
  readonly worth?: number;
  /** See {@link LoadedVectors}. */
  readonly load?: (dimensions: number) => LoadedVectors;
}

/** How a search was answered; `behind`: from the file, though memory would pay, so that it should be loaded. */
export type AnsweredBy = 'memory' | 'file' | 'behind';

export interface Answered {
  readonly results: readonly VectorResult[];
  readonly by: AnsweredBy;
  readonly state: VectorFileState | undefined;
}

/** `more`: call again; `whole`: everything is in memory; `small`, `large`: the file is the better place. */
export type Loading = 'more' | 'whole' | 'small' | 'large';

interface Loaded {
  readonly generation: number;
  readonly vectors: LoadedVectors;
  removed_upto: number;
}

export class IndexedSearch {
  readonly #options: IndexedSearchOptions;
  #loaded: Loaded | undefined;
  #whole = false;

  constructor(options: IndexedSearchOptions) {
    this.#options = options;
  }

  /** Whether codes are held, whole or not. */
  get inMemory(): boolean {
    return this.#loaded !== undefined;
  }

  /** Loads some more. @throws SigilError `storage_failed` when the file cannot be read */
  load(): Loading {
    const { rows } = this.#options;
    return rows.snapshot((state) => this.#load(state)) ?? 'small';
  }

  /** Forgets what is in memory. */
  unload(): void {
    this.#options.budget.release(this.#options.key);
    this.#loaded = undefined;
    this.#whole = false;
  }

  /**
   * The true nearest, as the file has them now.
   *
   * @throws SigilError `validation_failed` as `VectorStore.search`, `storage_failed` when the file cannot be read
   */
  search(vector: Float32Array, k: number, filter: VectorFilter = {}): Answered {
    checkNearest(k);
    const answered = this.#options.rows.snapshot((state): Answered => {
      const unit = unitOf(vector, state.model.dimensions);
      const numbered = this.#options.rows.numbered(filter);
      const vectors = this.#current(state);
      const by = vectors === 'behind' || vectors === 'file' ? vectors : 'memory';
      if (unit === undefined || numbered === undefined) return { results: [], by, state };
      const results =
        vectors === 'behind' || vectors === 'file'
          ? this.#options.rows.nearest(unit, k, numbered)
          : this.#nearest(vectors, unit, k, numbered);
      return { results, by, state };
    });
    return answered ?? { results: [], by: 'file', state: undefined };
  }

  #load({ generation, model, entries }: VectorFileState): Loading {
    const { rows, worth = WORTH_LOADING, load = (dimensions: number) => new LoadedVectors(dimensions) } = this.#options;
    if (this.#loaded?.generation !== generation) {
      this.unload();
      if (entries < worth) return 'small';
      if (!this.#take(loadedBytes(entries, model.dimensions))) return 'large';
      // Whatever is removed from here on is in the record after this place.
      this.#loaded = { generation, vectors: load(model.dimensions), removed_upto: rows.removedUpto() };
    }
    const loaded = this.#loaded;
    if (loaded === undefined) return 'small';
    const more = rows.coded(loaded.vectors.last, STEP_ROWS);
    loaded.vectors.add(more);
    if (!this.#take(Math.max(loaded.vectors.bytes, loadedBytes(entries, model.dimensions)))) {
      this.unload();
      return 'large';
    }
    this.#whole = more.length < STEP_ROWS;
    return this.#whole ? 'whole' : 'more';
  }

  #take(bytes: number): boolean {
    const { key, budget, evicted } = this.#options;
    return budget.take(key, bytes, () => {
      this.#loaded = undefined;
      this.#whole = false;
      evicted?.();
    });
  }

  /** The vectors in memory, brought up to the file's state; else why the file must answer. */
  #current(state: VectorFileState): LoadedVectors | 'file' | 'behind' {
    const { rows, worth = WORTH_LOADING } = this.#options;
    const loaded = this.#loaded;
    if (loaded === undefined || loaded.generation !== state.generation) {
      this.unload();
      const pays =
        state.entries >= worth && loadedBytes(state.entries, state.model.dimensions) <= this.#options.budget.most;
      return pays ? 'behind' : 'file';
    }
    if (!this.#whole) return 'behind';
    const removed = rows.removed(loaded.removed_upto);
    if (removed === undefined) {
      this.unload();
      return 'behind';
    }
    const { vectors } = loaded;
    const more = rows.coded(vectors.last, CATCH_UP_MOST);
    vectors.remove(removed.entries);
    loaded.removed_upto = removed.upto;
    vectors.add(more);
    if (!this.#take(vectors.bytes)) {
      this.unload();
      return 'file';
    }
    this.#whole = more.length < CATCH_UP_MOST;
    return this.#whole ? vectors : 'behind';
  }

  /**
   * Looks at the vectors of the candidates, most promising first, until no other can be better than the `k` found: what is
   * left out is certainly not among them.
   */
  #nearest(vectors: LoadedVectors, unit: Float32Array, k: number, filter: NumberedFilter): readonly VectorResult[] {
    const { rows } = this.#options;
    const candidates = vectors.candidates(unit, k, filter);
    const nearest = new NearestScores(k);
    const scored: { readonly entry: number; readonly score: number }[] = [];
    for (let first = 0; first < candidates.length; first += LOOKED_AT) {
      const next = candidates.slice(first, first + LOOKED_AT);
      if ((next[0]?.most ?? 0) < nearest.floor) break;
      rows.vectors(
        next.map(({ entry }) => entry),
        (entry, vector) => {
          const score = scoreOf(unit, vector);
          nearest.add(score);
          scored.push({ entry, score });
        },
      );
    }
    // All that share the last place: their ids decide between them.
    const best = scored.filter(({ score }) => score >= nearest.floor);
    return rows.results(best).sort(byNearness).slice(0, k);
  }
}
