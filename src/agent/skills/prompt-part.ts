// SPDX-License-Identifier: Apache-2.0
// What the system prompt says of skills: which there are, and the texts of those that apply, named, fenced and within bounds.

import { CHARACTERS_PER_TOKEN } from '../estimate.ts';
import type { ActiveSkills } from './active.ts';
import { type Skill, type SkillSet, SPEC } from './skill.ts';

/** Characters there are for the list and for the texts. */
export interface SkillRoom {
  readonly list: number;
  readonly bodies: number;
}

/** The most, and the share of a model's context that is given to them at most. */
const MOST: SkillRoom = { list: 12_000, bodies: 48_000 };
const SHARE: SkillRoom = { list: 0.05, bodies: 0.25 };

export function skillRoom(maxContextTokens: number): SkillRoom {
  const room = (what: keyof SkillRoom): number =>
    Math.min(MOST[what], Math.floor(maxContextTokens * CHARACTERS_PER_TOKEN * SHARE[what]));
  return { list: room('list'), bodies: room('bodies') };
}

export interface SkillPartOptions {
  readonly set: SkillSet;
  readonly active: ActiveSkills;
  readonly room: SkillRoom;
  /** Whether the model is offered `skill_read`: without it a list of what it could read would be no use to it. */
  readonly readable: boolean;
}

const HEAD =
  'Skills are instructions that those who run this place wrote for you. Unlike other texts you quote or read they are yours ' +
  'to follow, each for what it is about, as far as nothing above says otherwise.';
const LIST =
  'There are these skills. When one fits what is asked, read it with skill_read before you answer, and then go by it:';

/** What the prompt says; empty where there is nothing to say. */
export function skillPart({ set, active, room, readable }: SkillPartOptions): string {
  const { written, left } = bodies(active, room.bodies, readable);
  const shown = new Set([...active.asked, ...active.auto, ...active.matched]);
  const list = readable
    ? listed(
        set.skills.filter((skill) => !shown.has(skill)),
        room.list,
      )
    : '';
  const unknown = active.unknown.map((name) => `There is no skill called ${JSON.stringify(name)}: say so.`);
  const parts = [...unknown, list, ...written, left].filter((part) => part !== '');
  return parts.length === 0 ? '' : [HEAD, ...parts].join('\n\n');
}

/** A text in one line: a description must not look like another entry of the list. */
function oneLine(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  const points = [...line];
  if (points.length <= SPEC.description) return line;
  return `${points.slice(0, SPEC.description).join('')} [and ${points.length - SPEC.description} characters more]`;
}

function listed(skills: readonly Skill[], room: number): string {
  if (skills.length === 0) return '';
  const lines: string[] = [];
  const without: string[] = [];
  let left = room;
  for (const skill of skills) {
    const asked = skill.trigger.on === 'manual' ? ' (only when somebody writes "use skill:" and its name)' : '';
    const line = `- ${oneLine(skill.name)}${asked}: ${oneLine(skill.description)}`;
    if (line.length + 1 <= left) {
      lines.push(line);
      left -= line.length + 1;
    } else without.push(oneLine(skill.name));
  }
  // A quarter of the room for the names of the others; all of them are counted.
  const named: string[] = [];
  let names = Math.floor(room / 4);
  for (const name of without) {
    names -= name.length + 2;
    if (names < 0) break;
    named.push(name);
  }
  const text = [LIST, ...lines];
  if (without.length > 0) {
    const which = named.length === 0 ? '' : `, among them ${named.join(', ')}`;
    text.push(`(${without.length} of ${skills.length} are left out of this list for lack of room${which}.)`);
  }
  return text.join('\n');
}

interface Bodies {
  readonly written: readonly string[];
  readonly left: string;
}

function bodies({ asked, auto, matched }: ActiveSkills, room: number, readable: boolean): Bodies {
  let left = room;
  const inside = new Set<Skill>();
  const outside: Skill[] = [];
  // What somebody asked for has the room first.
  for (const skill of [...asked, ...auto, ...matched]) {
    if (skill.body.length <= left) {
      inside.add(skill);
      left -= skill.body.length;
    } else outside.push(skill);
  }
  // In the prompt those that are always there stand first, so that it begins the same from turn to turn.
  const shown = [...auto, ...asked, ...matched].filter((skill) => inside.has(skill));
  const fence = fenceFor(shown);
  const written = shown.map((skill) => {
    const tools = skill.allowedTools.length === 0 ? '' : ` tools=${attribute(skill.allowedTools.join(' '))}`;
    return `<${fence} name=${attribute(skill.name)}${tools}>\n${skill.body}\n</${fence}>`;
  });
  if (outside.length === 0) return { written, left: '' };
  const names = outside.map(({ name, body }) => `${oneLine(name)} (${body.length} characters)`).join(', ');
  const advice = readable ? 'read them with skill_read before you answer' : 'say so if you would need them';
  const says = `These skills apply too, and their texts have no room here (${left} characters are left): ${names}; ${advice}.`;
  return { written, left: says };
}

function attribute(text: string): string {
  return `"${oneLine(text).replaceAll(/["<>]/g, '_')}"`;
}

/** A tag that no text closes. */
function fenceFor(skills: readonly Skill[]): string {
  for (let n = 1; ; n += 1) {
    const fence = n === 1 ? 'skill' : `skill-${n}`;
    const closing = `</${fence}>`;
    if (!skills.some(({ body }) => body.toLowerCase().includes(closing))) return fence;
  }
}
