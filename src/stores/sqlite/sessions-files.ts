// SPDX-License-Identifier: Apache-2.0
// The workspaces' sessions.db files as the projector writes them: opened whole, caught up when behind, one's failure its own.

import { join } from 'node:path';
import { type Failure, failure, toFailure } from '../../errors.ts';
import { incompleteView, putAside, putAsideNews, saysDamaged } from './damaged.ts';
import type { BatchBounds, JournalRows } from './journal-source.ts';
import { OpenFiles } from './open-files.ts';
import { type ReadRow, readSessions } from './read-rows.ts';
import { openSessionsView, type SessionsView } from './sessions-view.ts';
import { workspaceDir } from './workspace-path.ts';

export interface SessionsFilesOptions {
  readonly dataDir: string;
  readonly source: JournalRows;
  readonly bounds: BatchBounds;
  /** The last row of a workspace that gateway.db knows of: what its file must hold. */
  readonly lastOf: (workspace: string) => number;
  readonly failed: (failure: Failure) => void;
  readonly most: number;
  readonly acceptLoss: boolean;
}

/**
 * A file that cannot be written does not hold up the others: its workspace is `broken` until a later attempt catches it
 * up from the journal, and until then whoever reads it finds it behind what gateway.db knows.
 */
export class SessionsFiles {
  readonly #options: SessionsFilesOptions;
  readonly #open: OpenFiles<SessionsView>;
  readonly #broken = new Set<string>();

  constructor(options: SessionsFilesOptions) {
    this.#options = options;
    this.#open = new OpenFiles(options.most);
  }

  /**
   * Applies a batch by workspaces. Files that are open come first: with more workspaces than files may be open, going
   * round in the same order each time would close every file just before it is needed again.
   */
  apply(parts: ReadonlyMap<string, readonly ReadRow[]>): void {
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
      this.#replaceDamaged(workspace, thrown);
    }
  }

  /** Damage that is found in the middle of work: the next attempt makes the file anew. */
  #replaceDamaged(workspace: string, thrown: unknown): void {
    const dir = workspaceDir(this.#options.dataDir, workspace);
    const file = join(dir ?? '', 'sessions.db');
    if (dir === undefined || !saysDamaged(thrown, file)) return;
    try {
      this.#refuseLoss(workspace, file);
      putAside(file);
      this.#options.failed(putAsideNews(file));
    } catch (also) {
      this.#options.failed(toFailure(also));
    }
  }

  /** @throws SigilError when a file cannot be made again from the journal, for parts of it are trimmed. */
  #refuseLoss(workspace: string, file: string): void {
    const view = viewPath(workspace);
    if (!this.#options.acceptLoss && this.#options.source.trimmed(view) > 0) throw incompleteView(file, view);
  }

  #use(workspace: string): SessionsView | undefined {
    return this.#open.use(workspace, () => this.#whole(workspace));
  }

  /** Opens a file and gives it what it misses; undefined for an id that can be no path. */
  #whole(workspace: string): SessionsView | undefined {
    const dir = workspaceDir(this.#options.dataDir, workspace);
    if (dir === undefined) {
      const says = `workspace id ${JSON.stringify(workspace)} is not valid; its rows are passed over`;
      this.#options.failed(failure('storage_failed', says));
      return undefined;
    }
    const path = join(dir, 'sessions.db');
    const file = this.#opened(workspace, path);
    try {
      const belongs = file.belongsTo(this.#options.source);
      if (!belongs || file.upto < this.#options.source.trimmed(viewPath(workspace))) this.#refuseLoss(workspace, path);
      if (!belongs) file.clear();
      this.#catchUp(workspace, file);
      return file;
    } catch (thrown) {
      file.close();
      throw thrown;
    }
  }

  /** A damaged file is put aside, for it can be made again. */
  #opened(workspace: string, file: string): SessionsView {
    try {
      return openSessionsView(file);
    } catch (thrown) {
      if (!saysDamaged(thrown, file)) throw thrown;
      this.#refuseLoss(workspace, file);
      putAside(file);
      this.#options.failed(putAsideNews(file));
      return openSessionsView(file);
    }
  }

  /** Gives a file that was deleted, put back from a copy or made of another journal what it misses. */
  #catchUp(workspace: string, file: SessionsView): void {
    const { source, bounds, lastOf } = this.#options;
    const upto = lastOf(workspace);
    let from = file.upto;
    while (from < upto) {
      const rows = source.afterOf(workspace, from, upto, bounds);
      const last = rows.at(-1);
      if (last === undefined) return;
      file.apply(source.id, readSessions(rows));
      from = last.seq;
    }
  }
}

/** The file as the journal names it. */
function viewPath(workspace: string): string {
  return `workspaces/${workspace.replaceAll(':', '%3A')}/sessions.db`;
}
