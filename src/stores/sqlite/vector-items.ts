// SPDX-License-Identifier: Apache-2.0
// The texts somebody's vectors are made of, read without the vectors: no extension is needed for them.

import { join } from 'node:path';
import { failure, SigilError } from '../../errors.ts';
import type { MemoryQueries, VectorItemRow } from '../memory-queries.ts';
import type { Page } from '../page.ts';
import { VECTOR_SOURCES } from '../vector-store.ts';
import { pageLimit, pageOf, placeOf } from './cursor.ts';
import { openReadonly } from './database.ts';
import { guarded } from './storage-error.ts';
import { SOURCE_NUMBERS, VECTORS_MIGRATIONS } from './vectors-schema.ts';
import { NOWHERE, preparePlace, type ViewPlace } from './view-state.ts';
import { workspaceDir } from './workspace-path.ts';

interface Row {
  readonly n: number;
  readonly id: string;
  readonly source: number;
  readonly session_id: string;
  readonly text: string;
  readonly created_at: number;
}

export interface VectorItemsOptions {
  readonly dataDir: string;
  /** Whether what is at such a place is made of the journal as it is. */
  readonly belongs: (place: ViewPlace) => boolean;
}

type Asked = Pick<MemoryQueries['vectors.items']['body'], 'workspace_id' | 'user_id' | 'page'>;

/**
 * Opened for each page: it is asked for once in a long while.
 *
 * @throws SigilError `view_behind` while the file holds what the journal has lost
 */
export function vectorItems(
  { dataDir, belongs }: VectorItemsOptions,
  { workspace_id, user_id, page }: Asked,
): Page<VectorItemRow> {
  const none = { items: [], next_cursor: null };
  const dir = workspaceDir(dataDir, workspace_id);
  if (dir === undefined) return none;
  const file = join(dir, 'vectors.db');
  const limit = pageLimit(page.limit);
  const db = openReadonly(file, VECTORS_MIGRATIONS.length);
  if (db === undefined) return none;
  try {
    const place = guarded(file, () => preparePlace(db).get()) ?? NOWHERE;
    if (!belongs(place))
      throw new SigilError(failure('view_behind', `${file} is being read in again`, { upto: place.upto }));
    const rows = guarded(file, () =>
      db
        .prepare<[number, string, number], Row>(
          `SELECT i.n, i.id, i.source, s.name AS session_id, i.text, i.created_at
           FROM items AS i JOIN names AS s ON s.id = i.session JOIN names AS u ON u.id = i.user
           WHERE i.n > ? AND u.name = ? ORDER BY i.n LIMIT ?`,
        )
        .all(placeOf('vectors', page, 0), user_id, limit + 1),
    );
    return pageOf(
      'vectors',
      limit,
      rows,
      ({ n }) => n,
      ({ id, source, session_id, text, created_at }) => ({
        ...{ id, session_id, text, created_at: new Date(created_at).toISOString() },
        source: VECTOR_SOURCES.find((name) => SOURCE_NUMBERS[name] === source) ?? 'note',
      }),
    );
  } finally {
    db.close();
  }
}
