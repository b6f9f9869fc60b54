// SPDX-License-Identifier: Apache-2.0
// One kind of file of the workspaces as it is read: held open within a bound, and checked to hold what was projected.

import { join } from 'node:path';
import { failure, SigilError } from '../../errors.ts';
import { fileIdentity } from './database.ts';
import type { FilePool, OpenFiles } from './open-files.ts';
import type { ViewPlace } from './view-state.ts';
import { workspaceDir } from './workspace-path.ts';

/** A reader of one workspace's file. */
export interface WorkspaceReader {
  /** Which journal it is made of, and up to which row. */
  state(): ViewPlace;
  close(): void;
}

export interface WorkspaceReadersOptions<V> {
  readonly dataDir: string;
  /** The file's name in a workspace's directory. */
  readonly name: string;
  /** Undefined while the file is not there. */
  readonly open: (workspace: string, file: string) => V | undefined;
  /** The journal the views are made of. */
  readonly journal: () => string;
  /** Whether what is at such a place is made of the journal as it is. */
  readonly belongs: (place: ViewPlace) => boolean;
  /** Where files are held open. */
  readonly pool: FilePool;
}

export class WorkspaceReaders<V extends WorkspaceReader> {
  readonly #options: WorkspaceReadersOptions<V>;
  readonly #files: OpenFiles<V>;

  /** Which file each has open. */
  readonly #identities = new WeakMap<V, number>();

  constructor(options: WorkspaceReadersOptions<V>) {
    this.#options = options;
    this.#files = options.pool.kind(options.name);
  }

  /**
   * A workspace's file; undefined when it was given nothing yet.
   * @param last the last row it was given: what it must hold
   * @throws SigilError `view_behind` when it does not, or holds what the journal has lost: the views fill it again.
   */
  use(workspace: string, last: number | undefined): V | undefined {
    const { dataDir, name, open, journal, belongs } = this.#options;
    const dir = workspaceDir(dataDir, workspace);
    if (dir === undefined || last === undefined) return undefined;
    // What a power cut has left ahead of the journal holds rows that are no more, until the views have looked after it. A
    // file that belongs to the journal once does so for ever.
    let ours = true;
    const path = join(dir, name);
    const use = (): V | undefined =>
      this.#files.use(workspace, () => {
        const identity = fileIdentity(path);
        const opened = open(workspace, path);
        if (opened === undefined) return undefined;
        this.#identities.set(opened, identity);
        ours = belongs(opened.state());
        return opened;
      });
    let file = use();
    if (file !== undefined && this.#identities.get(file) !== fileIdentity(path)) {
      // A damaged one is put aside and another made.
      this.#files.drop(workspace);
      file = use();
    }
    const state = ours ? file?.state() : undefined;
    if (file !== undefined && state !== undefined && state.upto >= last && state.journal === journal()) return file;
    // The next read opens what is there then.
    this.#files.drop(workspace);
    const says = `${name} of workspace ${workspace} is being read in again`;
    throw new SigilError(failure('view_behind', says, { upto: state?.upto ?? 0 }));
  }

  close(): void {
    this.#files.close();
  }
}
