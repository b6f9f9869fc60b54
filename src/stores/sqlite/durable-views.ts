// SPDX-License-Identifier: Apache-2.0
// Up to which row the views of a workspace are on the disk: looked up in their files, which are synced before it counts.

import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { GATEWAY_FILE } from './data-files.ts';
import { lookInto, projectedFacts, viewFacts } from './file-facts.ts';
import { workspaceDir } from './workspace-path.ts';

interface Known {
  readonly upto: number;
  /** The views of the workspace, as the journal names them, and the last row each holds. */
  readonly files: ReadonlyMap<string, number>;
}

/** gateway.db as it was read, and is on the disk by now. */
interface Gateway {
  readonly upto: number;
  given(workspace: string): ReadonlyMap<string, number>;
}

/** Nothing of this workspace may go. */
const NOTHING: Known = { upto: 0, files: new Map() };
/** Workspaces remembered within a pass. */
const MOST = 4096;

export class DurableViews {
  readonly #dataDir: string;
  /** The journal the views must be made of. */
  readonly #journal: string;
  #gateway: Gateway | undefined;
  #known = new Map<string, Known>();

  constructor(dataDir: string, journal: string) {
    this.#dataDir = dataDir;
    this.#journal = journal;
  }

  /** What was looked up last; undefined when {@link look} has to be called first. */
  upto(workspace: string): number | undefined {
    return this.#known.get(workspace)?.upto;
  }

  /** The views of a workspace that was looked up. A file's last row may lie before `upto`: not every row is for it. */
  files(workspace: string): ReadonlyMap<string, number> {
    return this.#known.get(workspace)?.files ?? NOTHING.files;
  }

  forget(): void {
    this.#gateway = undefined;
    this.#known = new Map();
  }

  /**
   * Looks a workspace up. gateway.db says how far every projection is, and what it has given to which file: the file must be
   * there and have that. Files are read first and synced after: what was read then is on the disk.
   */
  async look(workspace: string): Promise<void> {
    this.#gateway ??= await this.#gatewayNow();
    const { upto, given } = this.#gateway;
    const files = new Map<string, number>();
    let whole = upto > 0;
    const expected = given(workspace);
    for (const [name, last] of expected) {
      const file = `workspaces/${workspace.replaceAll(':', '%3A')}/${name}`;
      const path = join(this.#dataDir, file);
      const state =
        workspaceDir(this.#dataDir, workspace) !== undefined && existsSync(path)
          ? lookInto(path, viewFacts)
          : undefined;
      if (state === undefined || state.journal !== this.#journal || state.upto < last) {
        whole = false;
        break;
      }
      files.set(file, state.upto);
    }
    if (whole) for (const file of files.keys()) await this.#sync(file);
    if (this.#known.size >= MOST) this.#known = new Map();
    this.#known.set(workspace, whole && expected.size > 0 ? { upto, files } : NOTHING);
  }

  async #gatewayNow(): Promise<Gateway> {
    const path = join(this.#dataDir, GATEWAY_FILE);
    if (!existsSync(path)) return { upto: 0, given: () => NOTHING.files };
    const upto = lookInto(path, (db) => projectedFacts(db, this.#journal).upto);
    await this.#sync(GATEWAY_FILE);
    // What was given is asked for later: by then it may be more, which a file then must have too.
    const given = (workspace: string): ReadonlyMap<string, number> =>
      lookInto(path, (db) => projectedFacts(db, this.#journal).given(workspace));
    return { upto, given };
  }

  async #sync(file: string): Promise<void> {
    for (const end of ['', '-wal']) await sync(`${join(this.#dataDir, file)}${end}`);
    await sync(join(this.#dataDir, file, '..'));
  }
}

/** Off the loop: a sync may take as long as the disk likes. */
async function sync(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
