// SPDX-License-Identifier: Apache-2.0
// One workspace's vectors.db as it is searched: read-only, each answer from one state of the file.

import { failure, SigilError } from '../../errors.ts';
import { scoreOf } from '../vector-math.ts';
import type { CodedEntry, NumberedFilter, RemovedEntries, VectorFileState, VectorRows } from '../vector-rows.ts';
import { byNearness, VECTOR_SOURCES, type VectorFilter, type VectorResult } from '../vector-store.ts';
import { fileIdentity, openReadonly, type SqliteDatabase } from './database.ts';
import { guarded } from './storage-error.ts';
import { loadVec, VEC_NEAREST_MOST } from './vec-extension.ts';
import { fillingOf, SOURCE_NUMBERS, type StoredGeneration, VECTORS_MIGRATIONS } from './vectors-schema.ts';
import { NOWHERE, preparePlace, type ViewPlace } from './view-state.ts';

/** Asked for beyond `k` at first: those that share the last place, or nearly do, are told apart by their exact score. */
const BEYOND = 16;

interface StoredEntry {
  readonly entry: number;
  readonly code: Buffer;
  readonly scale: number;
  readonly slack: number;
  readonly source: number;
  readonly session: number;
  readonly user: number;
  readonly created_at: number;
}

interface StoredResult {
  readonly id: string;
  readonly source: number;
  readonly ref: string;
  readonly session_id: string;
  readonly user_id: string;
  readonly created_at: number;
  readonly metadata: string;
  readonly text: string;
}

interface Near {
  readonly entry: number;
  readonly distance: number;
}

type Tables = ReturnType<typeof prepareGeneration>;

/** Opens by itself once the views' thread has made the file; before that there is no index. */
export class VectorsReader implements VectorRows {
  readonly #file: string;
  #db: SqliteDatabase | undefined;
  #sql: ReturnType<typeof prepare> | undefined;
  /** The tables of the generation that was current when last looked. */
  #tables: { readonly generation: StoredGeneration; readonly sql: Tables } | undefined;
  #depth = 0;
  /** Which file is open. */
  #identity = 0;
  readonly #belongs: (place: ViewPlace) => boolean;
  /** A file that belongs to the journal once does so for ever. */
  #trusted = false;

  /** @param belongs whether what is at such a place is made of the journal as it is; not asked where there is no journal */
  constructor(file: string, belongs: (place: ViewPlace) => boolean = () => true) {
    this.#file = file;
    this.#belongs = belongs;
  }

  /** Whether another file lies there than the one that is open: a damaged one is put aside and another made. */
  get replaced(): boolean {
    return this.#db !== undefined && fileIdentity(this.#file) !== this.#identity;
  }

  /** @throws SigilError `view_behind` while the file holds what the journal has lost: the views fill it again */
  snapshot<T>(work: (state: VectorFileState) => T): T | undefined {
    return guarded(this.#file, () => {
      const sql = this.#open();
      if (sql === undefined) return undefined;
      sql.begin.run();
      this.#depth += 1;
      try {
        this.#refuseLost(sql);
        const state = this.#state(sql);
        return state === undefined ? undefined : work(state);
      } finally {
        this.#depth -= 1;
        sql.commit.run();
      }
    });
  }

  coded(after: number, limit: number): readonly CodedEntry[] {
    return this.#current()
      .sql.coded.all(after, limit)
      .map(({ code, ...rest }) => {
        return { ...rest, code: new Int8Array(code.buffer as ArrayBuffer, code.byteOffset, code.length) };
      });
  }

  removedUpto(): number {
    return this.#opened().lastRemoved.get() ?? 0;
  }

  removed(after: number): RemovedEntries | undefined {
    const sql = this.#opened();
    const [first, upto] = [sql.firstRemoved.get() ?? 0, sql.lastRemoved.get() ?? 0];
    if (upto === after) return { upto, entries: [] };
    if (first > after + 1 || upto < after) return undefined;
    return { upto, entries: sql.removed.all(after, this.#current().generation.id) };
  }

  vectors(entries: readonly number[], each: (entry: number, vector: Float32Array) => void): void {
    const { vector } = this.#current().sql;
    for (const entry of entries) {
      const found = vector.get(BigInt(entry));
      if (found !== undefined) each(entry, floats(found));
    }
  }

  results(scored: readonly { readonly entry: number; readonly score: number }[]): VectorResult[] {
    const { result } = this.#current().sql;
    return scored.flatMap(({ entry, score }) => {
      const found = result.get(entry);
      if (found === undefined) return [];
      const source = VECTOR_SOURCES.find((name) => SOURCE_NUMBERS[name] === found.source) ?? 'note';
      const metadata = JSON.parse(found.metadata) as VectorResult['metadata'];
      return [{ ...found, source, metadata, score }];
    });
  }

  numbered(filter: VectorFilter): NumberedFilter | undefined {
    const { sources = VECTOR_SOURCES, session_id, user_id, from, to } = filter;
    const name = (text: string | undefined): number | null | undefined =>
      text === undefined ? undefined : (this.#opened().name.get(text) ?? null);
    const [session, user] = [name(session_id), name(user_id)];
    // Nobody's items are not those of everybody.
    if (session === null || user === null || sources.length === 0) return undefined;
    return {
      sources: sources.reduce((bits, source) => bits | (1 << SOURCE_NUMBERS[source]), 0),
      session,
      user,
      from: from ?? Number.NEGATIVE_INFINITY,
      to: to ?? Number.POSITIVE_INFINITY,
    };
  }

  /**
   * `vec0` reckons in single precision and leaves open who comes first among equals, so it is asked for some more than `k`:
   * all that may belong to them by its reckoning are scored exactly.
   */
  nearest(unit: Float32Array, k: number, filter: NumberedFilter): readonly VectorResult[] {
    const { generation } = this.#current();
    const margin = generation.dimensions * 2 ** -22;
    for (let most = k + BEYOND; most <= VEC_NEAREST_MOST; most *= 4) {
      const near = this.#near(unit, most, filter);
      const last = near[k - 1];
      const beyond = near.length < most || last === undefined ? undefined : near.at(-1);
      if (beyond !== undefined && last !== undefined && beyond.distance <= last.distance + margin) continue;
      const reach = (last?.distance ?? Number.POSITIVE_INFINITY) + margin;
      const entries = near.filter(({ distance }) => distance <= reach).map(({ entry }) => entry);
      return this.#best(unit, k, entries);
    }
    // Thousands of texts that all but agree: every one is looked at.
    return this.#best(unit, k, this.#passing(filter));
  }

  close(): void {
    this.#db?.close();
    this.#db = undefined;
    this.#sql = undefined;
    this.#tables = undefined;
    this.#trusted = false;
  }

  /** What a power cut has left ahead of the journal holds texts that are no more, until the views have looked after it. */
  #refuseLost(sql: ReturnType<typeof prepare>): void {
    if (this.#trusted) return;
    const place = sql.place.get() ?? NOWHERE;
    this.#trusted = this.#belongs(place);
    if (this.#trusted) return;
    throw new SigilError(failure('view_behind', `${this.#file} is being read in again`, { upto: place.upto }));
  }

  #best(unit: Float32Array, k: number, entries: readonly number[]): readonly VectorResult[] {
    const scored: { readonly entry: number; readonly score: number }[] = [];
    this.vectors(entries, (entry, vector) => void scored.push({ entry, score: scoreOf(unit, vector) }));
    scored.sort((one, other) => other.score - one.score);
    const last = scored[k - 1]?.score ?? Number.NEGATIVE_INFINITY;
    return this.results(scored.filter(({ score }) => score >= last))
      .sort(byNearness)
      .slice(0, k);
  }

  #near(unit: Float32Array, most: number, filter: NumberedFilter): Near[] {
    const { where, values } = conditions(filter);
    const { id } = this.#current().generation;
    const sql = `SELECT rowid AS entry, distance FROM vectors_${id} WHERE embedding MATCH ? AND k = ?${where}`;
    return this.#connection()
      .prepare<unknown[], Near>(sql)
      .all(unit, BigInt(most), ...values);
  }

  #passing(filter: NumberedFilter): number[] {
    const { where, values } = conditions(filter);
    const { id } = this.#current().generation;
    const sql = `SELECT e.entry FROM entries_${id} AS e JOIN items USING (n) WHERE e.scale > 0${where}`;
    return this.#connection()
      .prepare<unknown[], number>(sql)
      .pluck()
      .all(...values);
  }

  #open(): ReturnType<typeof prepare> | undefined {
    if (this.#sql !== undefined) return this.#sql;
    const identity = fileIdentity(this.#file);
    const db = openReadonly(this.#file, VECTORS_MIGRATIONS.length);
    if (db === undefined) return undefined;
    try {
      loadVec(db);
      this.#sql = prepare(db);
      this.#db = db;
      this.#identity = identity;
      return this.#sql;
    } catch (thrown) {
      db.close();
      throw thrown;
    }
  }

  #state(sql: ReturnType<typeof prepare>): VectorFileState | undefined {
    const generations = sql.generations.all();
    const [current] = generations;
    const db = this.#db;
    if (current === undefined || db === undefined) return undefined;
    if (this.#tables?.generation.id !== current.id) {
      this.#tables = { generation: current, sql: prepareGeneration(db, current.id) };
    }
    const { id: generation, model: name, dimensions, entries } = current;
    return { generation, model: { name, dimensions }, entries, filling: fillingOf(generations) };
  }

  #current(): { readonly generation: StoredGeneration; readonly sql: Tables } {
    if (this.#depth === 0 || this.#tables === undefined) throw new Error('vectors are read inside a snapshot only');
    return this.#tables;
  }

  #opened(): ReturnType<typeof prepare> {
    if (this.#depth === 0 || this.#sql === undefined) throw new Error('vectors are read inside a snapshot only');
    return this.#sql;
  }

  #connection(): SqliteDatabase {
    if (this.#db === undefined) throw new SigilError(failure('draining', `${this.#file} is closed`));
    return this.#db;
  }
}

/** A filter as SQL over columns that items and `vec0` both have. */
function conditions({ sources, session, user, from, to }: NumberedFilter): { where: string; values: unknown[] } {
  const where: string[] = [];
  const values: unknown[] = [];
  const numbers = Object.values(SOURCE_NUMBERS).filter((number) => ((sources >> number) & 1) === 1);
  if (numbers.length < VECTOR_SOURCES.length) where.push(`source IN (${numbers.join(', ')})`);
  const bound = (condition: string, value: number | undefined): void => {
    if (value === undefined || !Number.isFinite(value)) return;
    where.push(condition);
    values.push(BigInt(Math.ceil(value)));
  };
  bound('session = ?', session);
  bound('user = ?', user);
  bound('created_at >= ?', from);
  bound('created_at < ?', to);
  return { where: where.map((condition) => ` AND ${condition}`).join(''), values };
}

/** A vector as `vec0` gives it. */
function floats(blob: Buffer): Float32Array {
  if (blob.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0)
    return new Float32Array(blob.buffer, blob.byteOffset, blob.length / Float32Array.BYTES_PER_ELEMENT);
  return new Float32Array(Uint8Array.from(blob).buffer);
}

function prepare(db: SqliteDatabase) {
  return {
    begin: db.prepare<[]>('BEGIN'),
    commit: db.prepare<[]>('COMMIT'),
    place: preparePlace(db),
    generations: db.prepare<[], StoredGeneration>('SELECT * FROM generations ORDER BY current DESC, id'),
    name: db.prepare<[string], number>('SELECT id FROM names WHERE name = ?').pluck(),
    firstRemoved: db.prepare<[], number | null>('SELECT min(at) FROM removed').pluck(),
    lastRemoved: db.prepare<[], number | null>('SELECT max(at) FROM removed').pluck(),
    removed: db
      .prepare<[number, number], number>('SELECT entry FROM removed WHERE at > ? AND generation = ? ORDER BY at')
      .pluck(),
  };
}

function prepareGeneration(db: SqliteDatabase, generation: number) {
  return {
    coded: db.prepare<[number, number], StoredEntry>(
      `SELECT e.entry, e.code, e.scale, e.slack, i.source, i.session, i.user, i.created_at
       FROM entries_${generation} AS e JOIN items AS i USING (n) WHERE e.entry > ? AND e.scale > 0 ORDER BY e.entry LIMIT ?`,
    ),
    vector: db.prepare<[bigint], Buffer>(`SELECT embedding FROM vectors_${generation} WHERE rowid = ?`).pluck(),
    result: db.prepare<[number], StoredResult>(
      `SELECT i.id, i.source, i.ref, s.name AS session_id, u.name AS user_id, i.created_at, i.metadata, i.text
       FROM entries_${generation} AS e JOIN items AS i USING (n) JOIN names AS s ON s.id = i.session JOIN names AS u ON u.id = i.user
       WHERE e.entry = ?`,
    ),
  };
}
