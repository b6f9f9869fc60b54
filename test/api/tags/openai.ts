// SPDX-License-Identifier: Apache-2.0
// What OpenAI's clients call: a model and an agent, whole and streamed, the list of both, and vectors.

import { match, ok, strictEqual } from 'node:assert/strict';
import type { Part } from '../part.ts';

const messages = [{ role: 'user', content: 'what is 6*8?' }];

export const openAiPart: Part = async (walk) => {
  const json = { model: 'mine/local-model', messages };
  const whole = (await walk.ok('createChatCompletion', { json })).body;
  match(whole.choices[0].message.content, /Said so/);
  match((await walk.ok('createChatCompletion', { json: { ...json, stream: true } })).text, /\[DONE\]/);
  await walk.ok('createChatCompletion', { json: { model: 'workspace:lab', messages } });
  await walk.refused('createChatCompletion', 'validation_failed', { json: { model: 'mine/local-model' } });
  const models = (await walk.ok('listModelsForOpenAi')).body.data as readonly { readonly id: string }[];
  ok(models.some(({ id }) => id === 'workspace:lab'));
  await walk.refused('listModelsForOpenAi', 'unauthenticated', { token: null });
  strictEqual((await walk.ok('getModelForOpenAi', { params: { id: 'sigil/offline' } })).body.id, 'sigil/offline');
  await walk.refused('getModelForOpenAi', 'not_found', { params: { id: 'nobody/nothing' } });
  await walk.ok('createEmbedding', { json: { model: 'sigil/hash-384', input: ['a boat', 'a ship'] } });
  await walk.refused('createEmbedding', 'validation_failed', { json: { model: 'sigil/hash-384' } });
};
