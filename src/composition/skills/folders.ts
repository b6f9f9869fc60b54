// SPDX-License-Identifier: Apache-2.0
// Where skills lie in a data directory: DATA/skills for all, DATA/workspaces/<id>/skills for one workspace.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SHARED, type SkillPlace } from '../../agent/skills/skill.ts';
import { failure, SigilError } from '../../errors.ts';
import { workspaceDir } from '../../stores/sqlite/workspace-path.ts';

/** What a link is kept in: a file of this name beside the folders of skills, which any backup can hold. */
export const LINK_END = '.link';

/** A place's folder. @throws SigilError `validation_failed` for what names no place */
export function folderOf(dataDir: string, place: SkillPlace): string {
  const folder = placeDir(dataDir, place);
  if (folder !== undefined) return folder;
  throw new SigilError(failure('validation_failed', `${JSON.stringify(place.slice(0, 80))} names no workspace.`));
}

function placeDir(dataDir: string, place: SkillPlace): string | undefined {
  if (place === SHARED) return join(dataDir, 'skills');
  const dir = workspaceDir(dataDir, place);
  return dir === undefined ? undefined : join(dir, 'skills');
}

/** Whether a workspace has files: somebody has written in it, or put a skill there. */
export async function workspaceHasFiles(dataDir: string, place: SkillPlace): Promise<boolean> {
  const dir = workspaceDir(dataDir, place);
  return dir !== undefined && (await isFolder(dir));
}

/** Ids of the workspaces that have files. */
export async function workspacesWithFiles(dataDir: string): Promise<readonly string[]> {
  try {
    const found = await readdir(join(dataDir, 'workspaces'));
    return found.map((name) => name.replaceAll('%3A', ':')).filter((id) => workspaceDir(dataDir, id) !== undefined);
  } catch {
    // There is none yet; what else is wrong with it the stores say.
    return [];
  }
}

/** Whether a place has a folder. */
export async function hasFolder(dataDir: string, place: SkillPlace): Promise<boolean> {
  return (await folderIdentity(dataDir, place)) !== undefined;
}

/** Which folder a place has now, whatever was there under the same name before; undefined where it has none. */
export async function folderIdentity(dataDir: string, place: SkillPlace): Promise<string | undefined> {
  const dir = placeDir(dataDir, place);
  const found = dir === undefined ? undefined : await stat(dir).catch(() => undefined);
  return found?.isDirectory() === true ? `${found.dev}:${found.ino}` : undefined;
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
