// SPDX-License-Identifier: Apache-2.0
// One kind of file of the workspaces as a projection writes them: opened whole, caught up when behind, one's failure its own.

import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Failure, failure, toFailure } from '../../errors.ts';
import type { JournalRow } from '../records.ts';
import type { BatchBounds, JournalRows } from './journal-source.ts';
import type { FilePool, OpenFiles } from './open-files.ts';
import { codeOf, guarded } from './storage-error.ts';
import { workspaceDir } from './workspace-path.ts';

/** A view of one workspace in a file of its own. Its checkpoint is written in the transaction of its rows. */
export interface WorkspaceView<R> {
  /** The last row of its workspace it holds. */
  readonly upto: number;
  belongsTo(source: JournalRows): boolean;
  /** Applies rows in one transaction; those it has already are passed over, so a batch may be repeated. */
  apply(journal: string, batch: readonly R[]): void;
  /** Forgets everything, to be filled again. In place: whoever reads the file keeps reading the same one. */
  clear(): void;
  close(): void;
}

/** What makes a kind of file. */
export interface WorkspaceFileKind<R> {
  /** Its name in a workspace's directory: `sessions.db`. */
  readonly name: string;
  /** Opens a workspace's file for writing, made and migrated when needed. */
  readonly open: (file: string, workspace: string) => WorkspaceView<R>;
}

export interface WorkspaceFilesOptions<R> {
  readonly kind: WorkspaceFileKind<R>;
  readonly dataDir: string;
  readonly source: JournalRows;
  readonly bounds: BatchBounds;
  /** The rows the views of this kind are made of, with their records. */
  readonly read: (rows: readonly JournalRow[]) => readonly R[];
  /** The last row of a workspace that was projected: what its file must hold. */
  readonly lastOf: (workspace: string) => number;
  readonly failed: (failure: Failure) => void;
  /** Where files are held open. */
  readonly pool: FilePool;
}

/**
 * A file that cannot be written does not hold up the others: its workspace is `broken` until a later attempt catches it
 * up from the journal, and until then whoever reads it finds it behind what was projected.
 */
export class WorkspaceFiles<R extends { readonly row: JournalRow }> {
  readonly #options: WorkspaceFilesOptions<R>;
  readonly #open: OpenFiles<WorkspaceView<R>>;
  readonly #broken = new Set<string>();

  constructor(options: WorkspaceFilesOptions<R>) {
    this.#options = options;
    this.#open = options.pool.kind(options.kind.name);
  }

  /**
   * Applies a batch by workspaces. Files that are open come first: with more workspaces than files may be open, going
   * round in the same order each time would close every file just before it is needed again.
   */
  apply(parts: ReadonlyMap<string, readonly R[]>): void {
    const [held, others] = [[], []] as [string[], string[]];
    for (const workspace of parts.keys()) (this.#open.has(workspace) ? held : others).push(workspace);
    for (const workspace of [...held, ...others]) {
      const batch = parts.get(workspace) ?? [];
      this.#attempt(workspace, () => this.#use(workspace)?.apply(this.#options.source.id, batch));
    }
  }

  /** Whether some workspace waits for another attempt. */
  get broken(): boolean {
    return this.#broken.size > 0;
  }

  /** Tries the broken ones again. */
  mend(): void {
    for (const workspace of [...this.#broken]) this.#attempt(workspace, () => this.#use(workspace));
  }

  /** Makes sure that a workspace's file is there and whole, without holding it open. */
  check(workspace: string): void {
    if (this.#open.has(workspace)) return;
    this.#attempt(workspace, () => this.#whole(workspace)?.close());
  }

  close(): void {
    this.#open.close();
  }

  #attempt(workspace: string, work: () => void): void {
    try {
      work();
      this.#broken.delete(workspace);
    } catch (thrown) {
      this.#open.drop(workspace);
      this.#broken.add(workspace);
      this.#options.failed(toFailure(thrown));
    }
  }

  #use(workspace: string): WorkspaceView<R> | undefined {
    return this.#open.use(workspace, () => this.#whole(workspace));
  }

  /** Opens a file and gives it what it misses; undefined for an id that can be no path. */
  #whole(workspace: string): WorkspaceView<R> | undefined {
    const { kind, dataDir, failed } = this.#options;
    const dir = workspaceDir(dataDir, workspace);
    if (dir === undefined) {
      const says = `workspace id ${JSON.stringify(workspace)} is not valid; its rows are passed over`;
      failed(failure('storage_failed', says));
      return undefined;
    }
    const file = openOrReplace(join(dir, kind.name), (path) => kind.open(path, workspace));
    try {
      this.#catchUp(workspace, file);
      return file;
    } catch (thrown) {
      file.close();
      throw thrown;
    }
  }

  /** Gives a file that was deleted, put back from a copy or made of another journal what it misses. */
  #catchUp(workspace: string, file: WorkspaceView<R>): void {
    const { source, bounds, lastOf, read } = this.#options;
    if (!file.belongsTo(source)) file.clear();
    const upto = lastOf(workspace);
    let from = file.upto;
    while (from < upto) {
      const rows = source.afterOf(workspace, from, upto, bounds);
      const last = rows.at(-1);
      if (last === undefined) return;
      file.apply(source.id, read(rows));
      from = last.seq;
    }
  }
}

/** Opens a workspace's file, made when it is missing; a damaged one is put aside, for it can be made again. */
function openOrReplace<V>(file: string, open: (file: string) => V): V {
  guarded(file, () => mkdirSync(dirname(file), { recursive: true, mode: 0o700 }));
  try {
    return open(file);
  } catch (thrown) {
    const cause = thrown instanceof Error ? thrown.cause : undefined;
    if (!/^SQLITE_(?:CORRUPT|NOTADB)/.test(codeOf(cause))) throw thrown;
    renameSync(file, `${file}.damaged`);
    for (const rest of ['-wal', '-shm']) rmSync(`${file}${rest}`, { force: true });
    return open(file);
  }
}
