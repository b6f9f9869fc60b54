// SPDX-License-Identifier: Apache-2.0
// The vectors of workspaces in one thread, without a gateway: each workspace's file, opened when it is asked for.

import { join } from 'node:path';
import { failure, SigilError } from '../../errors.ts';
import { checkNearest, unitOf } from '../vector-math.ts';
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

/**
 * Every search is answered from the file, exactly: whoever works without a gateway asks seldom.
 *
 * @param model what the indexes are of
 */
export function openLocalVectors(dataDir: string, model: VectorModel): WorkspaceVectors {
  const opened = new Map<string, VectorStore>();
  const open = (id: string): VectorStore => {
    const dir = workspaceDir(dataDir, id);
    if (dir === undefined) {
      throw new SigilError(failure('validation_failed', `${JSON.stringify(id)} is not an id of a workspace`));
    }
    const file = join(dir, 'vectors.db');
    const writer = new VectorsWriter(file, model);
    const rows = new VectorsReader(file);
    return {
      put: async (items) => writer.putEmbedded(items),
      delete: async (ids) => writer.delete(ids),
      search: async (vector, k, filter = {}) => {
        checkNearest(k);
        const found = rows.snapshot(({ model: { dimensions } }) => {
          const unit = unitOf(vector, dimensions);
          const numbered = rows.numbered(filter);
          return unit === undefined || numbered === undefined ? [] : rows.nearest(unit, k, numbered);
        });
        return found ?? [];
      },
      close: async () => {
        if (!opened.delete(id)) return;
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
