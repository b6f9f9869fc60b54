// SPDX-License-Identifier: Apache-2.0
// Vectors after a kill in the middle of another model: which model answers, and whether it answers with everything it had.

import { EMBED_MOST } from '../../src/stores/embedder.ts';
import { IndexedSearch } from '../../src/stores/scan/indexed-search.ts';
import { MemoryBudget } from '../../src/stores/scan/memory-budget.ts';
import { VectorsReader } from '../../src/stores/sqlite/vectors-reader.ts';
import type { VectorModel } from '../../src/stores/vector-store.ts';
import { embed } from './models.ts';
import type { Place } from './place.ts';
import { vectorFiles } from './vectors-dump.ts';

/** Known texts that are looked for in each file. */
const LOOKED_FOR = 3;
/** What one text has with itself, but for rounding. */
const THE_SAME = 0.999;

/** A workspace's vectors as they stand. */
interface Standing {
  readonly model: string;
  readonly entries: number;
  /** The model that is on its way; null when none is. */
  readonly next: string | null;
}

/** What was found in each workspace's vectors before anything went wrong. */
export class KnownVectors {
  readonly #random: () => number;
  readonly #known = new Map<string, { readonly entries: number; readonly texts: readonly string[] }>();

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Takes down what is there; everything is embedded. Batches a new model will take. */
  note({ dir }: Place): number {
    let batches = 0;
    for (const [space, file] of vectorFiles(dir)) {
      const reader = new VectorsReader(file);
      try {
        const entries = reader.snapshot((state) => state.entries) ?? 0;
        const numbers = Array.from({ length: LOOKED_FOR }, () => 1 + Math.floor(this.#random() * entries));
        const found = reader.snapshot(() => reader.results(numbers.map((entry) => ({ entry, score: 0 })))) ?? [];
        this.#known.set(space, { entries, texts: found.map(({ text }) => text) });
        batches += Math.ceil(entries / EMBED_MOST.texts);
      } finally {
        reader.close();
      }
    }
    return batches;
  }

  /**
   * Asks each file, or that of one workspace: the model that answers must be `from`, with all it had, until it is `to`.
   *
   * @param whole whether `to` must answer now; undefined: either may
   */
  problems(dir: string, from: VectorModel, to: VectorModel, only?: string, whole?: boolean): readonly string[] {
    const problems: string[] = [];
    for (const [space, file] of vectorFiles(dir)) {
      const known = this.#known.get(space);
      if (known === undefined || (only !== undefined && only !== space)) continue;
      const reader = new VectorsReader(file);
      try {
        const standing = standingOf(reader);
        const says = (what: string): void => void problems.push(`${space}/vectors.db: ${what}`);
        if (standing === undefined) {
          says('nothing answers');
          continue;
        }
        const { model, entries, next } = standing;
        const expected = whole === undefined ? [from.name, to.name] : [whole ? to.name : from.name];
        if (!expected.includes(model)) says(`${model} answers, not ${expected.join(' or ')}`);
        if (next !== null && next !== to.name) says(`${next} is on its way, not ${to.name}`);
        if (entries < known.entries) says(`${entries} texts are found of ${known.entries}`);
        const search = new IndexedSearch({ key: space, rows: reader, budget: new MemoryBudget(0) });
        for (const text of known.texts) {
          const [best] = search.search(embed({ model, texts: [text] }), 1).results;
          if (best === undefined || best.score < THE_SAME) says(`${text} is not found with ${model}`);
        }
      } finally {
        reader.close();
      }
    }
    return problems;
  }
}

/** Whether another model than this still answers somewhere. */
export function unfinished({ dir }: Place, to: VectorModel): boolean {
  return vectorFiles(dir).some(([, file]) => {
    const reader = new VectorsReader(file);
    try {
      return standingOf(reader)?.model !== to.name;
    } finally {
      reader.close();
    }
  });
}

function standingOf(reader: VectorsReader): Standing | undefined {
  return reader.snapshot(({ model, entries, filling }) => {
    return { model: model.name, entries, next: filling?.model.name ?? null };
  });
}
