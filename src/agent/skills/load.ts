// SPDX-License-Identifier: Apache-2.0
// From the text of a `SKILL.md` and its folder's name to a skill, leniently: only what cannot be used at all is refused.

import { readFrontMatter } from './front-matter.ts';
import { type LoadedSkill, SKILL_MOST, type SkillTrigger } from './skill.ts';

export type Loaded =
  | { readonly ok: true; readonly skill: LoadedSkill }
  | { readonly ok: false; readonly message: string };

/** Loads a skill. It is known by its folder's name, which the specification wants to be its own. */
export function loadSkill(folder: string, file: string): Loaded {
  if (file.includes('\0') || !file.isWellFormed()) return { ok: false, message: 'its SKILL.md is no text in UTF-8' };
  const read = readFrontMatter(file);
  if (!read.ok) return read;
  const { name, description, license, compatibility, metadata, allowedTools } = read.front;
  const warnings = [...read.front.warnings];
  if (name !== undefined && name.normalize('NFKC') !== folder.normalize('NFKC'))
    warnings.push(`the name ${JSON.stringify(name.slice(0, 80))} is not that of its folder, by which it is known`);
  const trigger = triggerOf(metadata, warnings);
  if (read.body === '') warnings.push('there is nothing after its front matter');
  const body = read.body;
  return {
    ok: true,
    skill: {
      ...{ name: folder, description, license, compatibility, metadata },
      ...{ allowedTools, trigger, body, warnings },
    },
  };
}

/** `metadata["gateway:trigger"]`; what is not understood leaves it to the model. */
function triggerOf(metadata: Readonly<Record<string, string>>, warnings: string[]): SkillTrigger {
  const written = metadata['gateway:trigger']?.trim().toLowerCase() ?? '';
  const listed = metadata['gateway:keywords'];
  const keywords = keywordsOf(listed, warnings);
  if (listed !== undefined && written !== 'keyword')
    warnings.push('gateway:keywords have no effect without gateway:trigger: keyword');
  if (written === 'auto' || written === 'manual') return { on: written };
  if (written === 'keyword') {
    if (keywords.length > 0) return { on: 'keyword', keywords };
    warnings.push('gateway:trigger is keyword, and there are no gateway:keywords');
  } else if (written !== '') warnings.push(`gateway:trigger is not auto, manual or keyword: "${written.slice(0, 40)}"`);
  return { on: 'model' };
}

function keywordsOf(listed: string | undefined, warnings: string[]): readonly string[] {
  const all = new Set(
    (listed ?? '')
      .split(/[,\n、，]/)
      .map((word) => word.trim())
      .filter((word) => word !== ''),
  );
  const kept = [...all].filter((word) => word.length <= SKILL_MOST.keyword).slice(0, SKILL_MOST.keywords);
  if (kept.length < all.size)
    warnings.push(
      `${all.size - kept.length} of its ${all.size} keywords are left out: ` +
        `${SKILL_MOST.keywords} of ${SKILL_MOST.keyword} characters are the most`,
    );
  return kept;
}
