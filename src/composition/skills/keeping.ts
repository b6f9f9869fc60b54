// SPDX-License-Identifier: Apache-2.0
// What HTTP and the command line do with skills, over the work on their files: one change at a time, noted before it is done.

import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { NoteSkill, SkillItem, SkillKeeping, SkillPut, SkillTarget } from '../../agent/skills/keeping.ts';
import {
  nameProblem,
  placeText,
  type Skill,
  type SkillPlace,
  type SkillProblem,
  type SkillSet,
} from '../../agent/skills/skill.ts';
import { failure, SigilError } from '../../errors.ts';
import { storageError } from '../../stores/sqlite/storage-error.ts';
import { PUT_MOST, tooMuch } from './entries.ts';
import { folderOf } from './folders.ts';
import type { Staged } from './staged.ts';
import type { SkillWork } from './work.ts';

export interface SkillKeepingOptions {
  readonly dataDir: string;
  readonly work: SkillWork;
  readonly uuid: () => string;
  /** What a place has, as its files are now. */
  readonly setOf: (place: SkillPlace) => Promise<SkillSet>;
  /** Places in which a link leads to this skill. */
  readonly linksTo: (place: SkillPlace, name: string) => Promise<readonly SkillPlace[]>;
  /** Something was changed in a place. */
  readonly changed: (place: SkillPlace) => Promise<void>;
  /** Whether there is such a place, or may be. */
  readonly exists: (place: SkillPlace) => Promise<boolean>;
}

/** Where archives wait that are being sent; backups pass over it, and a start empties it. */
export const UPLOADS = '.skill-uploads';

export function createSkillKeeping(options: SkillKeepingOptions): SkillKeeping {
  const { dataDir, work, uuid, setOf, changed } = options;
  let last: Promise<unknown> = Promise.resolve();
  const alone = <T>(run: () => Promise<T>): Promise<T> => {
    const next = last.then(run, run);
    last = next.catch(() => undefined);
    return next;
  };
  const folder = (place: SkillPlace): string => folderOf(dataDir, place);
  const known = async (place: SkillPlace): Promise<void> => {
    folder(place);
    if (!(await options.exists(place))) throw notFound(`There is no workspace ${place}.`);
  };
  const itemIn = async (place: SkillPlace, name: string): Promise<SkillItem> => {
    const found = itemsOf(await setOf(place), place).find((item) => item.name === name);
    // A workspace's configuration may leave it out of what it has.
    return found ?? { ...unusable(place, { name, message: `workspaces.${place}.skills does not name it` }) };
  };
  const put = async (
    place: SkillPlace,
    staged: Staged,
    replace: boolean,
    note: () => Promise<void>,
    failed: () => void,
  ) => {
    try {
      if (staged.taken && !replace)
        throw new SigilError(
          failure('conflict', `${staged.name} is in ${placeText(place)} already; replace it, or remove it first.`),
        );
      await note();
    } catch (thrown) {
      await work({ do: 'discard', staged }).catch(() => undefined);
      throw thrown;
    }
    try {
      await work({ do: 'commit', folder: folder(place), staged, replace, id: uuid() });
    } catch (thrown) {
      failed();
      throw thrown;
    }
    await changed(place);
    return { ...(await itemIn(place, staged.name)), replaced: staged.taken };
  };
  /** Brings what lies at a path into a place. */
  const bring = async (
    source: string,
    { place, name, replace = false }: SkillTarget,
    note: NoteSkill,
    action: 'skill.installed' | 'skill.copied',
    about: Readonly<Record<string, unknown>>,
  ): Promise<SkillPut> => {
    const staged = await work({ do: 'stage', folder: folder(place), source, name, id: uuid() });
    const details = { name: staged.name, ...about, files: staged.files, bytes: staged.bytes, replaced: staged.taken };
    return await put(
      place,
      staged,
      replace,
      () => note(action, details, place, 'ok'),
      () => void note(action, details, place, 'failed').catch(() => undefined),
    );
  };
  const original = async (place: SkillPlace, name: string): Promise<Skill> => {
    const set = await setOf(place);
    const skill = set.skills.find((one) => one.name === name);
    if (skill !== undefined) return skill;
    const problem = set.problems.find((one) => one.name === name);
    const why = problem === undefined ? '' : `: ${problem.message}`;
    throw notFound(`There is no skill ${name} in ${placeText(place)}${why}.`);
  };

  return {
    list: async (place) => {
      await known(place);
      return itemsOf(await setOf(place), place);
    },
    show: async (place, name) => {
      await known(place);
      const skill = await original(place, name);
      const list = await work({ do: 'list', folder: folder(skill.place), name });
      return { ...itemOf(skill), body: skill.body, files: list.files, more_files: list.more };
    },
    install: async (source, target, note) => {
      await known(target.place);
      checkName(target.name);
      if (source.kind === 'path')
        return await alone(() =>
          bring(source.path, target, note, 'skill.installed', { from: 'path', path: source.path }),
        );
      const file = await received(dataDir, uuid(), source.chunks);
      try {
        return await alone(() => bring(file, target, note, 'skill.installed', { from: 'archive' }));
      } finally {
        await rm(file, { force: true });
      }
    },
    copy: ({ name, from, to, replace }, note) =>
      alone(async () => {
        await known(from);
        await known(to);
        const skill = await original(from, name);
        if (skill.place === to) throw there(name, to);
        const source = join(folder(skill.place), name);
        return await bring(source, { place: to, name, replace }, note, 'skill.copied', { from: skill.place });
      }),
    link: ({ name, from, to, replace = false }, note) =>
      alone(async () => {
        await known(from);
        await known(to);
        const skill = await original(from, name);
        if (skill.place === to) throw there(name, to);
        const before = await setOf(to);
        const replaced = [...before.skills, ...before.problems].some((one) => one.name === name);
        const details = { name, from: skill.place, replaced };
        if (replaced && !replace)
          throw new SigilError(
            failure('conflict', `${name} is in ${placeText(to)} already; replace it, or remove it first.`),
          );
        await note('skill.linked', details, to, 'ok');
        try {
          await work({ do: 'link', folder: folder(to), name, to: skill.place, replace, id: uuid() });
        } catch (thrown) {
          await note('skill.linked', details, to, 'failed').catch(() => undefined);
          throw thrown;
        }
        await changed(to);
        return { ...(await itemIn(to, name)), replaced };
      }),
    remove: (place, name, note) =>
      alone(async () => {
        await known(place);
        const set = await setOf(place);
        const found = [...set.skills, ...set.problems].some((one) => one.name === name);
        if (!found) throw notFound(`There is no skill ${name} in ${placeText(place)}.`);
        const linked_from = await options.linksTo(place, name);
        await note('skill.removed', { name }, place, 'ok');
        try {
          await work({ do: 'remove', folder: folder(place), name, id: uuid() });
        } catch (thrown) {
          await note('skill.removed', { name }, place, 'failed').catch(() => undefined);
          throw thrown;
        }
        await changed(place);
        return { name, place, removed: true, linked_from };
      }),
  };
}

function notFound(message: string): SigilError {
  return new SigilError(failure('not_found', message));
}

function there(name: string, place: SkillPlace): SigilError {
  return new SigilError(failure('conflict', `${name} lies in ${placeText(place)} itself.`));
}

function checkName(name: string | undefined): void {
  const wrong = name === undefined ? undefined : nameProblem(name);
  if (wrong !== undefined) throw new SigilError(failure('validation_failed', `This is no name of a skill: ${wrong}.`));
}

/** Writes what is sent to a file of its own; the name says nothing of the skill. */
async function received(dataDir: string, id: string, chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const dir = join(dataDir, UPLOADS);
  const file = join(dir, `.${id}`);
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const handle = await open(file, 'wx', 0o600);
    try {
      let size = 0;
      for await (const chunk of chunks) {
        size += chunk.length;
        if (size > PUT_MOST.archive) throw tooMuch(`an archive of more than ${PUT_MOST.archive} bytes`);
        await handle.write(chunk);
      }
    } finally {
      await handle.close();
    }
    return file;
  } catch (thrown) {
    await rm(file, { force: true });
    throw storageError(thrown, file);
  }
}

/** Everything in a place as people are told of it, by name. */
export function itemsOf(set: SkillSet, place: SkillPlace): readonly SkillItem[] {
  const items = [...set.skills.map(itemOf), ...set.problems.map((problem) => unusable(place, problem))];
  return items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function itemOf(skill: Skill): SkillItem {
  const { name, description, trigger, license, compatibility, allowedTools, metadata, place, stale, warnings } = skill;
  const before = stale === null ? [] : [`${stale}; what it said before goes on`];
  return {
    ...{ name, description, state: stale === null ? 'ready' : 'stale', trigger: trigger.on },
    keywords: trigger.on === 'keyword' ? trigger.keywords : [],
    ...{ license: license ?? null, compatibility: compatibility ?? null, allowed_tools: allowedTools, metadata, place },
    problems: [...before, ...warnings],
  };
}

function unusable(place: SkillPlace, { name, message }: SkillProblem): SkillItem {
  return {
    ...{ name, description: '', state: 'unusable', trigger: null, keywords: [], license: null, compatibility: null },
    ...{ allowed_tools: [], metadata: {}, place, problems: [message] },
  };
}
