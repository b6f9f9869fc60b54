// SPDX-License-Identifier: Apache-2.0
// What is in the vectors.db of a directory's workspaces, as far as it does not depend on the order in which texts were embedded.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { loadVec } from '../../src/stores/sqlite/vec-extension.ts';
import type { StoredGeneration } from '../../src/stores/sqlite/vectors-schema.ts';

/** The files of vectors in a directory, by their workspace's directory. */
export function vectorFiles(dir: string): readonly (readonly [space: string, file: string])[] {
  const spaces = join(dir, 'workspaces');
  return (existsSync(spaces) ? readdirSync(spaces).sort() : [])
    .map((space) => [space, join(spaces, space, 'vectors.db')] as const)
    .filter(([, file]) => existsSync(file));
}

/**
 * By file: the generations, how far they are, and every item with its vector in the one that answers. The numbers of items
 * and entries are left out, and so is what was noted for indexes in memory.
 */
export function dumpVectors(dir: string): Readonly<Record<string, readonly unknown[]>> {
  return Object.fromEntries(vectorFiles(dir).map(([space, file]) => [`workspaces/${space}/vectors.db`, dumpOne(file)]));
}

function dumpOne(file: string): readonly unknown[] {
  const db = new Database(file, { readonly: true });
  try {
    loadVec(db);
    const generations = db.prepare<[], StoredGeneration>('SELECT * FROM generations ORDER BY current DESC').all();
    const [current] = generations;
    const known = new Set(generations.flatMap(({ id }) => [`entries_${id}`, `vectors_${id}`]));
    const tables = db
      .prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB '*_[0-9]*'`)
      .pluck()
      .all();
    // A generation that is no more leaves nothing: the extension keeps tables of its own for each.
    const left = tables.filter((name) => ![...known].some((one) => name === one || name.startsWith(`${one}_`)));
    if (current === undefined) return ['no generation', left];
    const id = current.id;
    const counted = (table: string, where = ''): unknown => db.prepare(`SELECT count(*) FROM ${table} ${where}`).get();
    return [
      generations.map(({ model, dimensions, entries }) => ({ model, dimensions, entries })),
      { left },
      counted(`vectors_${id}`),
      counted(`entries_${id}`, 'WHERE scale > 0'),
      db.prepare('SELECT journal, upto, mark FROM view_state').all(),
      ...itemsOf(db, id),
    ];
  } finally {
    db.close();
  }
}

/** An item, and its vector where it has one. */
export interface DumpedItem {
  readonly id: string;
  /** All else that is known of it. */
  readonly item: string;
  /** Its code and vector in the index that answers; null while it is not embedded. */
  readonly vector: string | null;
}

function itemsOf(db: Database.Database, generation: number): readonly DumpedItem[] {
  return db
    .prepare<[], DumpedItem>(
      `SELECT i.id, json_array(i.source, i.ref, s.name, u.name, i.created_at, i.metadata, i.text) AS item,
         json_array(e.scale, e.slack, hex(e.code), hex(v.embedding), v.source = i.source, v.session = i.session,
           v.user = i.user, v.created_at = i.created_at) AS vector
       FROM items AS i JOIN names AS s ON s.id = i.session JOIN names AS u ON u.id = i.user
       LEFT JOIN entries_${generation} AS e ON e.n = i.n LEFT JOIN vectors_${generation} AS v ON v.rowid = e.entry
       ORDER BY i.id`,
    )
    .all()
    .map((item) => ({ ...item, vector: item.vector?.startsWith('[null') ? null : item.vector }));
}

/** The items of one file, in the order of their ids; none when it has no index yet. */
export function dumpItems(file: string): readonly DumpedItem[] {
  const db = new Database(file, { readonly: true });
  try {
    loadVec(db);
    const id = db.prepare<[], number>('SELECT id FROM generations WHERE current = 1').pluck().get();
    return id === undefined ? [] : itemsOf(db, id);
  } finally {
    db.close();
  }
}
