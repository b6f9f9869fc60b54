// SPDX-License-Identifier: Apache-2.0
// What became of a message: its record, its events again, stopping it, and calls that wait for a person.

import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict';
import type { Part } from '../part.ts';
import { BEN, GUS } from '../stage.ts';
import { eventsOf } from '../walk.ts';

export const turnsPart: Part = async (walk, { house }) => {
  const told = (await walk.ok('chat', { json: { content: 'what is 5*5?' } })).body;
  const params = { id: told.turn_id as string };
  strictEqual((await walk.ok('getTurn', { params })).body.status, 'finished');
  await walk.refused('getTurn', 'not_found', { params: { id: 'no-such-turn' } });
  await walk.refused('getTurn', 'forbidden', { params, token: GUS });

  const events = eventsOf(await walk.ok('streamTurn', { params }));
  const last = events.at(-1)?.id ?? '';
  const rest = eventsOf(await walk.ok('streamTurn', { params, query: { last_event_id: events[1]?.id ?? '' } }));
  deepStrictEqual(rest, events.slice(2));
  strictEqual((await walk.ok('streamTurn', { params, headers: { 'Last-Event-ID': last } })).status, 204);
  await walk.refused('streamTurn', 'not_found', { params: { id: 'no-such-turn' } });
  await walk.refused('streamTurn', 'validation_failed', { params, query: { last_event_id: 'what' } });

  strictEqual((await walk.ok('cancelTurn', { params })).body.status, 'ended');
  const counting = await house.person(walk.owner).stream('count to 500');
  const running = (await counting.named('turn_started')).data.turn_id as string;
  await counting.named('text_delta');
  match((await walk.ok('cancelTurn', { params: { id: running }, json: {} })).body.status, /cancelling|ended/);
  await counting.all();
  await walk.refused('cancelTurn', 'not_found', { params: { id: 'no-such-turn' } });
  await walk.refused('cancelTurn', 'validation_failed', { params, json: { why: 'so' } });

  // Three calls that wait, so that there are pages of them.
  const waiting = await Promise.all([1, 2, 3].map((n) => house.person(BEN).stream(`what is 7*${n}?`)));
  const asked = await Promise.all(waiting.map(async (one) => (await one.named('approval_requested')).data));
  await walk.until('listApprovals', {}, ({ body }) => body.items.length === 3);
  strictEqual((await walk.pages('listApprovals')).length, 3);
  const [id = ''] = asked.map((one) => one.id as string);
  strictEqual((await walk.ok('getApproval', { params: { id } })).body.decision, null);
  await walk.refused('getApproval', 'not_found', { params: { id: 'none' } });
  await walk.refused('decideApproval', 'forbidden', { params: { id }, json: { decision: 'approve' }, token: GUS });
  await walk.refused('decideApproval', 'validation_failed', { params: { id }, json: { decision: 'perhaps' } });
  for (const { id: each } of asked)
    await walk.ok('decideApproval', { params: { id: each }, json: { decision: each === id ? 'deny' : 'approve' } });
  await walk.refused('decideApproval', 'conflict', { params: { id }, json: { decision: 'approve' } });
  for (const one of waiting) ok((await one.all()).some(({ event }) => event === 'done'));
};
