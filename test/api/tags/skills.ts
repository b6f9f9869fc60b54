// SPDX-License-Identifier: Apache-2.0
// Skills: installed from an archive and from a path, read, copied, removed.

import { strictEqual } from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import type { Part } from '../part.ts';
import { BEN, GUS } from '../stage.ts';

const LAB = { workspace: 'lab' };
const text = (name: string): string => `---\nname: ${name}\ndescription: About ${name}.\n---\nThink of ${name}.\n`;

async function archive(name: string): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: `${name}/SKILL.md` }, text(name));
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export const skillsPart: Part = async (walk, { house }) => {
  const tides = { raw: await archive('tides'), type: 'application/x-tar', query: LAB };
  strictEqual((await walk.ok('installSkill', tides)).body.name, 'tides');
  await walk.refused('installSkill', 'conflict', tides);
  await walk.refused('installSkill', 'forbidden', { ...tides, token: BEN });
  const path = join(house.dataDir, 'given', 'winds');
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'SKILL.md'), text('winds'));
  strictEqual((await walk.ok('installSkill', { json: { path }, query: LAB })).body.name, 'winds');
  await walk.refused('installSkill', 'validation_failed', { json: { place: path }, query: LAB });

  strictEqual((await walk.pages('listSkills', { query: LAB })).length, 2);
  await walk.refused('listSkills', 'not_a_member', { query: LAB, token: GUS });
  const params = { name: 'tides' };
  await walk.ok('getSkill', { params, query: LAB });
  await walk.refused('getSkill', 'not_found', { params: { name: 'nothing' }, query: LAB });
  await walk.ok('copySkill', { params, query: LAB, json: { to: 'personal:owner' } });
  await walk.refused('copySkill', 'conflict', { params, query: LAB, json: { to: 'personal:owner' } });
  await walk.refused('copySkill', 'validation_failed', { params, query: LAB, json: {} });
  strictEqual((await walk.ok('removeSkill', { params, query: LAB })).body.removed, true);
  await walk.refused('removeSkill', 'not_found', { params, query: LAB });
};
