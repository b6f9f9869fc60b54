// SPDX-License-Identifier: Apache-2.0
// Texts of a workspace's vectors.db that could not be embedded, counted without the extension for vectors.

import type { SqliteDatabase } from './database.ts';
import { GIVEN_UP, type StoredGeneration } from './vectors-schema.ts';

/** What the model searches are answered with could not embed. */
export interface GivenUp {
  readonly model: string;
  readonly texts: number;
}

/** Reads every entry's row; undefined when the file has no index yet. @param db of a vectors.db */
export function givenUpIn(db: SqliteDatabase): GivenUp | undefined {
  const current = db.prepare<[], StoredGeneration>('SELECT * FROM generations WHERE current = 1').get();
  if (current === undefined) return undefined;
  const texts = db
    .prepare<[number], number>(`SELECT count(*) FROM entries_${current.id} WHERE scale = 0 AND slack = ?`)
    .pluck()
    .get(GIVEN_UP);
  return { model: current.model, texts: texts ?? 0 };
}
