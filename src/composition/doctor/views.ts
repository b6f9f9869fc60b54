// SPDX-License-Identifier: Apache-2.0
// The check of the views' checkpoints: that each was made of this journal, is not ahead of it, and can be made again.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, type Finding, fail, pass, warn } from '../../cli/doctor-check.ts';
import { toFailure } from '../../errors.ts';
import { GATEWAY_FILE, JOURNAL_FILE, LOCK_FILE, listDataFiles } from '../../stores/sqlite/data-files.ts';
import {
  type JournalFacts,
  journalFacts,
  lookInto,
  type Standing,
  standingOf,
  trimmedViews,
  viewFacts,
} from '../../stores/sqlite/file-facts.ts';
import { lockHolder } from '../../stores/sqlite/lock.ts';

/** Rows a view may be behind while a gateway runs. */
const BEHIND_ROWS = 100_000;

const SAYS: Readonly<Record<Exclude<Standing, 'current' | 'behind'>, string>> = {
  foreign: 'was made of another journal',
  ahead: 'is ahead of the journal, which was put back from an older copy',
  lost_rows: 'was made of rows the journal has lost',
  incomplete: 'has not got rows that are trimmed from the journal',
};

export const viewsCheck: Check = {
  name: 'views',
  async *run({ dataDir, progress }) {
    const file = join(dataDir, JOURNAL_FILE);
    if (!existsSync(file)) return yield pass('there is no journal yet to make them of');
    try {
      yield* lookInto(file, (db): readonly Finding[] => {
        const journal = journalFacts(file, db);
        progress('checkpoints');
        return standings(dataDir, journal, trimmedViews(db));
      });
    } catch (thrown) {
      yield fail(`they cannot be compared with the journal: ${toFailure(thrown).message}`, 'sigil backup restore FILE');
    }
  },
};

function standings(dataDir: string, journal: JournalFacts, trimmed: ReadonlyMap<string, number>): readonly Finding[] {
  const findings: Finding[] = [];
  const views = new Set(listDataFiles(dataDir).flatMap(({ path, role }) => (role === 'view' ? [path] : [])));
  for (const view of trimmed.keys()) {
    if (views.has(view)) continue;
    const says = `${join(dataDir, view)} is missing, and the journal no longer holds what it was made of`;
    findings.push(fail(says, `sigil backup restore FILE (or: sigil doctor rebuild --accept-loss ${view})`));
  }
  if (!views.has(GATEWAY_FILE) && !trimmed.has(GATEWAY_FILE) && journal.last > 0)
    findings.push(pass(`${GATEWAY_FILE} is missing; the next start makes it again`));
  let well = 0;
  for (const view of views) {
    const found = standing(dataDir, view, journal);
    if (found === undefined) well += 1;
    else findings.push(found);
  }
  const gone = trimmed.size === 0 ? '' : '; parts of the journal are trimmed, so they are the record: keep backups';
  findings.push(pass(`${well} of ${views.size} agree with the journal (${journal.last} rows)${gone}`));
  return findings;
}

/** Undefined when there is nothing to say. */
function standing(dataDir: string, view: string, journal: JournalFacts): Finding | undefined {
  const file = join(dataDir, view);
  let state: ReturnType<typeof viewFacts>;
  try {
    state = lookInto(file, viewFacts);
  } catch {
    // Told by the check of the databases.
    return undefined;
  }
  if (state === undefined)
    return fail(`${file} says nothing about how far it has come`, `sigil doctor rebuild ${view}`);
  const found = standingOf(view, state, journal);
  const behind = journal.last - state.upto;
  switch (found) {
    case 'current':
      return undefined;
    case 'behind': {
      // A workspace's file ends with its own last row: only gateway.db goes with the journal.
      if (view !== GATEWAY_FILE) return undefined;
      if (lockHolder(join(dataDir, LOCK_FILE)) === null)
        return pass(`${view} is ${behind} rows behind; the next start applies them`);
      if (behind <= BEHIND_ROWS) return undefined;
      return warn(`${view} is ${behind} rows behind the journal, and a gateway runs`, 'sigil status');
    }
    default:
      if (journal.trimmed(view) > 0) {
        const mend = `sigil backup restore FILE (or: sigil doctor rebuild --accept-loss ${view})`;
        return fail(`${file} ${SAYS[found]}, and cannot be made again whole: parts of the journal are trimmed`, mend);
      }
      return warn(`${file} ${SAYS[found]}; the next start makes it again`, `sigil doctor rebuild ${view}`);
  }
}
