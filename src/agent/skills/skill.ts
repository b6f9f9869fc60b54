// SPDX-License-Identifier: Apache-2.0
// A skill as everything inside sees it, the place it lies in, and what was wrong with it. Nothing here reads a file.

/** Where skills lie that every workspace may be given: no workspace is called so. */
export const SHARED = '@shared';

/** A workspace's id, or {@link SHARED}. */
export type SkillPlace = string;

const PLACE = /^(?:@shared|[a-z0-9][a-z0-9:_-]{0,63})$/;

/** Whether a text may name a place. */
export function isSkillPlace(text: string): boolean {
  return PLACE.test(text);
}

/** A place in a sentence. */
export function placeText(place: SkillPlace): string {
  return place === SHARED ? 'the shared skills' : `the workspace ${place}`;
}

/**
 * When a skill's text stands before the model: always; when a message says `use skill: NAME`; when a message holds one of
 * its words; or, `model`, when the model finds its description fitting and reads it.
 */
export type SkillTrigger =
  | { readonly on: 'auto' }
  | { readonly on: 'manual' }
  | { readonly on: 'keyword'; readonly keywords: readonly string[] }
  | { readonly on: 'model' };

/** A skill as its `SKILL.md` has it. */
export interface LoadedSkill {
  /** Its folder's name, by which it is known. */
  readonly name: string;
  readonly description: string;
  readonly license: string | undefined;
  readonly compatibility: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** `allowed-tools`, one by one, as they are written. */
  readonly allowedTools: readonly string[];
  readonly trigger: SkillTrigger;
  /** What follows the front matter, without blank lines around it. */
  readonly body: string;
  /** What the public specification has against it, and did not keep it from being loaded. */
  readonly warnings: readonly string[];
}

/** A skill as a workspace has it. */
export interface Skill extends LoadedSkill {
  /** Where its files lie: another place than the workspace's own for a shared or linked one. */
  readonly place: SkillPlace;
  /** The file is broken now, and this is what it said before; null when it is what the file says. */
  readonly stale: string | null;
}

/** Why something in a place is no skill that can be used. */
export interface SkillProblem {
  readonly name: string;
  readonly message: string;
}

/** What a workspace has: a frozen value that is replaced whole. */
export interface SkillSet {
  /** By name. */
  readonly skills: readonly Skill[];
  readonly problems: readonly SkillProblem[];
}

export const NO_SKILLS: SkillSet = Object.freeze({ skills: Object.freeze([]), problems: Object.freeze([]) });

/** Bounds of the public specification, in characters. */
export const SPEC = { name: 64, description: 1_024, compatibility: 500 } as const;

/** What is read of skills: bytes of one file, skills of a place, bytes of all texts of one workspace and of everybody. */
export const SKILL_MOST = {
  file: 128 * 1024,
  frontMatter: 16 * 1024,
  inPlace: 128,
  inWorkspace: 2 * 1024 * 1024,
  everywhere: 32 * 1024 * 1024,
  keywords: 64,
  keyword: 100,
} as const;

const NAME = /^(?:[\p{Ll}\p{Lo}\p{Lm}\p{N}]|-(?!-))*$/u;

/**
 * What the public specification has against a name; undefined when nothing. Letters of every script are letters there, and
 * lower case where they have case.
 */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'the name is empty';
  if ([...name].length > SPEC.name) return `the name is longer than ${SPEC.name} characters`;
  if (name !== name.toLowerCase()) return `the name "${name}" is not in lower case`;
  if (name.startsWith('-') || name.endsWith('-')) return `the name "${name}" begins or ends with a hyphen`;
  if (name.includes('--')) return `the name "${name}" has two hyphens in a row`;
  if (!NAME.test(name.normalize('NFC'))) return `the name "${name}" holds more than letters, digits and hyphens`;
  return undefined;
}

/** Whether a folder's name can be shown and typed: what cannot is passed over. Never a path. */
export function isShowable(name: string): boolean {
  return name !== '' && name.length <= 200 && name.isWellFormed() && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}/\\]/u.test(name);
}
