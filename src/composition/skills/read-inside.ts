// SPDX-License-Identifier: Apache-2.0
// Opens what lies in a skill's folder and nothing else, whatever names and links say, and while somebody changes them.

import { constants } from 'node:fs';
import { type FileHandle, lstat, open as openFile, readdir, readlink, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { SkillFile } from '../../agent/skills/keeping.ts';
import { isShowable } from '../../agent/skills/skill.ts';
import type { FileList, FilePart, SkillContent } from '../../agent/tools/skills-port.ts';

/** A file of a skill has at most this many bytes, and a folder is listed to this many files and this deep. */
export const INSIDE_MOST = { file: 8 * 1024 * 1024, files: 200, looked: 2_000, depth: 8 } as const;

/** Why something is not read, in words for whoever asked. */
export class NotRead extends Error {}

/** What a test may put itself between. */
export interface Opening {
  readonly open: typeof openFile;
}

/** On macOS no component of the path may be a link (`O_NOFOLLOW_ANY` of its `open(2)`; node has no name for it). */
const NOFOLLOW_ANY = process.platform === 'darwin' ? 0x2000_0000 : 0;
/** A pipe without a writer must not make the opening wait, nor a terminal become ours. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY | NOFOLLOW_ANY;

/** A skill's folder: a folder itself, not a link to one. @throws NotRead */
export async function skillRoot(placeFolder: string, name: string): Promise<string> {
  if (!isShowable(name) || name === '.' || name === '..') throw new NotRead('This is no name of a skill.');
  const place = await real(placeFolder);
  const root = join(place, name);
  const found = await lstat(root).catch(() => undefined);
  if (found === undefined) throw new NotRead(`There is no folder of the skill ${name} any more.`);
  if (!found.isDirectory()) throw new NotRead(`The folder of the skill ${name} is none.`);
  return root;
}

async function real(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new NotRead('There is no such file in this skill.');
    if (code === 'ELOOP') throw new NotRead('It is a link that leads nowhere.');
    throw new NotRead(`It cannot be read (${code ?? 'unknown'}).`);
  }
}

const within = (root: string, path: string): boolean => path === root || path.startsWith(root + sep);
const LEAVES = 'It is a link that leaves the folder of its skill.';

/** Something of a skill that is open; whoever got it closes it. */
interface Opened {
  readonly handle: FileHandle;
  readonly folder: boolean;
  readonly path: string;
  readonly size: number;
}

/**
 * Opens a file or a folder below `root`. Links inside of the folder are followed as long as they stay inside. What was
 * looked at first may be another thing when it is opened, so what counts is looked at again afterwards: where the kernel
 * says that the opened file lies.
 *
 * @param root as {@link skillRoot} gives it
 * @throws NotRead
 */
export async function openInside(
  root: string,
  parts: readonly string[],
  { open }: Opening = { open: openFile },
): Promise<Opened> {
  const path = await real(join(root, ...parts));
  if (!within(root, path)) throw new NotRead(LEAVES);
  // Before it is opened: to open a device may already do something.
  const before = await lstat(path).catch(() => undefined);
  if (before === undefined) throw new NotRead('There is no such file in this skill.');
  if (!before.isFile() && !before.isDirectory()) throw new NotRead('It is neither a file nor a folder.');
  let handle: FileHandle;
  try {
    handle = await open(path, FLAGS);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    throw new NotRead(code === 'ELOOP' ? LEAVES : `It cannot be opened (${code ?? 'unknown'}).`);
  }
  try {
    const found = await handle.stat();
    if (!found.isFile() && !found.isDirectory()) throw new NotRead('It is neither a file nor a folder.');
    if (!(await liesWithin(root, handle, path, found))) throw new NotRead(LEAVES);
    // A second name may lie anywhere: what it is a name of is not the skill's own.
    if (found.isFile() && found.nlink > 1) throw new NotRead('It has another name elsewhere (a hard link).');
    if (found.isFile() && found.size > INSIDE_MOST.file)
      throw new NotRead(`It has ${found.size} bytes; the most that is read is ${INSIDE_MOST.file}.`);
    return { handle, folder: found.isDirectory(), path, size: found.size };
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
}

/** Whether an open file lies in the folder: as the kernel names it, else as its path leads to it once more. */
async function liesWithin(
  root: string,
  handle: FileHandle,
  path: string,
  opened: { readonly dev: number; readonly ino: number },
): Promise<boolean> {
  if (process.platform === 'linux') {
    const named = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined);
    if (named !== undefined) return within(root, named);
  }
  const again = await real(path);
  const now = await lstat(again);
  return within(root, again) && now.dev === opened.dev && now.ino === opened.ino;
}

/** A stretch of an open file. */
async function stretch({ handle, size }: Opened, from: number, most: number): Promise<FilePart> {
  const wanted = Math.max(0, Math.min(most, size - from));
  const bytes = Buffer.alloc(wanted);
  let read = 0;
  while (read < wanted) {
    const { bytesRead } = await handle.read(bytes, read, wanted - read, from + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return { bytes: bytes.subarray(0, read), size };
}

/** A whole file of at most `most` bytes. @throws NotRead */
export async function readInside(root: string, parts: readonly string[], most: number): Promise<Buffer> {
  const opened = await openInside(root, parts);
  try {
    if (opened.folder) throw new NotRead('It is a folder.');
    if (opened.size > most) throw new NotRead(`It has ${opened.size} bytes; the most is ${most}.`);
    const { bytes } = await stretch(opened, 0, opened.size);
    return Buffer.from(bytes);
  } finally {
    await opened.handle.close();
  }
}

/** What lies at a path: a stretch of a file, or the files of a folder. @throws NotRead */
export async function contentInside(
  root: string,
  parts: readonly string[],
  from: number,
  most: number,
  opening?: Opening,
): Promise<SkillContent> {
  const opened = await openInside(root, parts, opening);
  try {
    if (opened.folder) return { is: 'folder', ...(await listInside(root, parts)) };
    return { is: 'file', ...(await stretch(opened, from, most)) };
  } finally {
    await opened.handle.close();
  }
}

/** The files below a folder of a skill, by their paths; links and what begins with a dot are not listed. @throws NotRead */
export async function listInside(root: string, parts: readonly string[]): Promise<FileList> {
  const files: SkillFile[] = [];
  let more = 0;
  let looked = 0;
  const walk = async (at: readonly string[], depth: number): Promise<void> => {
    const opened = await openInside(root, at);
    try {
      if (!opened.folder) return;
      for (const entry of await entriesOf(opened)) {
        looked += 1;
        if (looked > INSIDE_MOST.looked) {
          more += 1;
          continue;
        }
        if (entry.name.startsWith('.') || !entry.name.isWellFormed()) continue;
        const below = [...at, entry.name];
        if (entry.isDirectory() && depth < INSIDE_MOST.depth) await walk(below, depth + 1);
        else if (entry.isDirectory()) more += 1;
        else if (entry.isFile()) {
          const found = await lstat(join(opened.path, entry.name)).catch(() => undefined);
          if (found === undefined || !found.isFile()) continue;
          if (files.length < INSIDE_MOST.files) files.push({ path: below.join('/'), bytes: found.size });
          else more += 1;
        }
      }
    } finally {
      await opened.handle.close();
    }
  };
  await walk(parts, 0);
  return { files: files.filter(({ path }) => path !== 'SKILL.md'), more };
}

async function entriesOf({ handle, path }: Opened) {
  // By the open folder itself where that can be said, whatever has become of its name.
  const place = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : path;
  const entries = await readdir(place, { withFileTypes: true }).catch(() => readdir(path, { withFileTypes: true }));
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
