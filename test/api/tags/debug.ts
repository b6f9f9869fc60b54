// SPDX-License-Identifier: Apache-2.0
// The live actor system, looked at while something happens in it.

import { ok, strictEqual } from 'node:assert/strict';
import type { Part } from '../part.ts';
import { BEN } from '../stage.ts';

export const debugPart: Part = async (walk) => {
  const transitions = await walk.open('streamTransitions', { query: { kind: 'session' } });
  const traffic = await walk.open('streamProviderTraffic', { query: { provider: 'mine' } });
  const told = (await walk.ok('chat', { json: { content: 'say so', model: 'mine/local-model' } })).body;
  await transitions.events.named('transition');
  await traffic.events.named('entry');
  transitions.close();
  traffic.close();
  await walk.refused('streamTransitions', 'forbidden', { token: BEN });
  await walk.refused('streamTransitions', 'validation_failed', { query: { address: 'x'.repeat(300) } });
  await walk.refused('streamProviderTraffic', 'forbidden', { token: BEN });
  await walk.refused('streamProviderTraffic', 'not_found', { query: { provider: 'nobody' } });

  ok((await walk.pages('listActors', { query: { kind: 'session' } })).length > 3);
  await walk.refused('listActors', 'forbidden', { token: BEN });
  const id = told.session_id as string;
  strictEqual((await walk.ok('getActor', { params: { kind: 'session', id } })).body.kind, 'session');
  await walk.ok('getActor', { params: { kind: 'session', id }, query: { reveal: 'true' } });
  await walk.refused('getActor', 'not_found', { params: { kind: 'session', id: 'none' } });
  await walk.refused('getActor', 'validation_failed', { params: { kind: 'session', id }, query: { reveal: 'yes' } });
  strictEqual((await walk.ok('getActorByAddress', { params: { address: `session/${id}` } })).body.id, id);
  await walk.refused('getActorByAddress', 'not_found', { params: { address: 'session/none' } });
  ok((await walk.ok('listThreads')).body.items.length > 3);
  await walk.refused('listThreads', 'forbidden', { token: BEN });
  await walk.ok('busFigures');
  await walk.refused('busFigures', 'forbidden', { token: BEN });
  const params = { id: told.turn_id as string };
  ok((await walk.ok('debugTurn', { params })).body.steps.length > 0);
  await walk.refused('debugTurn', 'not_found', { params: { id: 'none' } });
};
