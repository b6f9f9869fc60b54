// SPDX-License-Identifier: Apache-2.0
// T10: the 10 nearest of 100,000 vectors of 384 numbers, with our search and with sqlite-vec alone over the same float32.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { getLoadablePath } from 'sqlite-vec';
import { hash384 } from '../src/embeddings/hash-384.ts';
import { IndexedSearch } from '../src/stores/scan/indexed-search.ts';
import { MemoryBudget } from '../src/stores/scan/memory-budget.ts';
import { VectorsReader } from '../src/stores/sqlite/vectors-reader.ts';
import { VectorsWriter } from '../src/stores/sqlite/vectors-writer.ts';
import type { EmbeddedItem } from '../src/stores/vector-store.ts';
import { absolute, inTurns, type Measured, type Plan, ratioOf } from './measured.ts';

const VECTORS = 100_000;
const VECTORS_SHORT = 20_000;
const DIMENSIONS = 384;
const NEAREST = 10;
/** Searches in a round. */
const QUERIES = 20;

/** Chance from a seed: both sides and every run see the same data. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}

const WORDS =
  'meeting invoice garden server holiday train recipe doctor budget music window bicycle contract coffee printer school ' +
  'weather passport ticket backup update customer project report lunch family repair insurance battery camera kitchen ' +
  'release password network holiday flight hotel payment delivery question answer problem solution yesterday tomorrow';

/** Texts as people write them: some words of a common few, the rest anybody's. */
function sentences(number: number, random: () => number): string[] {
  const words = WORDS.split(' ');
  const word = (): string => {
    if (random() < 0.7) return words[Math.floor(random() ** 2 * words.length)] ?? 'word';
    return Array.from({ length: 2 + Math.floor(random() * 3) }, () => {
      const [first, second] = ['bcdfghklmnprstvz'[Math.floor(random() * 16)], 'aeiou'[Math.floor(random() * 5)]];
      return `${first}${second}`;
    }).join('');
  };
  return Array.from({ length: number }, () => Array.from({ length: 4 + Math.floor(random() * 16) }, word).join(' '));
}

/** Half of them texts embedded by the built-in model, half random ones around a few hundred centres. */
function dataset(number: number): Float32Array[] {
  const random = chance(11);
  const half = number >> 1;
  const embedded = hash384.embed(sentences(half, random));
  const texts = Array.from({ length: half }, (_, at) => embedded.slice(at * DIMENSIONS, (at + 1) * DIMENSIONS));
  const normal = (): number => random() + random() + random() + random() - 2;
  const centres = Array.from({ length: 300 }, () => Float32Array.from({ length: DIMENSIONS }, normal));
  const clustered = Array.from({ length: number - half }, (_, at) => {
    const centre = centres[at % centres.length] ?? new Float32Array(DIMENSIONS);
    return centre.map((value) => value + normal() * 0.8);
  });
  return [...texts, ...clustered];
}

/** Queries near to what is there, of both kinds: the same numbers with some noise. */
function queriesOf(vectors: readonly Float32Array[]): Float32Array[] {
  const random = chance(5);
  return Array.from({ length: QUERIES }, () => {
    const near = vectors[Math.floor(random() * vectors.length)] ?? new Float32Array(DIMENSIONS);
    const length = Math.hypot(...near);
    return near.map((value) => value + ((random() - 0.5) * 0.1 * length) / Math.sqrt(DIMENSIONS / 12));
  });
}

/** A table of sqlite-vec as its documentation has it, all of it in the cache of the connection. */
function bareTable(file: string, vectors: readonly Float32Array[]): Database.Database {
  const db = new Database(file);
  db.loadExtension(getLoadablePath());
  db.pragma('journal_mode = WAL');
  db.pragma('cache_size = -1048576');
  db.pragma('mmap_size = 1073741824');
  db.exec(`CREATE VIRTUAL TABLE bare USING vec0(embedding float[${DIMENSIONS}] distance_metric=cosine)`);
  const insert = db.prepare<[bigint, Float32Array]>('INSERT INTO bare (rowid, embedding) VALUES (?, ?)');
  db.transaction(() => {
    for (const [at, vector] of vectors.entries()) insert.run(BigInt(at), vector);
  })();
  db.pragma('wal_checkpoint(TRUNCATE)');
  return db;
}

function fill(file: string, vectors: readonly Float32Array[]): void {
  const writer = new VectorsWriter(file, { name: hash384.id, dimensions: DIMENSIONS });
  for (let first = 0; first < vectors.length; first += 2_000) {
    const items = vectors.slice(first, first + 2_000).map((vector, at): EmbeddedItem => {
      const id = String(first + at);
      const of = { source: 'message', ref: id, session_id: `s-${at % 50}`, user_id: `u-${at % 7}` } as const;
      return { ...of, id, vector, created_at: first + at, metadata: {}, text: '' };
    });
    writer.putEmbedded(items);
  }
  writer.close();
}

/** `time` is ours to sqlite-vec's; `recall` how much of what it finds we find, by its own distances. */
export async function measureT10({
  rounds,
  short,
}: Plan): Promise<{ readonly time: Measured; readonly recall: Measured }> {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-t10-'));
  try {
    const vectors = dataset(short ? VECTORS_SHORT : VECTORS);
    const queries = queriesOf(vectors);
    const db = bareTable(join(dir, 'bare.db'), vectors);
    const nearest = db.prepare<[Float32Array, bigint], { readonly rowid: number; readonly distance: number }>(
      'SELECT rowid, distance FROM bare WHERE embedding MATCH ? AND k = ?',
    );
    fill(join(dir, 'vectors.db'), vectors);
    const rows = new VectorsReader(join(dir, 'vectors.db'));
    const search = new IndexedSearch({ key: 't10', rows, budget: new MemoryBudget(1 << 30) });
    while (search.load() === 'more');
    const timed = (work: (query: Float32Array) => void): number => {
      const began = performance.now();
      for (const query of queries) work(query);
      return (performance.now() - began) / queries.length;
    };
    const ours = (): number =>
      timed((query) => {
        if (search.search(query, NEAREST).by !== 'memory') throw new Error('T10 was not answered from memory');
      });
    const bare = (): number => timed((query) => void nearest.all(query, BigInt(NEAREST)));
    // Once for the caches of both.
    ours();
    bare();
    const turns = await inTurns(
      rounds,
      async () => ours(),
      async () => bare(),
    );
    const recall = queries.map((query) => {
      const theirs = new Set(nearest.all(query, BigInt(NEAREST)).map(({ rowid }) => String(rowid)));
      return search.search(query, NEAREST).results.filter(({ id }) => theirs.has(id)).length / theirs.size;
    });
    const mean = recall.reduce((sum, value) => sum + value, 0) / recall.length;
    rows.close();
    db.close();
    return { time: ratioOf(turns), recall: { ...absolute([mean]), noise: 0 } };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
