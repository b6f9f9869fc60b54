// SPDX-License-Identifier: Apache-2.0
// One projection: follows the journal from its cursor in batches, writes the workspaces' files first and its cursor last.

import type { Failure } from '../../errors.ts';
import type { JournalRow } from '../records.ts';
import { byWorkspace } from '../streams.ts';
import type { BatchBounds, JournalRows } from './journal-source.ts';
import type { FilePool } from './open-files.ts';
import { type WorkspaceFileKind, WorkspaceFiles, type WorkspaceView } from './workspace-files.ts';

/** How far a projection has come, and what it has given to whom. Kept in gateway.db. */
export interface ProjectionCursor<R> {
  /** Everything up to here is applied. */
  readonly upto: number;
  belongsTo(source: JournalRows): boolean;
  clear(): void;
  /** The last row a workspace's file of this name was given; 0 when none. */
  lastOf(file: string, workspace: string): number;
  /** The next workspaces after `id` that have such a file, in order of id. */
  workspacesAfter(file: string, id: string, limit: number): readonly string[];
  /** The files of a batch are committed: what is kept across workspaces is written, with the new place in the journal. */
  apply(journal: string, batch: readonly R[], given: readonly Given[], last: JournalRow): void;
}

/** The last row of a batch that a workspace's file was given. */
export interface Given {
  readonly file: string;
  readonly workspace: string;
  readonly last_seq: number;
}

/** A kind of file, and which rows are for it. */
export interface ProjectedFile<R> extends WorkspaceFileKind<R> {
  readonly wants: (read: R) => boolean;
}

export interface ProjectionOptions<R> {
  readonly dataDir: string;
  readonly source: JournalRows;
  readonly bounds: BatchBounds;
  readonly cursor: ProjectionCursor<R>;
  readonly files: readonly ProjectedFile<R>[];
  /** The rows this projection is about, with their records. */
  readonly read: (rows: readonly JournalRow[]) => readonly R[];
  /** Where its files are held open. */
  readonly pool: FilePool;
  readonly failed: (failure: Failure) => void;
  /** Makes files of what is left of a trimmed journal, short of what is gone. */
  readonly acceptLoss: boolean;
  /** Called when a batch was read, when the files are committed, and when all is. */
  readonly point?: (at: 'read' | 'between_files' | 'applied') => void;
}

/** Workspaces looked at in one go when their files are checked after a start. */
const CHECKED = 8;
/** How many times its usual rows a batch may have when the projection is behind. */
const LARGEST_GROWTH = 16;

/**
 * Each file keeps its checkpoint in the transaction of its rows, and the cursor follows them, so a batch that a crash cut
 * short is simply applied again where it is missing.
 */
export class Projection<R extends { readonly row: JournalRow }> {
  readonly #options: ProjectionOptions<R>;
  readonly #files: readonly { readonly kind: ProjectedFile<R>; readonly files: WorkspaceFiles<R> }[];
  /** Grows while batches are full: the more rows a batch has, the more share what it costs to touch a file. */
  #growth = 1;
  #applied = 0;

  constructor(options: ProjectionOptions<R>) {
    this.#options = options;
    const { dataDir, source, bounds, cursor, read, failed, acceptLoss, pool } = options;
    this.#files = options.files.map((kind) => {
      const lastOf = (workspace: string): number => cursor.lastOf(kind.name, workspace);
      const wanted = (rows: readonly JournalRow[]): readonly R[] => read(rows).filter(kind.wants);
      return {
        kind,
        files: new WorkspaceFiles({ kind, dataDir, source, bounds, read: wanted, lastOf, failed, acceptLoss, pool }),
      };
    });
  }

  get upto(): number {
    return this.#options.cursor.upto;
  }

  /** Rows applied since the start. */
  get applied(): number {
    return this.#applied;
  }

  /** Whether some workspace's file waits for another attempt. */
  get broken(): boolean {
    return this.#files.some(({ files }) => files.broken);
  }

  /** Once the journal is open. Made of another one, or of rows this one has lost: it would never agree again. */
  start(): void {
    const { cursor, source } = this.#options;
    if (!cursor.belongsTo(source)) cursor.clear();
  }

  /** Applies the next batch; the rows it had. */
  step(): number {
    const { cursor, source, bounds, read, point } = this.#options;
    const most = bounds.rows * this.#growth;
    const rows = source.after(cursor.upto, { ...bounds, rows: most });
    const last = rows.at(-1);
    if (rows.length >= most) this.#growth = Math.min(LARGEST_GROWTH, 2 * this.#growth);
    // A rest lets about as many rows come in as the last batch had: the next one may be as large.
    else if (rows.length < most / 4) this.#growth = Math.max(1, this.#growth / 2);
    if (last === undefined) return 0;
    const batch = read(rows);
    point?.('read');
    const given: Given[] = [];
    for (const { kind, files } of this.#files) {
      const parts = byWorkspace(batch.filter(kind.wants));
      files.apply(parts);
      for (const [workspace, part] of parts) {
        given.push({ file: kind.name, workspace, last_seq: part.at(-1)?.row.seq ?? 0 });
      }
    }
    point?.('between_files');
    cursor.apply(source.id, batch, given, last);
    point?.('applied');
    this.#applied += rows.length;
    return rows.length;
  }

  /** Does something with a workspace's file of this name, opened when it is not; undefined when it cannot be. */
  with<T>(name: string, workspace: string, work: (view: WorkspaceView<R>) => T): T | undefined {
    return this.#files.find(({ kind }) => kind.name === name)?.files.with(workspace, work);
  }

  /** Tries files that could not be written again. */
  mend(): void {
    for (const { files } of this.#files) if (files.broken) files.mend();
  }

  /** Looks at the next few workspaces' files, for one may be gone that nobody writes to. Where to go on; null at the end. */
  check(from: CheckPlace | null): CheckPlace | null {
    const { kind = 0, after = '' } = from ?? {};
    const looked = this.#files[kind];
    if (looked === undefined) return null;
    const ids = this.#options.cursor.workspacesAfter(looked.kind.name, after, CHECKED);
    for (const id of ids) looked.files.check(id);
    const last = ids.at(-1);
    if (last !== undefined) return { kind, after: last };
    return kind + 1 < this.#files.length ? { kind: kind + 1, after: '' } : null;
  }

  close(): void {
    for (const { files } of this.#files) files.close();
  }
}

/** How far a check of all files has come: the kind of file, and the workspace. */
export interface CheckPlace {
  readonly kind: number;
  readonly after: string;
}
