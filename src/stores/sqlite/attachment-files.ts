// SPDX-License-Identifier: Apache-2.0
// The bytes of attachments as files of a workspace: a name for each message that has them, and the same bytes on the disk once.

import { createHash, randomUUID } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { failure, SigilError } from '../../errors.ts';
import type { AttachmentFiles, AttachmentOwner } from '../attachments.ts';
import { codeOf, storageError } from './storage-error.ts';
import { workspaceDir } from './workspace-path.ts';

/** In a workspace's directory. */
export const ATTACHMENTS_DIR = 'attachments';
/**
 * One more name of each file, by which equal bytes are found. Names are hard links, so the file system counts who has the
 * bytes, and no two of those who keep and erase at once can lose them: the worst is that equal bytes lie there twice.
 */
const BY_HASH = '.by-hash';

const SESSION = /^[0-9a-f-]{36}$/;
/** Of the user, of the message, of the bytes. */
const ID = /^[0-9a-f]{16}\.[0-9a-f]{16}\.[0-9a-f]{64}$/;

const short = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
const prefixOf = ({ user_id, message_id }: AttachmentOwner): string => `${short(user_id)}.${short(message_id)}.`;

/** Where the file system has no links, bytes are copied. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

export function attachmentFiles(dataDir: string): AttachmentFiles {
  const root = (workspace_id: string): string => {
    const dir = workspaceDir(dataDir, workspace_id);
    if (dir === undefined) throw new SigilError(failure('storage_failed', `${workspace_id} is no id of a workspace`));
    return join(dir, ATTACHMENTS_DIR);
  };
  const folder = (workspace_id: string, session_id: string): string => {
    if (!SESSION.test(session_id))
      throw new SigilError(failure('storage_failed', `${session_id} is no id of a session`));
    return join(root(workspace_id), session_id);
  };

  const keep = async (owner: AttachmentOwner, data: Uint8Array): Promise<{ id: string }> => {
    const hash = createHash('sha256').update(data).digest('hex');
    const id = `${prefixOf(owner)}${hash}`;
    const dir = folder(owner.workspace_id, owner.session_id);
    const own = join(dir, id);
    const shared = join(root(owner.workspace_id), BY_HASH, hash);
    await guarded(own, async () => {
      if (await has(own)) return;
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await mkdir(dirname(shared), { recursive: true, mode: 0o700 });
      if (await linked(shared, own)) return syncTo(dataDir, dir);
      const fresh = `${shared}.${randomUUID()}`;
      try {
        const file = await open(fresh, 'wx', 0o600);
        try {
          await file.writeFile(data);
          await file.sync();
        } finally {
          await file.close();
        }
        // Its owner's name first: what is found by its hash is always somebody's.
        if (!(await linked(fresh, own))) await copyFile(fresh, own, constants.COPYFILE_EXCL).catch(there);
        await rename(fresh, shared);
      } finally {
        await rm(fresh, { force: true });
      }
      await syncTo(dataDir, dir);
    });
    return { id };
  };

  /** Removes names from a session's folder, and the bytes nobody has any more. */
  const remove = async (workspace_id: string, session_id: string, whose: (id: string) => boolean): Promise<void> => {
    const dir = folder(workspace_id, session_id);
    await guarded(dir, async () => {
      for (const { name } of await entries(dir)) {
        if (!whose(name)) continue;
        await unlink(join(dir, name)).catch(gone);
        const shared = join(root(workspace_id), BY_HASH, name.split('.').at(-1) ?? '');
        if ((await links(shared)) === 1) await unlink(shared).catch(gone);
      }
      await rmdir(dir).catch(kept);
    });
  };

  return {
    keep,
    read: async (workspace_id, session_id, id) => {
      if (!ID.test(id)) return null;
      const file = join(folder(workspace_id, session_id), id);
      return guarded(file, () =>
        readFile(file).catch((thrown: unknown) => (isGone(thrown) ? null : Promise.reject(thrown))),
      );
    },
    discard: (owner) => remove(owner.workspace_id, owner.session_id, (id) => id.startsWith(prefixOf(owner))),
    eraseSession: (workspace_id, session_id) => remove(workspace_id, session_id, () => true),
    eraseUser: async (workspace_id, user_id) => {
      const own = `${short(user_id)}.`;
      const dirs = await guarded(dataDir, () => entries(root(workspace_id)));
      for (const dir of dirs)
        if (dir.isDirectory() && SESSION.test(dir.name))
          await remove(workspace_id, dir.name, (id) => id.startsWith(own));
    },
    eraseWorkspace: (workspace_id) => guarded(dataDir, () => rm(root(workspace_id), { recursive: true, force: true })),
  };
}

async function guarded<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw storageError(thrown, file);
  }
}

const isGone = (thrown: unknown): boolean => codeOf(thrown) === 'ENOENT';

function gone(thrown: unknown): void {
  if (!isGone(thrown)) throw thrown;
}

function there(thrown: unknown): void {
  if (codeOf(thrown) !== 'EEXIST') throw thrown;
}

/** A folder that somebody has put something in meanwhile stays. */
function kept(thrown: unknown): void {
  if (!isGone(thrown) && codeOf(thrown) !== 'ENOTEMPTY' && codeOf(thrown) !== 'EEXIST') throw thrown;
}

async function has(file: string): Promise<boolean> {
  return (await links(file)) > 0;
}

/** How many names a file has; 0 when it is not there. */
async function links(file: string): Promise<number> {
  try {
    return (await stat(file)).nlink;
  } catch (thrown) {
    gone(thrown);
    return 0;
  }
}

/** Gives a file another name; false when it is not there, or has no room for one. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === 'EEXIST') return true;
    if (code === 'ENOENT' || NO_LINKS.has(code)) return false;
    throw thrown;
  }
}

async function entries(dir: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(dir, { withFileTypes: true });
  } catch (thrown) {
    gone(thrown);
    return [];
  }
}

/** Has the names in a directory, and in those it is in, on the disk. */
async function syncTo(top: string, dir: string): Promise<void> {
  // Windows knows no sync of directories, and needs none.
  if (process.platform === 'win32') return;
  for (let at = dir; at.length >= top.length; at = dirname(at)) {
    const opened = await open(at, 'r');
    try {
      await opened.sync();
    } finally {
      await opened.close();
    }
  }
}
