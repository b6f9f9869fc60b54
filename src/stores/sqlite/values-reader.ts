// SPDX-License-Identifier: Apache-2.0
// Values as the read thread reads them: what was committed before, without waiting for any view.

import { join } from 'node:path';
import type { StoredValue, ValueQueries } from '../key-value-store.ts';
import { pageLimit, pageOf, placeOf } from './cursor.ts';
import { openReadonly, type SqliteDatabase } from './database.ts';
import type { FilePool, OpenFiles } from './open-files.ts';
import { guarded } from './storage-error.ts';
import { VALUES_FILE, VALUES_MIGRATIONS } from './values-file.ts';
import { workspaceDir } from './workspace-path.ts';

type Listed = ValueQueries['values.list']['reply'];

export class ValuesReader {
  readonly #dataDir: string;
  readonly #files: OpenFiles<OneFile>;

  constructor(dataDir: string, pool: FilePool) {
    this.#dataDir = dataDir;
    this.#files = pool.kind(VALUES_FILE);
  }

  /** Undefined when nothing is kept there. */
  get(workspace: string, plugin: string, key: string): StoredValue | undefined {
    return this.#file(workspace)?.get(plugin, key);
  }

  list({ workspace_id, plugin, prefix, page }: ValueQueries['values.list']['body']): Listed {
    const limit = pageLimit(page.limit);
    const list = JSON.stringify(['values', plugin, prefix]);
    const after = placeOf<string>(list, page, '');
    const rows = this.#file(workspace_id)?.list(plugin, prefix, after, limit + 1) ?? [];
    const entry = ({ key, bytes, updated }: Entry) => ({ key, bytes, updated_at: new Date(updated).toISOString() });
    return pageOf(list, limit, rows, ({ key }) => key, entry);
  }

  close(): void {
    this.#files.close();
  }

  #file(workspace: string): OneFile | undefined {
    const dir = workspaceDir(this.#dataDir, workspace);
    if (dir === undefined) return undefined;
    return this.#files.use(workspace, () => {
      const file = join(dir, VALUES_FILE);
      const db = openReadonly(file, VALUES_MIGRATIONS.length);
      return db === undefined ? undefined : new OneFile(file, db);
    });
  }
}

interface Entry {
  readonly key: string;
  readonly bytes: number;
  readonly updated: number;
}

class OneFile {
  readonly #file: string;
  readonly #db: SqliteDatabase;
  readonly #sql;

  constructor(file: string, db: SqliteDatabase) {
    this.#file = file;
    this.#db = db;
    this.#sql = {
      get: db.prepare<[string, string], StoredValue>('SELECT value FROM entries WHERE plugin = ? AND key = ?').pluck(),
      /** Both bounds are part of the index: of keys before the prefix none is looked at. */
      list: db.prepare<[string, string, string], Entry>(
        'SELECT key, bytes, updated FROM entries WHERE plugin = ? AND key >= ? AND key > ? ORDER BY key',
      ),
    };
  }

  get(plugin: string, key: string): StoredValue | undefined {
    return guarded(this.#file, () => {
      const value = this.#sql.get.get(plugin, key);
      // A Buffer's memory may be a part of a larger one: only its own bytes cross to another thread.
      return value instanceof Uint8Array ? new Uint8Array(value) : value;
    });
  }

  /** Keys with the prefix, behind `after`. */
  list(plugin: string, prefix: string, after: string, most: number): readonly Entry[] {
    return guarded(this.#file, () => {
      const found: Entry[] = [];
      for (const entry of this.#sql.list.iterate(plugin, prefix, after)) {
        if (!entry.key.startsWith(prefix) || found.length >= most) break;
        found.push(entry);
      }
      return found;
    });
  }

  close(): void {
    this.#db.close();
  }
}
