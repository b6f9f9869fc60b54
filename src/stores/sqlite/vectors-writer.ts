// SPDX-License-Identifier: Apache-2.0
// The writer of one workspace's vectors.db: items go in at once, their vectors as they are embedded, and a new model's index takes over when it is whole.

import { dirname } from 'node:path';
import { failure, SigilError } from '../../errors.ts';
import { EMBED_MOST, EMBEDDED_LENGTH } from '../embedder.ts';
import { codeOf, unitOf } from '../vector-math.ts';
import type { VectorProgress } from '../vector-rows.ts';
import type { EmbeddedItem, VectorItem, VectorModel, VectorSource } from '../vector-store.ts';
import { openDatabase, type SqliteDatabase, VIEW_BUSY_MS, VIEW_CHECKPOINT_PAGES } from './database.ts';
import { makeDirs } from './make-dirs.ts';
import { guarded } from './storage-error.ts';
import { loadVec } from './vec-extension.ts';
import {
  dropGenerationTables,
  fillingOf,
  GIVEN_UP,
  generationTables,
  SOURCE_NUMBERS,
  type StoredGeneration,
  VECTORS_MIGRATIONS,
} from './vectors-schema.ts';
import { ViewState } from './view-state.ts';
import { type WipePlace, type WipeSteps, wipeDatabase } from './wipe.ts';

/** Removals kept for indexes in memory; one that has missed more is loaded anew. */
const REMOVALS_KEPT = 10_000;
/** The largest vectors `vec0` takes. */
const DIMENSIONS_MOST = 8_192;

interface MissingItem {
  readonly n: number;
  readonly id: string;
  readonly text: string;
}

/** Items that a generation lacks. */
export interface MissingVectors {
  readonly generation: number;
  readonly model: VectorModel;
  readonly items: readonly MissingItem[];
  /** Up to which item the generation is embedded once these are. */
  readonly upto: number;
}

interface StoredItem {
  readonly n: number;
  readonly source: number;
  readonly session: number;
  readonly user: number;
  readonly created_at: number;
}

/**
 * The model named when it is opened is the one the index shall be of. A file of another model keeps answering with its old
 * generation while a new one is filled beside it; both are filled from the items' texts, so an end in between loses nothing.
 */
export class VectorsWriter {
  /** How far the view has come; written inside {@link transact}. */
  readonly view: ViewState;
  readonly #file: string;
  readonly #db: SqliteDatabase;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #tables = new Map<number, ReturnType<typeof prepareGeneration>>();

  /** Opens the file, made when it is missing. @throws SigilError `storage_failed` */
  constructor(file: string, model: VectorModel) {
    this.#file = file;
    guarded(file, () => makeDirs(dirname(file)));
    this.#db = openDatabase(file, {
      migrations: VECTORS_MIGRATIONS,
      durability: 'normal',
      cacheKib: 1024,
      checkpointPages: VIEW_CHECKPOINT_PAGES,
      busyMs: VIEW_BUSY_MS,
    });
    try {
      guarded(file, () => loadVec(this.#db));
      this.#sql = prepare(this.#db);
      this.view = new ViewState(this.#db);
      this.#use(model);
    } catch (thrown) {
      this.#db.close();
      throw thrown;
    }
  }

  /** The model searches are answered with now. */
  get model(): VectorModel {
    const { model, dimensions } = this.#current();
    return { name: model, dimensions };
  }

  /** The model that takes over, and how far it is; null when there is none. */
  filling(): VectorProgress | null {
    return fillingOf(this.#generations());
  }

  /** Runs several changes in one transaction. */
  transact<T>(work: () => T): T {
    const result = guarded(this.#file, () => this.#db.transaction(work).immediate());
    this.view.committed();
    return result;
  }

  /** Puts items in, replacing those with the same ids. They are found once they are embedded: see {@link missing}. */
  put(items: readonly VectorItem[]): void {
    this.transact(() => {
      for (const item of items) this.#put(item);
      this.#sql.trimRemoved.run(REMOVALS_KEPT);
    });
  }

  /** Puts items in whose vectors, of the current model, are known. @throws SigilError as `VectorStore.put` */
  putEmbedded(items: readonly EmbeddedItem[]): void {
    const current = this.#current();
    const units = items.map(({ vector }) => unitOf(vector, current.dimensions));
    this.transact(() => {
      for (const [at, item] of items.entries()) {
        const { id, upto } = this.#current();
        const whole = (this.#sql.lastItem.get() ?? 0) <= upto;
        const n = this.#put(item);
        this.#enter(id, n, units[at]);
        if (whole) this.#sql.advance.run(n, id);
      }
      this.#sql.trimRemoved.run(REMOVALS_KEPT);
    });
  }

  /** Whether there is an item under this id. */
  has(id: string): boolean {
    return this.#sql.itemById.get(id) !== undefined;
  }

  /** Removes the summaries that name somebody among the others they are made of. */
  deleteSummariesWith(user_id: string): number {
    return this.transact(() => {
      let removed = 0;
      for (const n of this.#sql.summariesWith.all(SOURCE_NUMBERS.summary, user_id)) if (this.#remove(n)) removed += 1;
      this.#sql.trimRemoved.run(REMOVALS_KEPT);
      return removed;
    });
  }

  /** Removes items; answers how many there were. */
  delete(ids: readonly string[]): number {
    return this.transact(() => {
      let removed = 0;
      for (const id of ids) if (this.#remove(this.#sql.itemById.get(id))) removed += 1;
      this.#sql.trimRemoved.run(REMOVALS_KEPT);
      return removed;
    });
  }

  /** Removes the items of a source that were made of these. */
  deleteRefs(source: VectorSource, refs: readonly string[]): number {
    return this.transact(() => {
      let removed = 0;
      for (const ref of refs)
        for (const n of this.#sql.itemsOfRef.all(ref, SOURCE_NUMBERS[source])) if (this.#remove(n)) removed += 1;
      this.#sql.trimRemoved.run(REMOVALS_KEPT);
      return removed;
    });
  }

  /** Removes the items whose id begins so. */
  deleteBeginning(id_prefix: string): number {
    return this.transact(() => {
      let removed = 0;
      for (const n of this.#sql.itemsBeginning.all(id_prefix, id_prefix)) if (this.#remove(n)) removed += 1;
      this.#sql.trimRemoved.run(REMOVALS_KEPT);
      return removed;
    });
  }

  /** Who the session's newest item is of; undefined when it has none. */
  userOf(session_id: string): string | undefined {
    return this.#sql.userOf.get(session_id);
  }

  /** Removes everything of a session or a user, and their name. Answers how many items there were. */
  deleteOf(whose: { readonly session_id: string } | { readonly user_id: string }): number {
    const [name, items] =
      'session_id' in whose ? [whose.session_id, this.#sql.itemsOfSession] : [whose.user_id, this.#sql.itemsOfUser];
    return this.transact(() => {
      const id = this.#sql.name.get(name);
      if (id === undefined) return 0;
      const found = items.all(id);
      for (const n of found) this.#remove(n);
      this.#sql.trimRemoved.run(REMOVALS_KEPT);
      this.#sql.dropName.run({ id });
      return found.length;
    });
  }

  /** Forgets everything, to be filled again. In place: whoever reads the file keeps reading the same one. */
  clear(): void {
    this.transact(() => {
      const current = this.#current();
      for (const { id } of this.#generations()) this.#drop(id);
      this.#db.exec('DELETE FROM items; DELETE FROM names; DELETE FROM removed;');
      this.#begin({ name: current.model, dimensions: current.dimensions }, 1);
      this.view.clear();
    });
  }

  /**
   * The next items to be embedded: those the current generation lacks come first, for they cannot be found yet.
   *
   * @param can whether texts can be embedded with this model now; all can when it is not given
   * @param most items at most
   * @returns undefined when nothing is missing
   */
  missing({
    can = () => true,
    most = EMBED_MOST.texts,
  }: {
    readonly can?: (model: VectorModel) => boolean;
    readonly most?: number;
  } = {}): MissingVectors | undefined {
    for (const { id, model: name, dimensions, upto } of this.#generations()) {
      const model = { name, dimensions };
      if (!can(model)) continue;
      const items: MissingItem[] = [];
      let length = 0;
      let last = upto;
      for (const item of this.#of(id).missing.iterate(upto)) {
        length += item.text.length;
        if (items.length === Math.min(most, EMBED_MOST.texts) || (items.length > 0 && length > EMBED_MOST.length))
          break;
        items.push(item);
        last = item.n;
      }
      if (items.length > 0) return { generation: id, model, items, upto: last };
    }
    return undefined;
  }

  /** The models whose generations lack something, the current one's first. */
  lacking(): readonly VectorModel[] {
    return this.#generations()
      .filter(({ id, upto }) => this.#of(id).missing.get(upto) !== undefined)
      .map(({ model: name, dimensions }) => ({ name, dimensions }));
  }

  /**
   * Takes the vectors of what was {@link missing}. Items that were removed or replaced meanwhile are passed over, and so is a
   * generation that is no more. A filling generation that is whole with them takes over in the same transaction.
   *
   * @param vectors one after the other, in the order of the items
   * @returns whether another generation answers from now on
   */
  fill(missing: MissingVectors, vectors: Float32Array): boolean {
    const { dimensions } = missing.model;
    const units = missing.items.map((_, at) =>
      unitOf(vectors.subarray(at * dimensions, (at + 1) * dimensions), dimensions),
    );
    return this.#settle(missing, (n, at) => this.#enter(missing.generation, n, units[at]));
  }

  /**
   * Marks what was {@link missing} as not to be embedded with this model: it is kept and never found, and no longer missing.
   *
   * @returns whether another generation answers from now on
   */
  giveUp(missing: MissingVectors): boolean {
    return this.#settle(
      missing,
      (n) => void this.#of(missing.generation).addEntry.run(n, 0, GIVEN_UP, Buffer.alloc(0)),
    );
  }

  #settle({ generation, items, upto }: MissingVectors, enter: (n: number, at: number) => void): boolean {
    return this.transact(() => {
      if (!this.#generations().some(({ id }) => id === generation)) return false;
      for (const [at, { n }] of items.entries()) {
        const there = this.#sql.itemByNumber.get(n) !== undefined;
        if (there && this.#of(generation).entry.get(n) === undefined) enter(n, at);
      }
      this.#sql.advance.run(upto, generation);
      return this.#takeOver();
    });
  }

  /** Overwrites what was deleted, from where it had come to. Rows stay in their place, by which the extension's tables find them. */
  wipe(place: WipePlace): WipeSteps {
    return wipeDatabase(this.#db, place);
  }

  close(): void {
    this.#db.close();
  }

  /** Makes this model the one the index is of, now or when it is filled. */
  #use(model: VectorModel): void {
    const { name, dimensions } = model;
    if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > DIMENSIONS_MOST) {
      const says = `the model ${name} gives ${dimensions} dimensions; an index takes 1 to ${DIMENSIONS_MOST}`;
      throw new SigilError(failure('validation_failed', says));
    }
    const same = (other: StoredGeneration): boolean => other.model === name && other.dimensions === dimensions;
    const generations = this.#generations();
    if (generations.some(({ current }) => current === 0) || !generations.some(same)) {
      this.transact(() => {
        // Another model that was on its way is not wanted any more.
        for (const other of generations) if (other.current === 0 && !same(other)) this.#drop(other.id);
        if (!generations.some(same)) this.#begin(model, generations.length === 0 ? 1 : 0);
        const old = generations.find(({ current }) => current === 1);
        // Back to the model that answers already: what was filled for it is of no use.
        if (old !== undefined && same(old))
          for (const other of this.#generations()) if (other.current === 0) this.#drop(other.id);
        this.#takeOver();
      });
    }
  }

  #begin({ name, dimensions }: VectorModel, current: 0 | 1): void {
    const id = Number(this.#sql.addGeneration.run(name, dimensions, current).lastInsertRowid);
    this.#db.exec(generationTables(id, dimensions));
  }

  #drop(id: number): void {
    this.#tables.delete(id);
    this.#db.exec(dropGenerationTables(id));
    this.#sql.dropGeneration.run(id);
  }

  /** A filling generation that lacks nothing becomes the current one. */
  #takeOver(): boolean {
    const [old, next] = this.#generations();
    if (old === undefined || next === undefined || this.#of(next.id).missing.get(next.upto) !== undefined) return false;
    this.#drop(old.id);
    this.#sql.makeCurrent.run(next.id);
    return true;
  }

  /** The current one first. */
  #generations(): readonly StoredGeneration[] {
    return this.#sql.generations.all();
  }

  #current(): StoredGeneration {
    const [current] = this.#generations();
    if (current === undefined)
      throw new SigilError(failure('storage_failed', `${this.#file}: there is no index in it`));
    return current;
  }

  #put({ id, source, ref, session_id, user_id, created_at, metadata, text }: VectorItem): number {
    this.#remove(this.#sql.itemById.get(id));
    const kept = text.length > EMBEDDED_LENGTH ? text.slice(0, EMBEDDED_LENGTH).toWellFormed() : text;
    const [session, user] = [this.#nameId(session_id), this.#nameId(user_id)];
    const number = SOURCE_NUMBERS[source];
    const at = Math.floor(created_at);
    const made = this.#sql.addItem.run(id, number, ref, session, user, at, JSON.stringify(metadata), kept);
    return Number(made.lastInsertRowid);
  }

  #nameId(name: string): number {
    const known = this.#sql.name.get(name);
    return known ?? Number(this.#sql.addName.run(name).lastInsertRowid);
  }

  /** An item's vector in one generation. `undefined`: it is all zero. */
  #enter(generation: number, n: number, unit: Float32Array<ArrayBuffer> | undefined): void {
    const item = this.#sql.itemByNumber.get(n);
    if (item === undefined) return;
    const { addEntry, addVector } = this.#of(generation);
    if (unit === undefined) {
      addEntry.run(n, 0, 0, Buffer.alloc(0));
      return;
    }
    const { code, scale, slack } = codeOf(unit);
    const entry = addEntry.run(n, scale, slack, Buffer.from(code.buffer)).lastInsertRowid;
    const { source, session, user, created_at } = item;
    addVector.run(BigInt(entry), unit, BigInt(source), BigInt(session), BigInt(user), BigInt(created_at));
    this.#sql.countEntries.run(1, generation);
  }

  #remove(n: number | undefined): boolean {
    if (n === undefined) return false;
    for (const { id, dimensions } of this.#generations()) {
      const { entry, dropEntry, dropVector, zeroVector } = this.#of(id);
      const found = entry.get(n);
      if (found === undefined) continue;
      dropEntry.run(found.entry);
      if (found.scale === 0) continue;
      // The extension marks a deleted vector as free and leaves its numbers where they are.
      zeroVector.run(new Float32Array(dimensions), BigInt(found.entry));
      dropVector.run(BigInt(found.entry));
      this.#sql.countEntries.run(-1, id);
      this.#sql.addRemoved.run(id, found.entry);
    }
    this.#sql.dropItem.run(n);
    return true;
  }

  #of(generation: number): ReturnType<typeof prepareGeneration> {
    const known = this.#tables.get(generation);
    if (known !== undefined) return known;
    const tables = prepareGeneration(this.#db, generation);
    this.#tables.set(generation, tables);
    return tables;
  }
}

function prepare(db: SqliteDatabase) {
  return {
    generations: db.prepare<[], StoredGeneration>('SELECT * FROM generations ORDER BY current DESC, id'),
    addGeneration: db.prepare<[string, number, number]>(
      'INSERT INTO generations (model, dimensions, current, upto, entries) VALUES (?, ?, ?, 0, 0)',
    ),
    dropGeneration: db.prepare<[number]>('DELETE FROM generations WHERE id = ?'),
    makeCurrent: db.prepare<[number]>('UPDATE generations SET current = 1 WHERE id = ?'),
    advance: db.prepare<[number, number]>('UPDATE generations SET upto = max(upto, ?) WHERE id = ?'),
    countEntries: db.prepare<[number, number]>('UPDATE generations SET entries = entries + ? WHERE id = ?'),
    lastItem: db.prepare<[], number>('SELECT max(n) FROM items').pluck(),
    itemById: db.prepare<[string], number>('SELECT n FROM items WHERE id = ?').pluck(),
    itemByNumber: db.prepare<[number], StoredItem>(
      'SELECT n, source, session, user, created_at FROM items WHERE n = ?',
    ),
    itemsOfSession: db.prepare<[number], number>('SELECT n FROM items WHERE session = ?').pluck(),
    itemsOfRef: db.prepare<[string, number], number>('SELECT n FROM items WHERE ref = ? AND source = ?').pluck(),
    itemsBeginning: db
      .prepare<[string, string], number>('SELECT n FROM items WHERE id >= ? AND id < ? || char(1114111)')
      .pluck(),
    userOf: db
      .prepare<[string], string>(
        `SELECT u.name FROM names AS s JOIN items AS i ON i.session = s.id JOIN names AS u ON u.id = i.user
         WHERE s.name = ? AND i.source = 0 ORDER BY i.n DESC LIMIT 1`,
      )
      .pluck(),
    summariesWith: db
      .prepare<[number, string], number>(
        `SELECT n FROM items WHERE source = ? AND EXISTS (SELECT 1 FROM json_each(metadata, '$.others') WHERE value = ?)`,
      )
      .pluck(),
    itemsOfUser: db.prepare<[number], number>('SELECT n FROM items WHERE user = ?').pluck(),
    addItem: db.prepare<[string, number, string, number, number, number, string, string]>(
      'INSERT INTO items (id, source, ref, session, user, created_at, metadata, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    dropItem: db.prepare<[number]>('DELETE FROM items WHERE n = ?'),
    name: db.prepare<[string], number>('SELECT id FROM names WHERE name = ?').pluck(),
    addName: db.prepare<[string]>('INSERT INTO names (name) VALUES (?)'),
    dropName: db.prepare<[{ id: number }]>(
      `DELETE FROM names WHERE id = @id
       AND NOT EXISTS (SELECT 1 FROM items WHERE session = @id) AND NOT EXISTS (SELECT 1 FROM items WHERE user = @id)`,
    ),
    addRemoved: db.prepare<[number, number]>('INSERT INTO removed (generation, entry) VALUES (?, ?)'),
    trimRemoved: db.prepare<[number]>('DELETE FROM removed WHERE at <= (SELECT max(at) FROM removed) - ?'),
  };
}

type AddVector = [bigint, Float32Array, bigint, bigint, bigint, bigint];

/** Statements on the tables of one generation. Its number is ours, so it may be part of a name. */
function prepareGeneration(db: SqliteDatabase, generation: number) {
  return {
    missing: db.prepare<[number], MissingItem>(
      `SELECT n, id, text FROM items WHERE n > ? AND NOT EXISTS (SELECT 1 FROM entries_${generation} AS e WHERE e.n = items.n) ORDER BY n`,
    ),
    entry: db.prepare<[number], { readonly entry: number; readonly scale: number }>(
      `SELECT entry, scale FROM entries_${generation} WHERE n = ?`,
    ),
    addEntry: db.prepare<[number, number, number, Buffer]>(
      `INSERT INTO entries_${generation} (n, scale, slack, code) VALUES (?, ?, ?, ?)`,
    ),
    dropEntry: db.prepare<[number]>(`DELETE FROM entries_${generation} WHERE entry = ?`),
    // The extension takes whole numbers as such only.
    addVector: db.prepare<AddVector>(
      `INSERT INTO vectors_${generation} (rowid, embedding, source, session, user, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
    ),
    zeroVector: db.prepare<[Float32Array, bigint]>(`UPDATE vectors_${generation} SET embedding = ? WHERE rowid = ?`),
    dropVector: db.prepare<[bigint]>(`DELETE FROM vectors_${generation} WHERE rowid = ?`),
  };
}
