// SPDX-License-Identifier: Apache-2.0
// Brings a skill into a place: written beside the others under a name nobody reads, looked at there, then renamed.

import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readFrontMatter } from '../../agent/skills/front-matter.ts';
import { skillPath } from '../../agent/skills/path.ts';
import { nameProblem, SKILL_MOST } from '../../agent/skills/skill.ts';
import { failure, SigilError } from '../../errors.ts';
import { makeDirs, syncDirectory } from '../../stores/sqlite/make-dirs.ts';
import { storageError } from '../../stores/sqlite/storage-error.ts';
import { entriesAt, isPassedOver, PUT_MOST, tooMuch } from './entries.ts';
import { LINK_END } from './folders.ts';
import { readInside } from './read-inside.ts';
import type { Staged } from './staged.ts';

/** Names of what is being put or taken away: no reader looks at them, and none is left after a start. */
const STAGING = '.staging-';
const REMOVED = '.removed-';

function refused(message: string): SigilError {
  return new SigilError(failure('validation_failed', message));
}

/**
 * Unpacks what lies at a path of this machine and finds the skill in it: at its top, in the one folder that holds one, or,
 * among several, the one called `name`.
 *
 * @param id makes the staging folder's name its own
 * @throws SigilError
 */
export async function stageSkill(
  folder: string,
  source: string,
  name: string | undefined,
  id: string,
): Promise<Staged> {
  const staging = join(folder, STAGING + id);
  try {
    makeDirs(staging);
    const unpacked = await unpack(source, staging);
    const { inside, called } = chosen(unpacked, await baseOf(source), name);
    const at = join(staging, inside);
    const own = await checked(at, name, called);
    const mine = (path: string): boolean => inside === '' || path.startsWith(`${inside}/`);
    const bad = unpacked.bad.find(mine);
    if (bad !== undefined) throw refused(`${bad} in it is a link or no plain file, and a skill may hold none.`);
    const files = [...unpacked.files].filter(([path]) => mine(path));
    const bytes = files.reduce((sum, [, size]) => sum + size, 0);
    return { at, staging, name: own, files: files.length, bytes, taken: await isThere(folder, own) };
  } catch (thrown) {
    await rm(staging, { recursive: true, force: true });
    throw storageError(thrown, folder);
  }
}

interface Unpacked {
  /** Bytes by path. */
  readonly files: ReadonlyMap<string, number>;
  /** Paths of links and of what is no file. */
  readonly bad: readonly string[];
}

async function unpack(source: string, staging: string): Promise<Unpacked> {
  const files = new Map<string, number>();
  const bad: string[] = [];
  let seen = 0;
  let total = 0;
  for await (const entry of entriesAt(source)) {
    seen += 1;
    if (seen > PUT_MOST.entries) throw tooMuch(`more than ${PUT_MOST.entries} files and folders`);
    const path = skillPath(entry.path);
    if (!path.ok)
      throw refused(`${JSON.stringify(entry.path.slice(0, 200))} in it is no path of a skill: ${path.message}`);
    const plain = path.parts.join('/');
    if (plain === '' || isPassedOver(plain) || entry.is === 'folder') continue;
    if (entry.is !== 'file') {
      bad.push(plain);
      continue;
    }
    if (files.has(plain)) throw refused(`${plain} is in it twice.`);
    const to = join(staging, ...path.parts);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    const size = await write(to, entry.content, entry.executable, PUT_MOST.bytes - total);
    files.set(plain, size);
    total += size;
  }
  return { files, bad };
}

async function write(
  to: string,
  content: AsyncIterable<Uint8Array>,
  executable: boolean,
  room: number,
): Promise<number> {
  let size = 0;
  const handle = await open(to, 'wx', executable ? 0o700 : 0o600).catch((thrown: unknown) => {
    // On some file systems names that differ in case are the same.
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') throw refused('Two files in it have the same name here.');
    throw thrown;
  });
  try {
    for await (const chunk of content) {
      size += chunk.length;
      if (size > PUT_MOST.file) throw tooMuch(`a file of more than ${PUT_MOST.file} bytes`);
      if (size > room) throw tooMuch(`more than ${PUT_MOST.bytes} bytes`);
      await handle.write(chunk);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return size;
}

interface Chosen {
  /** The folder in what was unpacked; empty for its top. */
  readonly inside: string;
  /** That folder's name; undefined for the top, which has none of its own. */
  readonly called: string | undefined;
}

function chosen({ files }: Unpacked, base: string | undefined, name: string | undefined): Chosen {
  const folders = [...files.keys()]
    .filter((path) => /(?:^|\/)SKILL\.md$/.test(path))
    .map((path) => path.slice(0, -'/SKILL.md'.length))
    .toSorted((a, b) => a.length - b.length);
  // What lies below a skill is a part of it.
  const skills = folders.filter((folder) => !folders.some((above) => above !== folder && isBelow(folder, above)));
  const calledOf = (folder: string): string => folder.split('/').at(-1) ?? '';
  const [first] = skills;
  if (first === undefined) throw refused('There is no SKILL.md in it.');
  if (skills.length === 1) return { inside: first, called: first === '' ? base : calledOf(first) };
  const wanted = skills.filter((folder) => calledOf(folder) === name);
  const [one] = wanted;
  if (one !== undefined && wanted.length === 1) return { inside: one, called: name };
  const names = skills.map(calledOf);
  const listed = names.slice(0, 20).join(', ') + (names.length > 20 ? ` and ${names.length - 20} more` : '');
  throw refused(`There are ${skills.length} skills in it: ${listed}. Name the one to take.`);
}

function isBelow(folder: string, above: string): boolean {
  return above === '' || folder.startsWith(`${above}/`);
}

/** The name of a folder that was given; that of an archive says nothing. */
async function baseOf(source: string): Promise<string | undefined> {
  return (await stat(source)).isDirectory() ? basename(source) : undefined;
}

/**
 * The name under which it is kept: the one that was asked for, else its own, else its folder's. What is put somewhere has
 * to be in order, other than what already lies there.
 */
async function checked(at: string, asked: string | undefined, called: string | undefined): Promise<string> {
  const file = await readInside(at, ['SKILL.md'], SKILL_MOST.file).catch((thrown: Error) => {
    throw refused(`SKILL.md: ${thrown.message}`);
  });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(file);
  } catch {
    throw refused('Its SKILL.md is no text in UTF-8.');
  }
  const read = readFrontMatter(text);
  if (!read.ok) throw refused(`It is no skill: ${read.message}.`);
  const { name: own = '' } = read.front;
  const usable = [own, called ?? ''].find((name) => nameProblem(name) === undefined);
  const name = asked ?? usable ?? own;
  const wrong = nameProblem(name);
  if (wrong !== undefined) throw refused(`It has no name that a skill can have: ${wrong}. Give it one.`);
  return name;
}

async function isThere(folder: string, name: string): Promise<boolean> {
  const names = await readdir(folder);
  return names.includes(name) || names.includes(name + LINK_END);
}

/** Puts a staged skill in its place, over one of its name where that was said. @throws SigilError `conflict` */
export async function commitSkill(
  folder: string,
  { at, staging, name }: Staged,
  replace: boolean,
  id: string,
): Promise<void> {
  try {
    if (await isThere(folder, name)) {
      if (!replace) throw taken(name);
      await takeAway(folder, name, id);
    }
    await rename(at, join(folder, name));
    syncDirectory(folder);
  } catch (thrown) {
    throw storageError(thrown, folder);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Takes a staged skill away that is not wanted. */
export async function discardSkill({ staging }: Staged): Promise<void> {
  await rm(staging, { recursive: true, force: true });
}

export function taken(name: string): SigilError {
  const message = `There is a skill ${name} already; say that it is to be replaced, or remove it first.`;
  return new SigilError(failure('conflict', message));
}

/** Writes a link to the skill of the same name in another place. @throws SigilError `conflict` */
export async function putLink(folder: string, name: string, to: string, replace: boolean, id: string): Promise<void> {
  try {
    makeDirs(folder);
    if (await isThere(folder, name)) {
      if (!replace) throw taken(name);
      await takeAway(folder, name, id);
    }
    const staged = join(folder, STAGING + id);
    const handle = await open(staged, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify({ place: to })}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(staged, join(folder, name + LINK_END));
    syncDirectory(folder);
  } catch (thrown) {
    throw storageError(thrown, folder);
  }
}

/** Removes a skill or a link. @throws SigilError `not_found` */
export async function removeSkill(folder: string, name: string, id: string): Promise<void> {
  try {
    if (!(await isThere(folder, name))) throw new SigilError(failure('not_found', `There is no skill ${name} there.`));
    await takeAway(folder, name, id);
    syncDirectory(folder);
  } catch (thrown) {
    throw storageError(thrown, folder);
  }
}

/** First out of everybody's sight, in one step, then away. */
async function takeAway(folder: string, name: string, id: string): Promise<void> {
  for (const file of [name, name + LINK_END]) {
    const aside = join(folder, `${REMOVED}${id}${file === name ? '' : LINK_END}`);
    const moved = await rename(join(folder, file), aside).then(
      () => true,
      (thrown: NodeJS.ErrnoException) => {
        if (thrown.code !== 'ENOENT') throw thrown;
        return false;
      },
    );
    if (moved) await rm(aside, { recursive: true, force: true });
  }
}

/** Removes what was cut short, when nobody is putting anything there. */
export async function tidyFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.startsWith(STAGING) || name.startsWith(REMOVED))
      await rm(join(folder, name), { recursive: true, force: true });
  }
}
