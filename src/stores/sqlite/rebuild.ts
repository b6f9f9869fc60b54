// SPDX-License-Identifier: Apache-2.0
// Makes views anew from the journal, in a directory no gateway runs in.

import { renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { failure, SigilError } from '../../errors.ts';
import type { DataProgress } from '../backup.ts';
import { catchUpViews } from './catch-up.ts';
import { incompleteView } from './damaged.ts';
import { GATEWAY_FILE, JOURNAL_FILE, listDataFiles, roleOf, SIDE_FILES, workspaceOfFile } from './data-files.ts';
import { journalFacts, lookInto } from './file-facts.ts';
import { guarded } from './storage-error.ts';

export interface RebuildViewsOptions {
  readonly dataDir: string;
  readonly views: readonly string[];
  readonly acceptLoss: boolean;
  readonly progress?: (progress: DataProgress) => void;
}

/**
 * Puts the views aside, makes them again, and forgets the old ones. Cut short, the next start (or rebuild) makes what is
 * missing. The caller holds the lock.
 *
 * @returns the views that were made, by file
 * @throws SigilError `not_found` for a name that is no view, `storage_failed` for one that cannot be made again whole
 */
export async function rebuildViews(options: RebuildViewsOptions): Promise<readonly string[]> {
  const { dataDir, acceptLoss, progress } = options;
  const views = named(dataDir, options.views);
  const journal = join(dataDir, JOURNAL_FILE);
  lookInto(journal, (db) => {
    const facts = journalFacts(journal, db);
    for (const view of views) {
      if (!acceptLoss && facts.trimmed(view) > 0) throw incompleteView(join(dataDir, view), view);
    }
  });
  for (const view of views) {
    guarded(join(dataDir, view), () => {
      const file = join(dataDir, view);
      rmSync(`${file}.aside`, { force: true });
      try {
        renameSync(file, `${file}.aside`);
      } catch (thrown) {
        // One that is missing is made like the others.
        if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
      }
      for (const end of SIDE_FILES) rmSync(`${file}${end}`, { force: true });
    });
  }
  await catchUpViews({ dataDir, acceptLoss, ...(progress === undefined ? {} : { progress }) });
  for (const view of views) rmSync(`${join(dataDir, view)}.aside`, { force: true });
  return views;
}

/** Views by their file, their workspace, or a part of the path that only one has. */
function named(dataDir: string, names: readonly string[]): readonly string[] {
  const views = listDataFiles(dataDir).flatMap(({ path, role }) => (role === 'view' ? [path] : []));
  if (names.length === 0) return [...new Set([GATEWAY_FILE, ...views])];
  return names.flatMap((name) => {
    // One that is lost is named by its path alone.
    if (roleOf(name) === 'view') return [name];
    const found = views.filter((path) => workspaceOfFile(path) === name || basename(path) === name);
    if (found.length > 0) return found;
    const there = [GATEWAY_FILE, ...views.slice(0, 20)].filter((path, at, all) => all.indexOf(path) === at).join(', ');
    throw new SigilError(failure('not_found', `${name} is no view here; there are ${there}.`));
  });
}
