// SPDX-License-Identifier: Apache-2.0
// The vector stores that keep the contract, each opened over a file of its own: in the file, and in memory with either kernel.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IndexedSearch } from '../../../src/stores/scan/indexed-search.ts';
import { plainMemory, simdMemory } from '../../../src/stores/scan/kernel.ts';
import { LoadedVectors } from '../../../src/stores/scan/loaded-vectors.ts';
import { MemoryBudget } from '../../../src/stores/scan/memory-budget.ts';
import { VectorsReader } from '../../../src/stores/sqlite/vectors-reader.ts';
import { VectorsWriter } from '../../../src/stores/sqlite/vectors-writer.ts';
import type { VectorModel, VectorStore } from '../../../src/stores/vector-store.ts';

/** A store with its parts, for tests of one backend. */
export interface OpenedStore extends VectorStore {
  readonly writer: VectorsWriter;
  readonly search_in: IndexedSearch;
  readonly reader: VectorsReader;
  readonly file: string;
}

export type StoreKind = 'file' | 'simd' | 'plain';

export const STORE_KINDS: readonly StoreKind[] = ['file', 'simd', 'plain'];

const memories = {
  simd: () => {
    const memory = simdMemory();
    if (memory === null) throw new Error('this machine has no SIMD; the scan in JavaScript is tried all the same');
    return memory;
  },
  plain: plainMemory,
};

/** A directory that is gone when the process ends. */
export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-vectors-'));
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Opens a store; in memory everything is loaded before each search that finds it behind. */
export function openStore(kind: StoreKind, file: string, model: VectorModel): OpenedStore {
  const writer = new VectorsWriter(file, model);
  const reader = new VectorsReader(file);
  const search = new IndexedSearch({
    key: file,
    rows: reader,
    budget: new MemoryBudget(1 << 30),
    worth: kind === 'file' ? Number.POSITIVE_INFINITY : 1,
    ...(kind === 'file' ? {} : { load: (dimensions: number) => new LoadedVectors(dimensions, memories[kind]()) }),
  });
  return {
    writer,
    reader,
    search_in: search,
    file,
    put: async (items) => writer.putEmbedded(items),
    delete: async (ids) => writer.delete(ids),
    search: async (vector, k, filter) => {
      const first = search.search(vector, k, filter);
      if (first.by !== 'behind') return first.results;
      let loading = search.load();
      while (loading === 'more') loading = search.load();
      const second = search.search(vector, k, filter);
      if (loading === 'whole' && second.by !== 'memory') throw new Error(`loaded, and yet answered ${second.by}`);
      return second.results;
    },
    close: async () => {
      reader.close();
      writer.close();
    },
  };
}
