// SPDX-License-Identifier: Apache-2.0
// The skills of one turn: which apply, what the prompt says of them, and what its model may read.

import { type ActiveSkills, activeSkills, mayRead } from '../../agent/skills/active.ts';
import { skillPart, skillRoom } from '../../agent/skills/prompt-part.ts';
import type { SkillSet } from '../../agent/skills/skill.ts';
import type { SkillsPort } from '../../agent/tools/skills-port.ts';
import { type SessionState, textsOf } from '../../stores/session-state.ts';
import { folderOf } from './folders.ts';
import type { SkillsHere } from './here.ts';
import { contentInside, skillRoot } from './read-inside.ts';

/** The tool by which a model reads skills. */
export const SKILL_TOOL = 'skill_read';

export interface TurnSkills {
  readonly set: SkillSet;
  readonly active: ActiveSkills;
}

/**
 * What a session's turn has; undefined where its workspace has no skills.
 *
 * @param window messages of the session that the model sees
 */
export function turnSkills(
  here: SkillsHere,
  { facts, turn, window }: SessionState,
  seen: number,
): TurnSkills | undefined {
  const set = here.of(facts?.workspace_id ?? '');
  if (set.skills.length === 0 || turn == null) return undefined;
  const said = [...textsOf(turn), ...byPeople(turn.said)];
  return { set, active: activeSkills(set, said, byPeople(seen > 0 ? window.slice(-seen) : [])) };
}

function byPeople(messages: readonly { readonly role: string; readonly content: string }[]): readonly string[] {
  return messages.flatMap(({ role, content }) => (role === 'user' ? [content] : []));
}

/** What the prompt says of them. */
export function skillsText(skills: TurnSkills | undefined, maxContextTokens: number, readable: boolean): string {
  if (skills === undefined) return '';
  return skillPart({ ...skills, room: skillRoom(maxContextTokens), readable });
}

/** What the tool reads by. */
export function skillsPort(skills: TurnSkills | undefined, dataDir: string): SkillsPort | undefined {
  if (skills === undefined) return undefined;
  const { set, active } = skills;
  return {
    skills: set.skills,
    mayRead: (skill) => mayRead(skill, active),
    read: async ({ name, place }, parts, from, most) =>
      await contentInside(await skillRoot(folderOf(dataDir, place), name), parts, from, most),
  };
}
