// SPDX-License-Identifier: Apache-2.0
// Texts of a workspace's vectors.db that could not be embedded, or are not yet, counted without the extension for vectors.

import type { SqliteDatabase } from './database.ts';
import { GIVEN_UP, type StoredGeneration } from './vectors-schema.ts';

/** Texts that a model could not embed, or has not. */
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

/** Texts that a generation lacks. @param db of a vectors.db */
export function waitingIn(db: SqliteDatabase): readonly GivenUp[] {
  const generations = db.prepare<[], StoredGeneration>('SELECT * FROM generations ORDER BY current DESC, id').all();
  return generations.flatMap(({ id, model, upto }) => {
    const texts = db
      .prepare<[number], number>(
        `SELECT count(*) FROM items WHERE n > ? AND NOT EXISTS (SELECT 1 FROM entries_${id} AS e WHERE e.n = items.n)`,
      )
      .pluck()
      .get(upto);
    return texts === undefined || texts === 0 ? [] : [{ model, texts }];
  });
}
