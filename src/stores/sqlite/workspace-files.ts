// SPDX-License-Identifier: Apache-2.0
// One kind of file of the workspaces as a projection writes them: opened whole, caught up when behind, one's failure its own.

import { dirname, join } from 'node:path';
import { type Failure, failure, toFailure } from '../../errors.ts';
import type { JournalRow } from '../records.ts';
import { incompleteView, putAside, putAsideNews, saysDamaged } from './damaged.ts';
import type { BatchBounds, JournalRows } from './journal-source.ts';
import { makeDirs } from './make-dirs.ts';
import type { FilePool, OpenFiles } from './open-files.ts';
import { guarded } from './storage-error.ts';
import type { WipePlace, WipeSteps } from './wipe.ts';
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
  /** Overwrites what was deleted, from where it had come to. */
  wipe(place: WipePlace): WipeSteps;
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
  /** Makes files of what is left of a trimmed journal, short of what is gone. */
  readonly acceptLoss: boolean;
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

  /** Does something with a workspace's open file; undefined when it cannot be opened now, which is told and tried again. */
  with<T>(workspace: string, work: (view: WorkspaceView<R>) => T): T | undefined {
    let done: T | undefined;
    this.#attempt(workspace, () => {
      const view = this.#use(workspace);
      if (view !== undefined) done = work(view);
    });
    return done;
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
      this.#replaceDamaged(workspace, thrown);
    }
  }

  /** Damage that is found in the middle of work: the next attempt makes the file anew. */
  #replaceDamaged(workspace: string, thrown: unknown): void {
    const dir = workspaceDir(this.#options.dataDir, workspace);
    const file = join(dir ?? '', this.#options.kind.name);
    if (dir === undefined || !saysDamaged(thrown, file)) return;
    try {
      this.#refuseLoss(workspace, file);
      putAside(file);
      this.#options.failed(putAsideNews(file));
    } catch (also) {
      this.#options.failed(toFailure(also));
    }
  }

  /** The file as the journal names it. */
  #view(workspace: string): string {
    return `workspaces/${workspace.replaceAll(':', '%3A')}/${this.#options.kind.name}`;
  }

  /** @throws SigilError when a file cannot be made again from the journal, for parts of it are trimmed. */
  #refuseLoss(workspace: string, file: string): void {
    const view = this.#view(workspace);
    if (!this.#options.acceptLoss && this.#options.source.trimmed(view) > 0) throw incompleteView(file, view);
  }

  #use(workspace: string): WorkspaceView<R> | undefined {
    return this.#open.use(workspace, () => this.#whole(workspace));
  }

  /** Opens a file and gives it what it misses; undefined for an id that can be no path. */
  #whole(workspace: string): WorkspaceView<R> | undefined {
    const { kind, dataDir, failed, source } = this.#options;
    const dir = workspaceDir(dataDir, workspace);
    if (dir === undefined) {
      const says = `workspace id ${JSON.stringify(workspace)} is not valid; its rows are passed over`;
      failed(failure('storage_failed', says));
      return undefined;
    }
    const path = join(dir, kind.name);
    const file = this.#opened(workspace, path);
    try {
      const belongs = file.belongsTo(source);
      if (!belongs || file.upto < source.trimmed(this.#view(workspace))) this.#refuseLoss(workspace, path);
      if (!belongs) file.clear();
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

  /** Made when it is missing; a damaged one is put aside, for it can be made again. */
  #opened(workspace: string, file: string): WorkspaceView<R> {
    const { kind, failed } = this.#options;
    guarded(file, () => makeDirs(dirname(file)));
    try {
      return kind.open(file, workspace);
    } catch (thrown) {
      if (!saysDamaged(thrown, file)) throw thrown;
      this.#refuseLoss(workspace, file);
      putAside(file);
      failed(putAsideNews(file));
      return kind.open(file, workspace);
    }
  }
}
