// SPDX-License-Identifier: Apache-2.0
// What requests may say about skills, and what is answered.

import { z } from 'zod';
import type { SkillDetail, SkillGone, SkillItem, SkillPut } from '../../agent/skills/keeping.ts';
import type { DeepReadonly } from '../../config/schema.ts';
import { listOf } from './fields.ts';
import { cursor, limit } from './requests.ts';

const Place = z
  .string()
  .regex(/^(?:@shared|[a-z0-9][a-z0-9:_-]{0,63})$/, { error: 'is neither an id of a workspace nor @shared' });
const workspace = Place.optional().describe("The workspace, or `@shared`; the caller's own when absent.");
const replace = z.boolean().optional().describe('One of the same name that is there makes place for it.');
const SkillName = z
  .string()
  .min(1, { error: 'is empty' })
  .max(200)
  .regex(/^[^/\\\p{Cc}]+$/u, { error: 'is no name of a skill' });

export const SkillsQuery = z.object({ workspace, limit, cursor });

export const SkillQuery = z.object({ workspace });

export const SkillInstallQuery = z.object({
  workspace,
  name: SkillName.optional().describe(
    'Which of several skills in it, and what it is called; its own name when absent.',
  ),
  replace: z.enum(['true', 'false']).default('false').describe('`true`: one of the same name makes place for it.'),
});

export const SkillPathRequest = z
  .strictObject({
    path: z
      .string()
      .min(1, { error: 'is empty' })
      .max(4_096)
      .regex(/^\/[^\0]*$/, { error: 'is no absolute path' })
      .describe("A folder or an archive on the gateway's machine. Needs `admin:*`."),
  })
  .describe('Where a skill lies.');

export const SkillMoveRequest = z
  .strictObject({
    to: Place.describe('The workspace it goes to, or `@shared`.'),
    link: z
      .boolean()
      .optional()
      .describe('It stays where it is, and whatever becomes of it there is seen in the other place too.'),
    replace,
  })
  .describe('Where a skill is to be as well.');

const itemFields = {
  name: z.string().describe("Its folder's name, by which it is known."),
  description: z.string(),
  state: z
    .enum(['ready', 'stale', 'unusable'])
    .describe('`stale`: its file is broken, and what it said before goes on; `unusable`: there is nothing to go by.'),
  trigger: z
    .enum(['auto', 'manual', 'keyword', 'model'])
    .nullable()
    .describe('What brings its text before the model; `model`: the model reads it when its description fits.'),
  keywords: z.array(z.string()),
  license: z.string().nullable(),
  compatibility: z.string().nullable(),
  allowed_tools: z.array(z.string()),
  metadata: z.record(z.string(), z.string()),
  place: z.string().describe('Where its files lie: another than the one asked for when it is shared or linked.'),
  problems: z.array(z.string()).describe('What is wrong with it.'),
};

export const Skill = z.object(itemFields).describe('A skill, or what is none and why.');
export const Skills = listOf(Skill).describe('Skills by name.');

export const SkillDetailed = z
  .object({
    ...itemFields,
    body: z.string().describe('Its instructions.'),
    files: z.array(z.object({ path: z.string(), bytes: z.int() })).describe('Files in its folder, 200 at most.'),
    more_files: z.int().describe('Files that are not listed.'),
  })
  .describe('A skill with its text.');

export const SkillPutAnswer = z
  .object({ ...itemFields, replaced: z.boolean().describe('One of the same name was there before.') })
  .describe('It is there.');

export const SkillRemoved = z
  .object({
    name: z.string(),
    place: z.string(),
    removed: z.literal(true),
    linked_from: z.array(z.string()).describe('Workspaces with a link to it, which leads nowhere now.'),
  })
  .describe('It is gone.');

type Same<A, B> = A extends B ? (B extends A ? true : never) : never;
/** What the interface promises is what the document says. */
export const HELD: readonly [
  Same<DeepReadonly<z.output<typeof Skill>>, SkillItem>,
  Same<DeepReadonly<z.output<typeof SkillDetailed>>, SkillDetail>,
  Same<DeepReadonly<z.output<typeof SkillPutAnswer>>, SkillPut>,
  Same<DeepReadonly<z.output<typeof SkillRemoved>>, SkillGone>,
] = [true, true, true, true];
