// SPDX-License-Identifier: Apache-2.0
// Messages and their answers: whole, streamed, into a session, with a file, repeated, and refused.

import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict';
import type { Part } from '../part.ts';
import { GUS } from '../stage.ts';
import { eventsOf } from '../walk.ts';

export const chatPart: Part = async (walk) => {
  const json = { content: 'what is 6*8?', message_id: 'walk-first' };
  const first = (await walk.ok('chat', { json })).body;
  match(first.content, /48/);
  strictEqual(first.message_id, 'walk-first');
  deepStrictEqual((await walk.ok('chat', { json })).body, first);
  await walk.refused('chat', 'conflict', { json: { ...json, content: 'what is 2*3?' } });
  await walk.refused('chat', 'validation_failed', { json: { contents: 'x' } });
  await walk.refused('chat', 'not_found', { json: { content: 'x', session_id: 'no-such-session' } });
  await walk.refused('chat', 'not_a_member', { json: { content: 'x', workspace_id: 'lab' }, token: GUS });
  await walk.refused('chat', 'unsupported_media_type', { raw: 'hello', type: 'text/plain' });
  await walk.refused('chat', 'payload_too_large', {
    raw: JSON.stringify({ content: 'x'.repeat(1024 * 1024) }),
    type: 'application/json',
  });
  await walk.refused('chat', 'validation_failed', { json: { content: 'x', model: 'nobody/nothing' } });
  match((await walk.ok('chat', { json: { content: 'say so', model: 'mine/local-model' } })).body.content, /Said so/);

  const streamed = eventsOf(await walk.ok('chatStream', { json: { content: 'what is 9*8?' } }));
  deepStrictEqual([streamed[0]?.event, streamed.at(-1)?.event], ['turn_started', 'done']);
  ok(streamed.some(({ event }) => event === 'tool_result'));
  await walk.refused('chatStream', 'validation_failed', { json: { content: '' } });
  await walk.refused('chatStream', 'forbidden', { json: { content: 'x', session_id: first.session_id }, token: GUS });

  const into = { params: { id: first.session_id as string } };
  strictEqual(
    (await walk.ok('sendMessage', { ...into, json: { content: 'and again' } })).body.session_id,
    first.session_id,
  );
  const asStream = { Accept: 'text/event-stream' };
  const again = await walk.ok('sendMessage', { ...into, json: { content: 'once more' }, headers: asStream });
  strictEqual(eventsOf(again).at(-1)?.event, 'done');
  await walk.refused('sendMessage', 'validation_failed', { ...into, json: { content: 'x', session_id: 'another' } });
  await walk.refused('sendMessage', 'not_found', { params: { id: 'no-such-session' }, json: { content: 'x' } });

  const form = new FormData();
  form.append('file', new File(['The harbour opens at six.'], 'harbour.txt', { type: 'text/plain' }));
  const whole = new Response(form);
  const type = whole.headers.get('content-type') ?? '';
  const raw = Buffer.from(await whole.arrayBuffer());
  const upload = (await walk.ok('upload', { raw, type })).body;
  deepStrictEqual([upload.name, upload.size], ['harbour.txt', 25]);
  await walk.ok('chat', { json: { content: 'read this', attachments: [upload.id] } });
  await walk.refused('chat', 'validation_failed', { json: { content: 'x', attachments: ['nothing'] } });
  await walk.refused('upload', 'validation_failed', {
    raw: 'nothing',
    type: 'multipart/form-data; boundary=b',
  });
  await walk.refused('upload', 'unsupported_media_type', { json: {} });
};
