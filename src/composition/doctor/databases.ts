// SPDX-License-Identifier: Apache-2.0
// The check of every database file: that it is one, is whole, is of a version this Sigil knows, and its log is not left over.

import { join } from 'node:path';
import { type Check, type CheckContext, type Finding, fail, pass, warn } from '../../cli/doctor-check.ts';
import { bytesText } from '../../cli/progress-line.ts';
import { SigilError, toFailure } from '../../errors.ts';
import { type DataFile, isDatabase, JOURNAL_FILE, LOCK_FILE, listDataFiles } from '../../stores/sqlite/data-files.ts';
import {
  bytesOf,
  type Damage,
  damagesOf,
  journalFacts,
  lookInto,
  refuseNewerFile,
} from '../../stores/sqlite/file-facts.ts';
import { lockHolder } from '../../stores/sqlite/lock.ts';

/** Up to here indexes are compared with their tables too, row by row. */
const FULL_BYTES = 64 * 1024 * 1024;
/** A log that is larger while a gateway runs is not emptied any more: somebody holds an old moment of the file. */
const LOG_BYTES = 256 * 1024 * 1024;
/** Damages told of one file. */
const TOLD = 3;

export const databasesCheck: Check = {
  name: 'databases',
  async *run(context) {
    const { dataDir, progress, thorough } = context;
    const files = listDataFiles(dataDir).filter(({ role }) => isDatabase(role));
    if (files.length === 0) return yield pass('there are none yet');
    const running = lockHolder(join(dataDir, LOCK_FILE)) !== null;
    const journal = files.find(({ role }) => role === 'journal');
    if (journal === undefined) {
      yield fail(`${join(dataDir, JOURNAL_FILE)} is missing: the conversations are in it`, 'sigil backup restore FILE');
    }
    let whole = 0;
    let quick = 0;
    for (const [index, file] of files.entries()) {
      progress(`${file.path} (${index + 1} of ${files.length})`);
      const how = thorough || file.bytes <= FULL_BYTES ? 'full' : 'quick';
      const findings = [...checked(context, file, how), ...log(context, file, running)];
      yield* findings;
      if (findings.some(({ verdict }) => verdict === 'fail')) continue;
      whole += 1;
      if (how === 'quick') quick += 1;
      // One file after the other, and the loop turns between: a signal is heard.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const bytes = bytesText(files.reduce((sum, file) => sum + file.bytes, 0));
    const part = quick === 0 ? '' : `; of ${quick} large ones the pages alone (--thorough also compares their indexes)`;
    if (whole > 0) yield pass(`${whole} of ${files.length} files are whole (${bytes})${part}`);
  },
};

function* checked({ dataDir }: CheckContext, file: DataFile, how: 'quick' | 'full'): Iterable<Finding> {
  const path = join(dataDir, file.path);
  try {
    const damages = lookInto(path, (db) => {
      refuseNewerFile(path, db);
      return damagesOf(db, how);
    });
    if (damages.length === 0) return;
    const more = damages.length > TOLD ? `, and ${damages.length - TOLD} more` : '';
    yield fail(`${path} is damaged: ${damages.slice(0, TOLD).map(told).join('; ')}${more}`, mendOf(dataDir, file));
  } catch (thrown) {
    const { message, details } = toFailure(thrown);
    const newer = details?.['version'] !== undefined;
    yield fail(message, newer ? 'sigil version' : mendOf(dataDir, file));
  }
}

function told({ table, says }: Damage): string {
  return table === null || says.includes(table) ? says : `${says} (table ${table})`;
}

/** A view is made again while the journal holds what it was made of. */
function mendOf(dataDir: string, { path, role }: DataFile): string {
  return role === 'view' && untrimmed(dataDir, path) ? `sigil doctor rebuild ${path}` : 'sigil backup restore FILE';
}

/** Whether the journal still holds everything a view is made of. */
export function untrimmed(dataDir: string, view: string): boolean {
  const journal = join(dataDir, JOURNAL_FILE);
  try {
    return lookInto(journal, (db) => journalFacts(journal, db).trimmed(view) === 0);
  } catch (thrown) {
    if (thrown instanceof SigilError) return false;
    throw thrown;
  }
}

function* log({ dataDir }: CheckContext, { path }: DataFile, running: boolean): Iterable<Finding> {
  const bytes = bytesOf(`${join(dataDir, path)}-wal`);
  if (running && bytes > LOG_BYTES) {
    yield warn(
      `the log of ${path} has grown to ${bytesText(bytes)}: something reads an old moment of it and keeps it from being emptied`,
      'sigil status',
    );
  } else if (!running && bytes > 0) {
    yield pass(
      `the log of ${path} holds ${bytesText(bytes)}, left by a process that was killed; the next start takes it in`,
    );
  }
}
