// SPDX-License-Identifier: Apache-2.0
// What a workspace has of what lies in places, and what goes on when a file is broken.

import { describe, expect, it } from 'vitest';
import { keepLastGood, type PlaceEntry, type PlaceScan, skillsOf } from '../../../src/agent/skills/resolve.ts';
import { SHARED } from '../../../src/agent/skills/skill.ts';
import { skill } from './skill-of.ts';

const ready = (name: string, body = ''): PlaceEntry => ({ kind: 'skill', name, skill: skill(name, { body }) });
const link = (name: string, to: string): PlaceEntry => ({ kind: 'link', name, to });
const broken = (name: string): PlaceEntry => ({ kind: 'broken', name, message: 'it has no description' });
const scan = (...entries: readonly PlaceEntry[]): PlaceScan => ({ entries, print: JSON.stringify(entries) });

const places = new Map<string, PlaceScan>([
  [SHARED, scan(ready('shared-one'), ready('both', 'shared'), link('via-shared', 'lab'))],
  [
    'lab',
    scan(ready('b'), ready('a'), ready('both', 'own'), link('far', 'other'), link('gone', 'other'), broken('bad')),
  ],
  ['other', scan(ready('far', 'from other'), link('far-again', 'lab'))],
  ['third', scan(link('far-again', 'other'))],
]);
const of = (place: string, names?: readonly string[]) => {
  const { skills, problems } = skillsOf(place, names, (one) => places.get(one));
  return {
    skills: skills.map(({ name, place: lies }) => `${name} in ${lies}`),
    problems: problems.map(({ name, message }) => `${name}: ${message}`),
  };
};

describe('what a workspace has', () => {
  it('is all of its own where nothing is named, by name, and links lead where they lie', () => {
    expect(of('lab')).toEqual({
      skills: ['a in lab', 'b in lab', 'both in lab', 'far in other'],
      problems: ['bad: it has no description', expect.stringContaining('gone: it is a link to the workspace other')],
    });
  });

  it('is what is named, its own before what is shared', () => {
    expect(of('lab', ['both', 'shared-one', 'nothing', 'both'])).toEqual({
      skills: ['both in lab', 'shared-one in @shared'],
      problems: [expect.stringContaining('nothing: workspaces.lab.skills names it')],
    });
    expect(of('empty', ['both'])).toMatchObject({ skills: ['both in @shared'] });
    expect(of('empty')).toEqual({ skills: [], problems: [] });
    expect(of('lab', [])).toEqual({ skills: [], problems: [] });
  });

  it('holds no link to a link', () => {
    expect(of('third')).toEqual({ skills: [], problems: [expect.stringContaining('where there is no such skill')] });
  });

  it('has an end', () => {
    const big = scan(...Array.from({ length: 20 }, (_, at) => ready(`s${at + 10}`, 'x'.repeat(120_000))));
    const { skills, problems } = skillsOf('big', undefined, () => big);
    expect(skills).toHaveLength(17);
    expect(problems).toHaveLength(3);
    expect(problems[0]?.message).toContain('more than 2097152 characters');
  });
});

describe('a broken file', () => {
  const first = scan(ready('a', 'one'), ready('b'));

  it('leaves what it said before, for as long as it is broken', () => {
    const second = keepLastGood(first, scan(broken('a'), ready('b')));
    const third = keepLastGood(second, scan(broken('a')));
    for (const now of [second, third]) {
      const [a] = skillsOf('lab', undefined, () => now).skills;
      expect(a).toMatchObject({ name: 'a', body: 'one', stale: 'it has no description' });
    }
    const mended = keepLastGood(third, scan(ready('a', 'two')));
    expect(skillsOf('lab', undefined, () => mended).skills[0]).toMatchObject({ body: 'two', stale: null });
  });

  it('that was never whole is no skill, nor is one that is gone', () => {
    expect(skillsOf('lab', undefined, () => keepLastGood(undefined, scan(broken('a')))).skills).toEqual([]);
    expect(skillsOf('lab', undefined, () => keepLastGood(first, scan(ready('b')))).skills).toHaveLength(1);
    const none: PlaceEntry = { kind: 'none', name: 'a', message: 'there is no SKILL.md in its folder' };
    expect(skillsOf('lab', undefined, () => keepLastGood(first, scan(none))).skills).toEqual([]);
  });
});
