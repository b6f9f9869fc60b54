// SPDX-License-Identifier: Apache-2.0
// What is looked at before anything of a data directory is opened to be written: that no start begins half empty in silence.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Failure, failure, SigilError, toFailure } from '../../errors.ts';
import { incompleteView } from './damaged.ts';
import { GATEWAY_FILE, JOURNAL_FILE } from './data-files.ts';
import { type JournalFacts, journalFacts, lookInto, standingOf, trimmedViews, viewFacts } from './file-facts.ts';

/**
 * Refuses a start that would lose what can still be had: over a journal that is not there any more while its views are, or
 * that cannot be read, and over a trimmed journal without the view that holds what was trimmed. The caller holds the lock.
 *
 * @returns what is wrong with single workspaces: they stay unreadable, and everything else runs
 * @throws SigilError `storage_failed`
 */
export function checkBeforeStart(dataDir: string): readonly Failure[] {
  const file = join(dataDir, JOURNAL_FILE);
  if (!existsSync(file)) {
    refuseLostJournal(dataDir, file);
    return [];
  }
  return lookInto(file, (db) => {
    const trimmed = trimmedViews(db);
    if (trimmed.size === 0) return [];
    const journal = journalFacts(file, db);
    const gateway = problemOf(dataDir, GATEWAY_FILE, journal);
    if (trimmed.has(GATEWAY_FILE) && gateway !== undefined) throw new SigilError(gateway);
    return [...trimmed.keys()].flatMap((view) => problemOf(dataDir, view, journal) ?? []);
  });
}

/** A new journal would have the views of the old one thrown away, and they may be all that is left. */
function refuseLostJournal(dataDir: string, file: string): void {
  const gateway = join(dataDir, GATEWAY_FILE);
  if (!existsSync(gateway)) return;
  let upto = 0;
  try {
    upto = lookInto(gateway, (db) => viewFacts(db)?.upto ?? 0);
  } catch {
    // Nothing can be read in it, so nothing is lost with it.
    return;
  }
  if (upto === 0) return;
  const says =
    'it is missing, and what was made from it is here: put it back, or restore all with `sigil backup restore FILE`; ' +
    `to begin anew move ${GATEWAY_FILE} and workspaces/ away first`;
  throw new SigilError(failure('storage_failed', `${file}: ${says}`, { file }));
}

function problemOf(dataDir: string, view: string, journal: JournalFacts): Failure | undefined {
  const file = join(dataDir, view);
  try {
    const state = existsSync(file) ? lookInto(file, viewFacts) : undefined;
    const standing = state === undefined ? 'incomplete' : standingOf(view, state, journal);
    return standing === 'current' || standing === 'behind' ? undefined : incompleteView(file, view).failure;
  } catch (thrown) {
    return toFailure(thrown).details?.['code'] === undefined ? toFailure(thrown) : incompleteView(file, view).failure;
  }
}
