// SPDX-License-Identifier: Apache-2.0
// What lies in a data directory and what each file is to us: the one place that knows, for backup, restore and doctor.

import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * - `journal`: the record; copied last, so that it is at or ahead of every view.
 * - `view`: made from the journal, and made again from it as long as nothing was trimmed.
 * - `primary`: a database that is made from nothing else.
 * - `blob`: content that never changes under its name.
 * - `skill`: a file of a skill, which people write.
 * - `secret`: opens doors; leaves the directory only when asked for by name.
 * - `local`: somebody's own, of this machine.
 * - `temporary`: made at every start, or left by something that was cut short.
 * - `unknown`: not ours.
 */
export type DataRole = 'journal' | 'view' | 'primary' | 'blob' | 'skill' | 'secret' | 'local' | 'temporary' | 'unknown';

export interface DataFile {
  /** Relative to the data directory, with `/`. */
  readonly path: string;
  readonly role: DataRole;
  readonly bytes: number;
}

export const JOURNAL_FILE = 'journal.db';
export const GATEWAY_FILE = 'gateway.db';
export const LOCK_FILE = 'gateway.lock';
/** Written once at a start, to see whether anything can be. */
export const PROBE_FILE = '.probe';
/** Where a backup makes its copies, one at a time. */
export const BACKUP_DIR = '.backup';
/** Where a restore unpacks, and keeps what it replaces until it is done. */
export const RESTORE_DIR = '.restore';

/** The views of a workspace; every other database beside them is primary. */
const WORKSPACE_VIEWS: ReadonlySet<string> = new Set(['sessions.db', 'memory.db', 'knowledge.db', 'vectors.db']);
const SECRETS: ReadonlySet<string> = new Set(['owner.token', 'secrets.age', 'secrets.key', 'secrets-keyring.json']);
const LOCAL: ReadonlySet<string> = new Set(['chat_history']);
const TEMPORARY: ReadonlySet<string> = new Set([LOCK_FILE, 'gateway.sock', 'secrets.lock']);

/** What SQLite keeps beside a database. */
export const SIDE_FILES = ['-wal', '-shm', '-journal'] as const;

/** What a file of a data directory is, by where it lies. A new view of a workspace is a name above, and nothing else. */
export function roleOf(path: string): DataRole {
  const parts = path.split('/');
  const name = parts.at(-1) ?? '';
  const skill = skillPartsOf(parts);
  if (skill !== undefined) return skill[0]?.startsWith('.') === true ? 'temporary' : 'skill';
  if (parts.some((part) => part.startsWith('.'))) return 'temporary';
  if (/\.db(?:-wal|-shm|-journal|\.damaged|\.aside)$/.test(name) || /\.lock-journal$/.test(name)) return 'temporary';
  const [top, , inside] = parts;
  if (parts.length > 1 && top === 'blobs') return 'blob';
  if (top === 'workspaces' && parts.length === 3 && inside !== undefined) {
    if (WORKSPACE_VIEWS.has(inside)) return 'view';
    return inside.endsWith('.db') ? 'primary' : 'unknown';
  }
  if (top === 'workspaces' && parts.length === 5 && inside === 'attachments') return 'blob';
  if (parts.length > 1) return 'unknown';
  if (path === JOURNAL_FILE) return 'journal';
  if (path === GATEWAY_FILE) return 'view';
  if (SECRETS.has(path)) return 'secret';
  if (LOCAL.has(path)) return 'local';
  if (TEMPORARY.has(path)) return 'temporary';
  return path.endsWith('.db') ? 'primary' : 'unknown';
}

/** The path of a file inside a folder of skills: `skills/` itself, or that of a workspace. What begins with a dot there is in the making. */
function skillPartsOf(parts: readonly string[]): readonly string[] | undefined {
  const [top, , inside] = parts;
  if (top === 'skills' && parts.length > 1) return parts.slice(1);
  return top === 'workspaces' && inside === 'skills' && parts.length > 3 ? parts.slice(3) : undefined;
}

/** Whether a role is kept in a SQLite file. */
export function isDatabase(role: DataRole): role is 'journal' | 'view' | 'primary' {
  return role === 'journal' || role === 'view' || role === 'primary';
}

/** The workspace a file belongs to; undefined for those of the gateway. */
export function workspaceOfFile(path: string): string | undefined {
  const [top, dir] = path.split('/');
  return top === 'workspaces' && dir !== undefined ? dir.replaceAll('%3A', ':') : undefined;
}

/** Every file of a data directory but the temporary ones, in the order of their paths. A directory that is not there is empty. */
export function listDataFiles(dataDir: string): readonly DataFile[] {
  const files: DataFile[] = [];
  const walk = (inside: string): void => {
    for (const name of namesIn(join(dataDir, inside))) {
      const path = inside === '' ? name : `${inside}/${name}`;
      // What goes away while it is listed was not to be kept.
      const role = roleOf(path);
      if (role === 'temporary') continue;
      // Whoever writes a skill may have put links in it, which lead anywhere.
      const look = role === 'skill' ? lstatSync : statSync;
      const found = look(join(dataDir, path), { throwIfNoEntry: false });
      if (found === undefined) continue;
      if (found.isDirectory()) walk(path);
      else if (found.isFile()) files.push({ path, role, bytes: found.size });
    }
  };
  walk('');
  return files;
}

function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir).sort();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw thrown;
  }
}
