// SPDX-License-Identifier: Apache-2.0
// A data directory taken for this process alone: made when missing, locked, and tidied of what was cut short in it.

import { join } from 'node:path';
import { failure, SigilError } from '../errors.ts';
import { type ReplacePoint, tidyDataDir } from '../stores/sqlite/backup/replace.ts';
import { prepareDataDir } from '../stores/sqlite/data-dir.ts';
import { LOCK_FILE } from '../stores/sqlite/data-files.ts';
import { acquireLock, type Lock } from '../stores/sqlite/lock.ts';

export type Held = Extract<Lock, { ok: true }> & {
  /** A restore that had been cut short was finished. */
  readonly restored: boolean;
};

/** The socket of a gateway that runs in a data directory. */
export function socketIn(dataDir: string): string {
  return join(dataDir, 'gateway.sock');
}

/**
 * Takes a data directory. What people write is in its files: nobody but their owner reads them, so the process's mask is
 * set first.
 *
 * @throws SigilError `conflict` naming who has it, `storage_failed` when it cannot be used
 */
export function takeDataDir(dataDir: string, point?: (name: ReplacePoint) => void): Held {
  process.umask(0o077);
  prepareDataDir(dataDir);
  const started_at = new Date().toISOString();
  const mine = { pid: process.pid, url: null, socket: socketIn(dataDir), started_at };
  const lock = acquireLock(join(dataDir, LOCK_FILE), mine);
  if (!lock.ok) throw inUse(dataDir, lock.holder);
  try {
    return { ...lock, restored: tidyDataDir(dataDir, point) };
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
}

function inUse(dataDir: string, holder: Extract<Lock, { ok: false }>['holder']): SigilError {
  const who =
    holder === null
      ? 'another gateway'
      : `the gateway with pid ${holder.pid}${holder.url === null ? '' : ` at ${holder.url}`} (running since ${holder.started_at})`;
  return new SigilError(failure('conflict', `${dataDir} is in use by ${who}.`, { holder }));
}
