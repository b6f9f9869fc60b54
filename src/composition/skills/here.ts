// SPDX-License-Identifier: Apache-2.0
// The skills of every workspace as a thread has them: values the main thread replaces whole.

import { NO_SKILLS, type SkillSet } from '../../agent/skills/skill.ts';

/** By workspace; workspaces without any are not in it. */
export type SkillSets = ReadonlyMap<string, SkillSet>;

export interface SkillsHere {
  /** What a workspace has; the same object until it has something else. */
  of(workspace: string): SkillSet;
  put(workspace: string, set: SkillSet): void;
}

export function createSkillsHere(sets: SkillSets = new Map()): SkillsHere {
  const known = new Map(sets);
  return {
    of: (workspace) => known.get(workspace) ?? NO_SKILLS,
    put: (workspace, set) => {
      if (set.skills.length === 0) known.delete(workspace);
      else known.set(workspace, set);
    },
  };
}
