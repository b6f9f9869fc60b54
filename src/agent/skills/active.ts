// SPDX-License-Identifier: Apache-2.0
// Which skills a turn's messages bring in: those that always apply, those asked for by name, those whose words were said.

import type { Skill, SkillSet } from './skill.ts';
import { askedFor, plainForm, WordFinder } from './words.ts';

/** The skills whose texts stand before the model in a turn. */
export interface ActiveSkills {
  /** Asked for by name, in this turn or in a message the model still sees. */
  readonly asked: readonly Skill[];
  readonly auto: readonly Skill[];
  /** By their keywords. */
  readonly matched: readonly Skill[];
  /** Names this turn's messages ask for and nobody has. */
  readonly unknown: readonly string[];
}

interface Looked {
  readonly auto: readonly Skill[];
  readonly names: ReadonlyMap<string, Skill>;
  readonly words: WordFinder<Skill>;
}

/** What is looked for, made once for each set. */
const looked = new WeakMap<SkillSet, Looked>();

function lookedFor(set: SkillSet): Looked {
  const known = looked.get(set);
  if (known !== undefined) return known;
  const words = new WordFinder<Skill>();
  for (const skill of set.skills)
    if (skill.trigger.on === 'keyword') for (const word of skill.trigger.keywords) words.add(word, skill);
  const made = {
    auto: set.skills.filter(({ trigger }) => trigger.on === 'auto'),
    names: new Map(set.skills.map((skill) => [plainForm(skill.name), skill])),
    words,
  };
  looked.set(set, made);
  return made;
}

/** Spares the texts of a whole window from being taken apart: nearly none asks. */
const MAY_ASK = /skill|ｓｋｉｌｌ/i;

/**
 * @param said this turn's messages of people
 * @param before messages of people before this turn that the model still sees: what was asked for there by name stays
 */
export function activeSkills(set: SkillSet, said: readonly string[], before: readonly string[]): ActiveSkills {
  const { auto, names, words } = lookedFor(set);
  const now = plainForm(said.join('\n\n'));
  const { found, unknown } = askedFor(now, names);
  const asked = new Set(found);
  for (const text of before)
    if (MAY_ASK.test(text)) for (const skill of askedFor(plainForm(text), names).found) asked.add(skill);
  const matched = words.find(now);
  const inOrder = (of: ReadonlySet<Skill>): readonly Skill[] => set.skills.filter((skill) => of.has(skill));
  return {
    asked: inOrder(asked),
    auto: auto.filter((skill) => !asked.has(skill)),
    matched: inOrder(matched).filter((skill) => !asked.has(skill)),
    unknown,
  };
}

/** Whether the model may read a skill in a turn: one that is `manual` only when somebody has asked for it. */
export function mayRead(skill: Skill, active: ActiveSkills): boolean {
  return skill.trigger.on !== 'manual' || active.asked.includes(skill);
}
