// SPDX-License-Identifier: Apache-2.0
// What was said and what is known, found again; and having older messages summed up.

import { ok, strictEqual } from 'node:assert/strict';
import type { Part } from '../part.ts';
import { GUS } from '../stage.ts';

const LAB = { workspace: 'lab' };

export const memoryPart: Part = async (walk) => {
  const workspace_id = 'lab';
  for (const content of ['remember that my boat is the Quokka', 'remember that my tea is oolong', 'the Quokka leaks'])
    await walk.ok('chat', { json: { content, workspace_id } });
  const query = { q: 'Quokka', ...LAB };
  ok((await walk.pages('searchMemory', { query })).length >= 2);
  await walk.refused('searchMemory', 'validation_failed');
  await walk.refused('searchMemory', 'not_a_member', { query, token: GUS });
  const recalled = (await walk.ok('recall', { query })).body;
  ok(recalled.facts.length > 0 && recalled.messages.length > 0);
  await walk.refused('recall', 'validation_failed', { query: LAB });

  ok((await walk.pages('listFacts', { query: LAB })).length >= 2);
  await walk.refused('listFacts', 'not_a_member', { query: LAB, token: GUS });
  const entities = (await walk.pages('listEntities', { query: LAB })) as readonly { readonly id: string }[];
  await walk.refused('listEntities', 'not_a_member', { query: LAB, token: GUS });
  await walk.ok('getGraph', { query: { ...LAB, entity: entities[0]?.id ?? '' } });
  await walk.refused('getGraph', 'not_found', { query: { ...LAB, entity: 'nothing' } });
  await walk.refused('getGraph', 'validation_failed', { query: LAB });

  const begun = (await walk.ok('compact', { json: { workspace_id } })).body;
  await walk.refused('compact', 'not_a_member', { json: { workspace_id }, token: GUS });
  await walk.refused('compact', 'validation_failed', { json: { everything: true } });
  const ask = { params: { id: begun.id as string }, query: LAB };
  strictEqual((await walk.ok('getCompaction', ask)).body.id, begun.id);
  await walk.refused('getCompaction', 'not_found', { params: { id: 'none' }, query: LAB });
};
