// SPDX-License-Identifier: Apache-2.0
// From what lies in places to what a workspace has: its own, those it is given by name, what links lead to.

import {
  type LoadedSkill,
  placeText,
  SHARED,
  SKILL_MOST,
  type Skill,
  type SkillPlace,
  type SkillProblem,
  type SkillSet,
} from './skill.ts';

/** One thing in a place, by its name. */
export type PlaceEntry =
  | { readonly kind: 'skill'; readonly name: string; readonly skill: LoadedSkill }
  /** There is a `SKILL.md` that cannot be used; `before` is what it said when it last could. */
  | { readonly kind: 'broken'; readonly name: string; readonly message: string; readonly before?: LoadedSkill }
  /** No skill at all. */
  | { readonly kind: 'none'; readonly name: string; readonly message: string }
  /** It stands for the skill of this name in another place. */
  | { readonly kind: 'link'; readonly name: string; readonly to: SkillPlace };

/** What was found in a place. */
export interface PlaceScan {
  /** By name, each once. */
  readonly entries: readonly PlaceEntry[];
  /** Differs when anything in it does. */
  readonly print: string;
}

export const EMPTY_SCAN: PlaceScan = { entries: [], print: '' };

/** What a place says now, with what it said before where that cannot be read any more. */
export function keepLastGood(before: PlaceScan | undefined, now: PlaceScan): PlaceScan {
  if (before === undefined || !now.entries.some(({ kind }) => kind === 'broken')) return now;
  const good = new Map<string, LoadedSkill>();
  for (const entry of before.entries) {
    if (entry.kind === 'skill') good.set(entry.name, entry.skill);
    else if (entry.kind === 'broken' && entry.before !== undefined) good.set(entry.name, entry.before);
  }
  const entries = now.entries.map((entry): PlaceEntry => {
    const last = entry.kind === 'broken' ? good.get(entry.name) : undefined;
    return last === undefined ? entry : ({ ...entry, before: last } as PlaceEntry);
  });
  return { entries, print: now.print };
}

type Found = Skill | SkillProblem;

/** The skills of a place: of a workspace, those `names` lists, or all of its own where it lists none. */
export function skillsOf(
  place: SkillPlace,
  names: readonly string[] | undefined,
  scanOf: (place: SkillPlace) => PlaceScan | undefined,
): SkillSet {
  const entryOf = (of: SkillPlace, name: string): PlaceEntry | undefined =>
    scanOf(of)?.entries.find((entry) => entry.name === name);
  const found: Found[] =
    names === undefined
      ? (scanOf(place)?.entries ?? []).map((entry) => foundOf(place, entry, entryOf))
      : [...new Set(names)].map((name) => {
          const own = entryOf(place, name);
          if (own !== undefined) return foundOf(place, own, entryOf);
          const shared = entryOf(SHARED, name);
          if (shared !== undefined) return foundOf(SHARED, shared, entryOf);
          const says = `workspaces.${place}.skills names it, and it lies neither there nor among the shared skills`;
          return { name, message: says };
        });
  const skills: Skill[] = [];
  const problems: SkillProblem[] = [];
  let bytes = 0;
  for (const one of found.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!('body' in one)) {
      problems.push(one);
      continue;
    }
    bytes += one.body.length;
    if (bytes <= SKILL_MOST.inWorkspace) skills.push(one);
    else
      problems.push({
        name: one.name,
        message: `the texts of all skills have more than ${SKILL_MOST.inWorkspace} characters`,
      });
  }
  return Object.freeze({ skills: Object.freeze(skills), problems: Object.freeze(problems) });
}

function foundOf(
  place: SkillPlace,
  entry: PlaceEntry,
  entryOf: (of: SkillPlace, name: string) => PlaceEntry | undefined,
): Found {
  const { name } = entry;
  if (entry.kind === 'skill') return { ...entry.skill, place, stale: null };
  if (entry.kind === 'none') return { name, message: entry.message };
  if (entry.kind === 'broken') {
    if (entry.before === undefined) return { name, message: entry.message };
    return { ...entry.before, place, stale: entry.message };
  }
  const target = entryOf(entry.to, name);
  // What a link leads to is a skill: whoever makes one follows it to its end.
  if (target === undefined || target.kind === 'link')
    return { name, message: `it is a link to ${placeText(entry.to)}, where there is no such skill` };
  return foundOf(entry.to, target, entryOf);
}
