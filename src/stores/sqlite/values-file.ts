// SPDX-License-Identifier: Apache-2.0
// The writer of one workspace's values.db: primary data, made from nothing else, so it is never put aside or made anew.

import { dirname } from 'node:path';
import { type Failure, failure } from '../../errors.ts';
import type { StoredValue, ValueQuota } from '../key-value-store.ts';
import { type Migrations, openDatabase, type SqliteDatabase, VIEW_BUSY_MS } from './database.ts';
import { makeDirs } from './make-dirs.ts';
import { guarded } from './storage-error.ts';
import { type WipePlace, type WipeSteps, wipeDatabase } from './wipe.ts';

export const VALUES_FILE = 'values.db';

/** ANY keeps text as text and bytes as bytes. What a plugin uses is kept beside, for it is asked with every change. */
export const VALUES_MIGRATIONS: Migrations = [
  `CREATE TABLE entries (
     plugin TEXT NOT NULL,
     key TEXT NOT NULL,
     bytes INTEGER NOT NULL,
     updated INTEGER NOT NULL,
     value ANY NOT NULL
   ) STRICT;
   CREATE UNIQUE INDEX entries_by_key ON entries (plugin, key);
   CREATE TABLE used (
     plugin TEXT PRIMARY KEY,
     keys INTEGER NOT NULL,
     bytes INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;`,
];

/** Values that an erasure deletes in one commit, and the bytes after which it ends early. */
const DELETED_TOGETHER = { rows: 500, bytes: 4 * 1024 * 1024 } as const;

export type ValueChange =
  | {
      readonly type: 'set';
      readonly plugin: string;
      readonly key: string;
      readonly value: StoredValue;
      readonly at: number;
    }
  | { readonly type: 'delete'; readonly plugin: string; readonly key: string };

/** Bytes a value takes. */
export function bytesOf(value: StoredValue): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : value.byteLength;
}

export class ValuesFile {
  readonly #file: string;
  readonly #db: SqliteDatabase;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #quota: ValueQuota;

  /** Opens the file, made when it is missing. @throws SigilError `storage_failed`. */
  constructor(file: string, quota: ValueQuota) {
    this.#file = file;
    this.#quota = quota;
    guarded(file, () => makeDirs(dirname(file)));
    this.#db = openDatabase(file, {
      migrations: VALUES_MIGRATIONS,
      durability: 'full',
      cacheKib: 1024,
      busyMs: VIEW_BUSY_MS,
    });
    this.#sql = prepare(this.#db);
  }

  /** Makes the changes in one transaction, durable when it returns; for each why it was refused, null when it was not. */
  apply(changes: readonly ValueChange[]): readonly (Failure | null)[] {
    return guarded(this.#file, () =>
      this.#db.transaction(() => changes.map((change) => this.#change(change))).immediate(),
    );
  }

  /** Deletes everything that is there by now, a part at a time, and overwrites it, from where it had come to. */
  *wipe(place: WipePlace): WipeSteps {
    while (place.pages === 0 && this.#deleteSome()) yield 0;
    yield* wipeDatabase(this.#db, place);
  }

  /** Whether there may be more. */
  #deleteSome(): boolean {
    return guarded(this.#file, () =>
      this.#db
        .transaction(() => {
          let [rows, length] = [0, 0];
          for (const { plugin, key, bytes } of this.#sql.some.all(DELETED_TOGETHER.rows)) {
            if (length > DELETED_TOGETHER.bytes) return true;
            this.#change({ type: 'delete', plugin, key });
            rows += 1;
            length += bytes;
          }
          if (rows === DELETED_TOGETHER.rows) return true;
          // Quotas of nothing.
          this.#db.exec('DELETE FROM used');
          return false;
        })
        .immediate(),
    );
  }

  close(): void {
    this.#db.close();
  }

  #change(change: ValueChange): Failure | null {
    const { plugin, key } = change;
    const before = this.#sql.bytes.get(plugin, key);
    if (change.type === 'delete') {
      if (before === undefined) return failure('not_found', `${plugin} keeps nothing under ${JSON.stringify(key)}`);
      this.#sql.delete.run(plugin, key);
      this.#sql.use.run(plugin, -1, -(before + Buffer.byteLength(key)));
      return null;
    }
    const { value, at } = change;
    const bytes = bytesOf(value);
    const more = before === undefined ? bytes + Buffer.byteLength(key) : bytes - before;
    const keys = before === undefined ? 1 : 0;
    const refused = this.#refusal(plugin, keys, more);
    if (refused !== null) return refused;
    this.#sql.set.run(plugin, key, bytes, at, value);
    this.#sql.use.run(plugin, keys, more);
    return null;
  }

  /** What takes no more than before is never refused, for a quota may have been lowered. */
  #refusal(plugin: string, keys: number, bytes: number): Failure | null {
    const used = this.#sql.used.get(plugin) ?? { keys: 0, bytes: 0 };
    const quota = this.#quota;
    if (keys > 0 && used.keys + keys > quota.keys) {
      return failure(
        'payload_too_large',
        `${plugin} keeps ${used.keys} keys here and may keep ${quota.keys}; delete some`,
        {
          quota: 'keys',
          used: used.keys,
          limit: quota.keys,
        },
      );
    }
    if (bytes > 0 && used.bytes + bytes > quota.bytes) {
      const says = `${plugin} keeps ${used.bytes} bytes here, may keep ${quota.bytes}, and this takes ${bytes} more; delete some`;
      return failure('payload_too_large', says, { quota: 'bytes', used: used.bytes, limit: quota.bytes });
    }
    return null;
  }
}

function prepare(db: SqliteDatabase) {
  return {
    bytes: db.prepare<[string, string], number>('SELECT bytes FROM entries WHERE plugin = ? AND key = ?').pluck(),
    set: db.prepare<[string, string, number, number, StoredValue]>(
      `INSERT INTO entries (plugin, key, bytes, updated, value) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (plugin, key)
       DO UPDATE SET bytes = excluded.bytes, updated = excluded.updated, value = excluded.value`,
    ),
    delete: db.prepare<[string, string]>('DELETE FROM entries WHERE plugin = ? AND key = ?'),
    some: db.prepare<[number], { plugin: string; key: string; bytes: number }>(
      'SELECT plugin, key, bytes FROM entries ORDER BY plugin, key LIMIT ?',
    ),
    used: db.prepare<[string], { keys: number; bytes: number }>('SELECT keys, bytes FROM used WHERE plugin = ?'),
    use: db.prepare<[string, number, number]>(
      `INSERT INTO used (plugin, keys, bytes) VALUES (?, ?, ?)
       ON CONFLICT (plugin) DO UPDATE SET keys = keys + excluded.keys, bytes = bytes + excluded.bytes`,
    ),
  };
}
