// SPDX-License-Identifier: Apache-2.0
// Workspaces and sessions: made, read page by page, followed, exported and taken in again, put away, deleted.

import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict';
import type { Part } from '../part.ts';
import { BEN, GUS } from '../stage.ts';

export const sessionsPart: Part = async (walk) => {
  const garden = { id: 'garden', description: 'Beds and trees.', members: ['owner'], bindings: [] };
  strictEqual((await walk.ok('createWorkspace', { json: garden })).body.configured, false);
  await walk.refused('createWorkspace', 'conflict', { json: garden });
  await walk.refused('createWorkspace', 'forbidden', { json: garden, token: BEN });
  await walk.refused('createWorkspace', 'validation_failed', { json: { id: 'Not An Id' } });
  const params = { id: 'garden' };
  deepStrictEqual((await walk.ok('getWorkspace', { params })).body.members, ['owner']);
  await walk.refused('getWorkspace', 'not_found', { params: { id: 'nowhere' } });
  await walk.refused('getWorkspace', 'not_a_member', { params, token: GUS });
  const members = ['owner', 'ben'];
  deepStrictEqual((await walk.ok('updateWorkspace', { params, json: { members } })).body.members, members);
  await walk.refused('updateWorkspace', 'validation_failed', { params, json: { id: 'other' } });
  const configured = { params: { id: 'lab' } };
  match(
    (await walk.refused('updateWorkspace', 'conflict', { ...configured, json: { members } })).body.detail,
    /config/,
  );
  await walk.refused('deleteWorkspace', 'conflict', configured);
  ok((await walk.pages('listWorkspaces')).length >= 3);

  const said: string[] = [];
  for (const content of ['plant the roses', 'water the beds', 'prune the pear'])
    said.push((await walk.ok('chat', { json: { content, workspace_id: 'garden' } })).body.session_id);
  const [id = ''] = said;
  const session = { params: { id } };
  await walk.ok('sendMessage', { ...session, json: { content: 'with dung' } });
  strictEqual((await walk.pages('listSessions', { params })).length, 3);
  await walk.refused('listSessions', 'not_a_member', { params, token: GUS });
  strictEqual((await walk.ok('getSession', session)).body.workspace_id, 'garden');
  await walk.refused('getSession', 'not_found', { params: { id: 'none' } });
  strictEqual((await walk.pages('listMessages', session)).length, 4);
  await walk.refused('listMessages', 'forbidden', { ...session, token: GUS });

  const stream = await walk.open('streamSession', session);
  await walk.ok('sendMessage', { ...session, json: { content: 'and now?' } });
  await stream.events.named('done');
  stream.close();
  await walk.refused('streamSession', 'not_found', { params: { id: 'none' } });
  await walk.refused('streamSession', 'validation_failed', { ...session, query: { last_event_id: 'what' } });

  const exported = await walk.ok('exportSession', session);
  match((await walk.ok('exportSession', { ...session, query: { format: 'markdown' } })).text, /plant the roses/);
  await walk.refused('exportSession', 'validation_failed', { ...session, query: { format: 'pdf' } });
  const file = { raw: exported.text, type: 'application/x-ndjson' };
  const taken = await walk.ok('importSession', { ...file, query: { workspace_id: 'personal:owner' } });
  match(taken.body.session_id, /\S/);
  await walk.refused('importSession', 'validation_failed', {
    raw: '{"type":"nothing"}\n',
    type: 'application/x-ndjson',
  });
  await walk.refused('importSession', 'unsupported_media_type', { json: {} });

  strictEqual((await walk.ok('archiveSession', session)).body.status, 'archived');
  await walk.refused('archiveSession', 'forbidden', { params: { id }, token: GUS });
  await walk.refused('archiveSession', 'not_found', { params: { id: 'none' } });
  await walk.refused('sendMessage', 'conflict', { ...session, json: { content: 'too late' } });
  strictEqual((await walk.ok('deleteSession', session)).body.removed, true);
  await walk.refused('deleteSession', 'not_found', session);
  await walk.ok('deleteWorkspace', { params });
  await walk.refused('deleteWorkspace', 'not_found', { params });
};
