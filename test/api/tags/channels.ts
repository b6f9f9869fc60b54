// SPDX-License-Identifier: Apache-2.0
// Channels: how they are, starting and stopping, and platforms that call.

import { ok, strictEqual } from 'node:assert/strict';
import { request } from '../../channels/webhook/platform.ts';
import { VERIFY_TOKEN } from '../../channels/whatsapp/platform.ts';
import type { Part } from '../part.ts';
import { BEN } from '../stage.ts';

const HOOK = { params: { name: 'hook' } };
const said = { type: 'message', conversation: 'c', sender: { id: 'user-ada', name: 'Ada' }, text: 'hello' };

export const channelsPart: Part = async (walk) => {
  await walk.until('getChannel', HOOK, ({ body }) => body.state === 'online');
  await walk.until('getChannel', { params: { name: 'phone' } }, ({ body }) => body.state === 'online');
  await walk.refused('getChannel', 'not_found', { params: { name: 'nobody' } });
  ok((await walk.pages('listChannels')).length >= 2);
  await walk.refused('listChannels', 'unauthenticated', { token: null });

  const signed = request('walk-1', said);
  const call = (headers: Readonly<Record<string, string>>) => ({
    ...{ token: null, params: { channel: 'hook' }, raw: Buffer.from(signed.body), type: 'application/json', headers },
  });
  strictEqual((await walk.ok('callWebhook', call(signed.headers))).status, 200);
  await walk.refused('callWebhook', 'not_found', { ...call(signed.headers), params: { channel: 'nobody' } });
  const forged = request('walk-2', said, { key: Buffer.alloc(32) });
  await walk.answers('callWebhook', 401, { ...call(forged.headers), raw: Buffer.from(forged.body) });
  const query = { 'hub.mode': 'subscribe', 'hub.challenge': '42', 'hub.verify_token': VERIFY_TOKEN };
  const asked = { token: null, params: { channel: 'phone' }, query };
  strictEqual((await walk.ok('verifyWebhook', asked)).text, '42');
  await walk.refused('verifyWebhook', 'not_found', { ...asked, params: { channel: 'nobody' } });

  strictEqual((await walk.pages('listDeadLetters', HOOK)).length, 0);
  await walk.refused('listDeadLetters', 'forbidden', { ...HOOK, token: BEN });
  for (const id of ['stopChannel', 'startChannel']) {
    await walk.ok(id, HOOK);
    await walk.refused(id, 'forbidden', { ...HOOK, token: BEN });
    await walk.refused(id, 'not_found', { params: { name: 'nobody' } });
    await walk.refused(id, 'conflict', { params: { name: 'http' } });
  }
};
