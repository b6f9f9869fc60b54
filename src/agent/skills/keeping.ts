// SPDX-License-Identifier: Apache-2.0
// Looking at skills and changing what there is, as HTTP and the command line do it: noted in the audit before it is done.

import type { SkillPlace } from './skill.ts';

/** A skill, or what is no skill and why, as it is told to people. */
export interface SkillItem {
  readonly name: string;
  readonly description: string;
  /** `stale`: its file is broken, and what it said before goes on; `unusable`: there is nothing to go by. */
  readonly state: 'ready' | 'stale' | 'unusable';
  /** Null for what is unusable. */
  readonly trigger: 'auto' | 'manual' | 'keyword' | 'model' | null;
  readonly keywords: readonly string[];
  readonly license: string | null;
  readonly compatibility: string | null;
  readonly allowed_tools: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Where its files lie; another place than the one that was asked for when it is shared or linked. */
  readonly place: SkillPlace;
  /** What is wrong with it. */
  readonly problems: readonly string[];
}

export interface SkillFile {
  /** Below the skill's folder, with `/`. */
  readonly path: string;
  readonly bytes: number;
}

export interface SkillDetail extends SkillItem {
  readonly body: string;
  readonly files: readonly SkillFile[];
  /** Files that are not listed. */
  readonly more_files: number;
}

/** What was put in a place. */
export interface SkillPut extends SkillItem {
  /** One of the same name was there before. */
  readonly replaced: boolean;
}

export interface SkillGone {
  readonly name: string;
  readonly place: SkillPlace;
  readonly removed: true;
  /** Places with links to it, which lead nowhere now. */
  readonly linked_from: readonly SkillPlace[];
}

/** Where a new skill comes from: an archive's bytes, or a folder or archive of this machine. */
export type SkillSource =
  | { readonly kind: 'archive'; readonly chunks: AsyncIterable<Uint8Array> }
  | { readonly kind: 'path'; readonly path: string };

export interface SkillTarget {
  readonly place: SkillPlace;
  /** Which of several to take, and what it is called; its own name when not given. */
  readonly name?: string | undefined;
  readonly replace?: boolean | undefined;
}

export interface SkillMove {
  readonly name: string;
  readonly from: SkillPlace;
  readonly to: SkillPlace;
  readonly replace?: boolean | undefined;
}

/** A note for the audit: it is there when this settles, and what cannot be noted is not done. */
export type NoteSkill = (
  action: 'skill.installed' | 'skill.copied' | 'skill.linked' | 'skill.removed',
  details: Readonly<Record<string, unknown>>,
  place: SkillPlace,
  result: 'ok' | 'failed',
) => Promise<void>;

/**
 * All reject with a SigilError: `not_found`, `conflict` when one of that name is there, `validation_failed` for what is no
 * skill, `payload_too_large`, `storage_failed`.
 */
export interface SkillKeeping {
  list(place: SkillPlace): Promise<readonly SkillItem[]>;
  show(place: SkillPlace, name: string): Promise<SkillDetail>;
  install(source: SkillSource, target: SkillTarget, note: NoteSkill): Promise<SkillPut>;
  copy(move: SkillMove, note: NoteSkill): Promise<SkillPut>;
  link(move: SkillMove, note: NoteSkill): Promise<SkillPut>;
  remove(place: SkillPlace, name: string, note: NoteSkill): Promise<SkillGone>;
}
