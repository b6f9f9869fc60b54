// SPDX-License-Identifier: Apache-2.0
// Reads what lies in a place: every folder with its SKILL.md, every link.

import { createHash } from 'node:crypto';
import { readdir, realpath } from 'node:fs/promises';
import { z } from 'zod';
import { loadSkill } from '../../agent/skills/load.ts';
import { EMPTY_SCAN, type PlaceEntry, type PlaceScan } from '../../agent/skills/resolve.ts';
import { isShowable, isSkillPlace, SKILL_MOST } from '../../agent/skills/skill.ts';
import { LINK_END } from './folders.ts';
import { keepGood, lastGood } from './last-good.ts';
import { NotRead, readInside, skillRoot } from './read-inside.ts';

/** What is in a file that stands for a link. */
export const LinkFile = z.strictObject({ place: z.string().refine(isSkillPlace) });
const LINK_BYTES = 1_024;

/**
 * Everything in a folder of skills; nothing where there is no such folder. Never throws for what lies in it.
 *
 * @param keeps whether what is good is kept for when it is broken, see `last-good.ts`
 */
export async function scanPlace(folder: string, keeps = false): Promise<PlaceScan> {
  const found = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  if (found === undefined) return EMPTY_SCAN;
  const entries = new Map<string, PlaceEntry>();
  const put = (entry: PlaceEntry): void => {
    if (!entries.has(entry.name)) entries.set(entry.name, entry);
  };
  const texts = new Map<string, string>();
  let left = 0;
  // Folders before links: a link is passed over where the skill itself lies.
  const sorted = found
    .filter(({ name }) => !name.startsWith('.') && isShowable(name))
    .toSorted((a, b) => Number(b.isDirectory()) - Number(a.isDirectory()) || (a.name < b.name ? -1 : 1));
  for (const entry of sorted) {
    const { name } = entry;
    const linkFile = entry.isFile() && name.endsWith(LINK_END) && name.length > LINK_END.length;
    if (!entry.isDirectory() && !linkFile && !entry.isSymbolicLink()) continue;
    if (entries.size >= SKILL_MOST.inPlace) {
      left += 1;
      continue;
    }
    if (entry.isDirectory()) {
      const { text, ...read } = await readSkill(folder, name);
      const before = read.entry.kind === 'broken' ? await lastGood(folder, name) : undefined;
      put(before === undefined ? read.entry : ({ ...read.entry, before } as PlaceEntry));
      if (text !== undefined) texts.set(name, text);
    } else if (linkFile) put(await readLink(folder, name));
    else {
      const message = 'it is a link of the file system, which is not followed; make one with `sigil skill link`';
      put({ kind: 'none', name, message });
    }
  }
  if (left > 0) {
    const message = `${left} more are not read: ${SKILL_MOST.inPlace} in one place are the most`;
    put({ kind: 'none', name: '…', message });
  }
  if (keeps) await keepGood(folder, texts, new Set(entries.keys()));
  const all = [...entries.values()];
  return { entries: all, print: createHash('sha256').update(JSON.stringify(all)).digest('base64url') };
}

interface ReadSkill {
  readonly entry: PlaceEntry;
  /** Of one that can be used. */
  readonly text?: string;
}

async function readSkill(folder: string, name: string): Promise<ReadSkill> {
  const read = async (file: string): Promise<Buffer> =>
    await readInside(await skillRoot(folder, name), [file], SKILL_MOST.file);
  let bytes: Buffer;
  let small = false;
  try {
    bytes = await read('SKILL.md').catch(async (thrown: unknown) => {
      small = true;
      // Its specification's own reader takes this name too.
      return await read('skill.md').catch(() => {
        throw thrown;
      });
    });
  } catch (thrown) {
    const says = thrown instanceof NotRead ? thrown.message : `it cannot be read (${String(thrown)})`;
    if (/^There is no such file/.test(says))
      return { entry: { kind: 'none', name, message: 'there is no SKILL.md in its folder' } };
    return { entry: { kind: 'broken', name, message: `SKILL.md: ${says}` } };
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { entry: { kind: 'broken', name, message: 'its SKILL.md is no text in UTF-8' } };
  }
  const loaded = loadSkill(name, text);
  if (!loaded.ok) return { entry: { kind: 'broken', name, message: loaded.message } };
  const { skill } = loaded;
  const warnings = small ? [...skill.warnings, 'its file is called skill.md and not SKILL.md'] : skill.warnings;
  return { entry: { kind: 'skill', name, skill: { ...skill, warnings } }, text };
}

async function readLink(folder: string, file: string): Promise<PlaceEntry> {
  const name = file.slice(0, -LINK_END.length);
  try {
    const parsed = LinkFile.safeParse(
      JSON.parse((await readInside(await realpath(folder), [file], LINK_BYTES)).toString('utf8')),
    );
    if (parsed.success) return { kind: 'link', name, to: parsed.data.place };
  } catch {
    // As much no link as what reads as something else.
  }
  return { kind: 'none', name, message: `${file} is no link; remove it and make one with \`sigil skill link\`` };
}
