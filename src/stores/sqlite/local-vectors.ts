// SPDX-License-Identifier: Apache-2.0
// The vectors of workspaces in one thread, without a gateway: each workspace's file, opened when it is asked for.

import { join } from 'node:path';
import { failure, SigilError } from '../../errors.ts';
import { IndexedSearch } from '../scan/indexed-search.ts';
import { MemoryBudget } from '../scan/memory-budget.ts';
import type { VectorModel, VectorStore } from '../vector-store.ts';
import { VectorsReader } from './vectors-reader.ts';
import { VectorsWriter } from './vectors-writer.ts';
import { workspaceDir } from './workspace-path.ts';

/** Tier 4 of every workspace. */
export interface WorkspaceVectors {
  /**
   * A workspace's vectors; closing them closes the file until somebody asks again.
   *
   * @throws SigilError `validation_failed` for what is no workspace's id, `storage_failed`
   */
  of(workspaceId: string): VectorStore;
  close(): Promise<void>;
}

/** What the indexes in memory of all workspaces may take together, in bytes. */
const MEMORY_BYTES = 128 * 1_048_576;

/** @param model what the indexes are of */
export function openLocalVectors(dataDir: string, model: VectorModel): WorkspaceVectors {
  const opened = new Map<string, VectorStore>();
  const budget = new MemoryBudget(MEMORY_BYTES);
  const open = (id: string): VectorStore => {
    const dir = workspaceDir(dataDir, id);
    if (dir === undefined) {
      throw new SigilError(failure('validation_failed', `${JSON.stringify(id)} is not an id of a workspace`));
    }
    const file = join(dir, 'vectors.db');
    const writer = new VectorsWriter(file, model);
    const rows = new VectorsReader(file);
    const index = new IndexedSearch({ key: id, rows, budget });
    return {
      put: async (items) => writer.putEmbedded(items),
      delete: async (ids) => writer.delete(ids),
      search: async (vector, k, filter) => {
        const first = index.search(vector, k, filter);
        if (first.by !== 'behind') return first.results;
        // What is in memory has missed something: it is loaded anew, as far as it is worth it.
        while (index.load() === 'more');
        return index.search(vector, k, filter).results;
      },
      close: async () => {
        if (!opened.delete(id)) return;
        index.unload();
        rows.close();
        writer.close();
      },
    };
  };
  return {
    of: (id) => {
      const store = opened.get(id) ?? open(id);
      opened.set(id, store);
      return store;
    },
    close: async () => {
      for (const store of [...opened.values()]) await store.close();
    },
  };
}
