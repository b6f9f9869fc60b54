// SPDX-License-Identifier: Apache-2.0
// What the tool that reads skills needs: composition gives it, bound to one workspace and to what its turn has asked for.

import type { SkillFile } from '../skills/keeping.ts';
import type { Skill } from '../skills/skill.ts';

/** A stretch of a file. */
export interface FilePart {
  readonly bytes: Uint8Array;
  /** Of the whole file. */
  readonly size: number;
}

export interface FileList {
  readonly files: readonly SkillFile[];
  /** Those that are not listed. */
  readonly more: number;
}

/** What lies at a path of a skill. */
export type SkillContent = ({ readonly is: 'file' } & FilePart) | ({ readonly is: 'folder' } & FileList);

export interface SkillsPort {
  /** All of the workspace, by name. */
  readonly skills: readonly Skill[];
  /** Whether this turn may read it. */
  mayRead(skill: Skill): boolean;
  /**
   * What lies there: of a file `most` bytes from `from` on. Rejects with words for the model; never reads anything outside
   * of the skill's folder.
   */
  read(skill: Skill, parts: readonly string[], from: number, most: number): Promise<SkillContent>;
}
