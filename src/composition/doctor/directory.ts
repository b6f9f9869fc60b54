// SPDX-License-Identifier: Apache-2.0
// The check of the data directory: that it is there, ours, writable, closed to others, and nothing in it was cut short.

import { accessSync, chmodSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, type Finding, fail, pass, warn } from '../../cli/doctor-check.ts';
import { restoreUnfinished } from '../../stores/sqlite/backup/replace.ts';
import { BACKUP_DIR, JOURNAL_FILE, listDataFiles, roleOf } from '../../stores/sqlite/data-files.ts';

/** Bits that let others than the owner in. */
const OTHERS = 0o077;
const LISTED = 5;

export const directoryCheck: Check = {
  name: 'directory',
  *run({ dataDir }) {
    const found = statSync(dataDir, { throwIfNoEntry: false });
    if (found === undefined) return yield pass(`${dataDir} is not there yet; the first start makes it`);
    if (!found.isDirectory())
      return yield fail(`${dataDir} is a file and no directory`, `mv ${dataDir} ${dataDir}.old`);
    const findings = [...modes(dataDir, found), ...leftovers(dataDir)];
    yield* findings;
    if (!findings.some(({ verdict }) => verdict !== 'pass')) yield pass(`${dataDir} is writable and closed to others`);
  },
};

function* modes(dataDir: string, found: { readonly mode: number; readonly uid: number }): Iterable<Finding> {
  const uid = process.getuid?.() ?? found.uid;
  if (found.uid !== uid) {
    yield (uid === 0 ? warn : fail)(
      `${dataDir} belongs to another user (uid ${found.uid}, this is ${uid})`,
      uid === 0 ? 'run Sigil as the user it belongs to' : `sudo chown -R ${uid} ${dataDir}`,
    );
  }
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    yield fail(`${dataDir} cannot be read and written by this user`, `chmod u+rwx ${dataDir}`);
    return;
  }
  // Whoever cannot pass the directory cannot read what lies in it.
  if (process.platform === 'win32' || (found.mode & OTHERS) === 0) return;
  const open700 = warn(`${dataDir} is open to other users (mode ${mode(found.mode)})`, `chmod 700 ${dataDir}`);
  yield { ...open700, fix: () => closed(dataDir, 0o700) };
  const open = listDataFiles(dataDir).flatMap(({ path, role }) => {
    const file = statSync(join(dataDir, path), { throwIfNoEntry: false });
    return file === undefined || role === 'unknown' || (file.mode & OTHERS) === 0
      ? []
      : [{ path, role, of: file.mode }];
  });
  for (const { path, role, of } of open.slice(0, LISTED)) {
    const file = join(dataDir, path);
    const says = `${file} can be read by other users (mode ${mode(of)})`;
    yield { ...(role === 'secret' ? fail : warn)(says, `chmod 600 ${file}`), fix: () => closed(file, 0o600) };
  }
  if (open.length > LISTED) {
    yield warn(`${open.length - LISTED} more files can be read by other users`, `chmod -R go= ${dataDir}`);
  }
}

function closed(path: string, to: number): string {
  chmodSync(path, to);
  return `${path} has mode ${mode(to)}`;
}

function mode(bits: number): string {
  return (bits & 0o777).toString(8).padStart(4, '0');
}

function* leftovers(dataDir: string): Iterable<Finding> {
  if (restoreUnfinished(dataDir)) {
    yield fail('a restore was cut short; the next start finishes it before anything else', 'sigil start');
  }
  if (existsSync(join(dataDir, BACKUP_DIR))) {
    yield pass('a backup is being made, or was cut short; the next start removes what that left');
  }
  const names = readdirSync(dataDir);
  if (names.includes(`${JOURNAL_FILE}-wal`) && !names.includes(JOURNAL_FILE)) {
    yield fail(
      `${JOURNAL_FILE} is missing and its log is there: it was removed or put back without it`,
      'sigil backup restore FILE',
    );
  }
  for (const name of names) {
    if (name.endsWith('.damaged')) {
      yield warn(
        `${join(dataDir, name)} was damaged and put aside; what took its place was made anew`,
        `rm ${join(dataDir, name)}`,
      );
    }
  }
  const strange = listDataFiles(dataDir).filter(({ path }) => roleOf(path) === 'unknown');
  const some = strange.slice(0, LISTED).map(({ path }) => path);
  if (some.length > 0) {
    const more = strange.length > LISTED ? ` and ${strange.length - LISTED} more` : '';
    yield pass(`not of Sigil, left alone and in no backup: ${some.join(', ')}${more}`);
  }
}
