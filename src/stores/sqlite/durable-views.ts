// SPDX-License-Identifier: Apache-2.0
// Up to which row the views of a workspace are on the disk: looked up in their files, which are synced before it counts.

import { existsSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { GATEWAY_FILE, roleOf } from './data-files.ts';
import { lookInto, viewFacts } from './file-facts.ts';
import { workspaceDir } from './workspace-path.ts';

interface Known {
  readonly upto: number;
  /** The views of the workspace, as the journal names them. */
  readonly files: readonly string[];
}

/** Nothing of this workspace may go. */
const NOTHING: Known = { upto: 0, files: [] };
/** Workspaces remembered within a pass. */
const MOST = 4096;

export class DurableViews {
  readonly #dataDir: string;
  /** The journal the views must be made of. */
  readonly #journal: string;
  #gateway: number | undefined;
  #known = new Map<string, Known>();

  constructor(dataDir: string, journal: string) {
    this.#dataDir = dataDir;
    this.#journal = journal;
  }

  /** What was looked up last; undefined when {@link look} has to be called first. */
  upto(workspace: string): number | undefined {
    return this.#known.get(workspace)?.upto;
  }

  files(workspace: string): readonly string[] {
    return this.#known.get(workspace)?.files ?? [];
  }

  forget(): void {
    this.#gateway = undefined;
    this.#known = new Map();
  }

  /** Looks a workspace up. The files are read first and synced after: what was read then is on the disk. */
  async look(workspace: string): Promise<void> {
    this.#gateway ??= await this.#synced([GATEWAY_FILE]);
    const gateway = this.#gateway;
    const dir = workspaceDir(this.#dataDir, workspace);
    const name = `workspaces/${workspace.replaceAll(':', '%3A')}`;
    const names = dir === undefined || !existsSync(dir) ? [] : readdirSync(dir);
    const files = names.map((file) => `${name}/${file}`).filter((file) => roleOf(file) === 'view');
    const upto = files.length === 0 ? 0 : Math.min(gateway, await this.#synced(files));
    if (this.#known.size >= MOST) this.#known = new Map();
    this.#known.set(workspace, upto === 0 ? NOTHING : { upto, files });
  }

  /** The row all of these files have on the disk. */
  async #synced(files: readonly string[]): Promise<number> {
    const states = files.map((file) => {
      const path = join(this.#dataDir, file);
      const state = existsSync(path) ? lookInto(path, viewFacts) : undefined;
      return state === undefined || state.journal !== this.#journal ? 0 : state.upto;
    });
    for (const file of files) {
      for (const end of ['', '-wal']) await sync(`${join(this.#dataDir, file)}${end}`);
      await sync(join(this.#dataDir, file, '..'));
    }
    return Math.min(...states);
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
