// SPDX-License-Identifier: Apache-2.0
// What skills said when they last could be used: copies of their SKILL.md beside them, for a start that finds one broken.

import { lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { loadSkill } from '../../agent/skills/load.ts';
import { type LoadedSkill, SKILL_MOST } from '../../agent/skills/skill.ts';

/** In a place's folder; what begins with a dot there is no skill, and is in no backup. */
const COPIES = '.last-good';
const END = '.md';

const copyOf = (folder: string, name: string): string => join(folder, COPIES, `${name}${END}`);

/** What a skill said when it was last kept; undefined when it never was. Read as any other: somebody may have written it. */
export async function lastGood(folder: string, name: string): Promise<LoadedSkill | undefined> {
  const text = await copied(folder, name);
  if (text === undefined) return undefined;
  const loaded = loadSkill(name, text);
  return loaded.ok ? loaded.skill : undefined;
}

async function copied(folder: string, name: string): Promise<string | undefined> {
  const file = copyOf(folder, name);
  try {
    const found = await lstat(file);
    return found.isFile() && found.size <= SKILL_MOST.file ? await readFile(file, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Keeps the texts of skills that can be used, and forgets those of skills that are not there any more. Where nothing can be
 * written nothing is kept: then a skill that is broken at a start is left out, as one that never was whole.
 *
 * @param texts by name
 * @param names of all there are, broken ones too
 */
export async function keepGood(
  folder: string,
  texts: ReadonlyMap<string, string>,
  names: ReadonlySet<string>,
): Promise<void> {
  try {
    const dir = join(folder, COPIES);
    if (texts.size > 0) await mkdir(dir, { recursive: true, mode: 0o700 });
    for (const [name, text] of texts) {
      if ((await copied(folder, name)) === text) continue;
      const fresh = `${copyOf(folder, name)}.new`;
      await rm(fresh, { recursive: true, force: true });
      const file = await open(fresh, 'wx', 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(fresh, copyOf(folder, name));
    }
    for (const file of await readdir(dir).catch(() => []))
      if (!file.endsWith(END) || !names.has(file.slice(0, -END.length)))
        await rm(join(dir, file), { recursive: true, force: true });
  } catch {
    // A folder that can only be read.
  }
}
