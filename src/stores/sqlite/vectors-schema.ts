// SPDX-License-Identifier: Apache-2.0
// The schema of a workspace's vectors.db: its items, the generations of the index, and the tables each generation has.

import type { VectorProgress } from '../vector-rows.ts';
import type { VectorSource } from '../vector-store.ts';
import type { Migrations } from './database.ts';
import { VIEW_STATE } from './view-state.ts';

/**
 * An item keeps its number `n` until it is replaced or removed, and no number is used twice. `upto` says up to which item a
 * generation is embedded. `removed` is what an index in memory has missed, its last rows kept.
 */
export const VECTORS_MIGRATIONS: Migrations = [
  `${VIEW_STATE}
   CREATE TABLE names (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE) STRICT;
   CREATE TABLE items (
     n INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     source INTEGER NOT NULL,
     ref TEXT NOT NULL,
     session INTEGER NOT NULL REFERENCES names,
     user INTEGER NOT NULL REFERENCES names,
     created_at INTEGER NOT NULL,
     metadata TEXT NOT NULL,
     text TEXT NOT NULL
   ) STRICT;
   CREATE INDEX items_of_session ON items (session, n);
   CREATE INDEX items_of_ref ON items (ref);
   CREATE INDEX items_of_user ON items (user);
   CREATE TABLE generations (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     model TEXT NOT NULL,
     dimensions INTEGER NOT NULL,
     current INTEGER NOT NULL,
     upto INTEGER NOT NULL,
     entries INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE removed (
     at INTEGER PRIMARY KEY AUTOINCREMENT,
     generation INTEGER NOT NULL,
     entry INTEGER NOT NULL
   ) STRICT;`,
];

/** A generation as it lies in its table. */
export interface StoredGeneration {
  readonly id: number;
  readonly model: string;
  readonly dimensions: number;
  /** 1: searches are answered from it. */
  readonly current: number;
  readonly upto: number;
  readonly entries: number;
}

/** The generation that takes over, and how far it is. @param generations the current one first */
export function fillingOf([current, next]: readonly StoredGeneration[]): VectorProgress | null {
  if (current === undefined || next === undefined) return null;
  const { model: name, dimensions, entries: done } = next;
  return { model: { name, dimensions }, done, total: Math.max(done, current.entries) };
}

/** How a source is written. */
export const SOURCE_NUMBERS: Readonly<Record<VectorSource, number>> = { message: 0, summary: 1, fact: 2, note: 3 };

/**
 * Vectors that lie together in one row. Few, for one of them is read by walking to it from the row's beginning: with the
 * extension's own 1,024 that took 30 times as long.
 */
const CHUNK = 64;

/** The `slack` of an entry, with a scale of 0, whose text could not be embedded. */
export const GIVEN_UP = -1;

/**
 * The tables of one generation. `vec0` keeps the vectors and answers exactly; an entry keeps the code of its vector, which is
 * what an index in memory is made of (a scale of 0: the vector is all zero, or there is none, and is not in `vec0`).
 */
export function generationTables(generation: number, dimensions: number): string {
  return `
    CREATE TABLE entries_${generation} (
      entry INTEGER PRIMARY KEY AUTOINCREMENT,
      n INTEGER NOT NULL UNIQUE REFERENCES items,
      scale REAL NOT NULL,
      slack REAL NOT NULL,
      code BLOB NOT NULL
    ) STRICT;
    CREATE VIRTUAL TABLE vectors_${generation} USING vec0(
      embedding float[${dimensions}] distance_metric=cosine,
      source integer, session integer, user integer, created_at integer,
      chunk_size=${CHUNK}
    );`;
}

export function dropGenerationTables(generation: number): string {
  return `DROP TABLE entries_${generation}; DROP TABLE vectors_${generation};`;
}
