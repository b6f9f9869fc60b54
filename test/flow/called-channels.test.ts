// SPDX-License-Identifier: Apache-2.0
// Platforms that call us, and Matrix, in a whole gateway: from a signed request to an answer that is posted.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WebhookRequest } from '../../src/channels/adapter.ts';
import { type HomeEvent, TOKEN as MATRIX_TOKEN } from '../channels/matrix/homeserver.ts';
import { type MatrixPlatform, openPlatform as openMatrix } from '../channels/matrix/platform.ts';
import { openPlatform as openWebhook, request, SECRET, type WebhookPlatform } from '../channels/webhook/platform.ts';
import {
  APP_SECRET,
  fromPerson,
  NUMBER,
  numberOf,
  openPlatform as openWhatsApp,
  signed,
  TOKEN,
  VERIFY_TOKEN,
  type WhatsAppPlatform,
} from '../channels/whatsapp/platform.ts';
import { until } from '../edge/client.ts';
import { closeHouses, type House, startHouse } from './house.ts';

let house: House;
let hook: WebhookPlatform;
let whatsapp: WhatsAppPlatform;
let matrix: MatrixPlatform;

beforeAll(async () => {
  [hook, whatsapp, matrix] = await Promise.all([openWebhook(), openWhatsApp(), openMatrix()]);
  const ada = [
    { channel: 'webhook', platform_id: 'user-ada' },
    { channel: 'whatsapp', platform_id: numberOf('ada') },
    { channel: 'matrix', platform_id: '@ada:local' },
  ];
  house = await startHouse({
    users: [{ id: 'ada', name: 'Ada', role: 'owner', session_mode: 'per_channel', identities: ada }] as never,
    channels: {
      hook: { type: 'webhook', pairing: 'closed', url: hook.url, secret: SECRET },
      phone: {
        ...{ type: 'whatsapp', pairing: 'closed', phone_number_id: NUMBER, access_token: TOKEN },
        ...{ app_secret: APP_SECRET, verify_token: VERIFY_TOKEN, api_root: whatsapp.root },
      },
      matrix: { pairing: 'closed', homeserver: matrix.home.server.url, access_token: MATRIX_TOKEN },
      down: { type: 'webhook', pairing: 'closed', url: 'http://127.0.0.1:1/', secret: SECRET },
    },
  });
  for (const name of ['hook', 'phone', 'matrix'])
    await until(async () => (await house.owner.get(`/api/v1/channels/${name}`)).body.state === 'online');
});
afterAll(async () => {
  await closeHouses();
  await Promise.all([hook?.close(), whatsapp?.close(), matrix?.close()]);
});

/** As a platform does it: nobody's token, another's host. */
const post = (name: string, { headers, body }: WebhookRequest) =>
  fetch(`http://127.0.0.1:${house.port}/webhooks/${name}`, { method: 'POST', headers, body: Buffer.from(body) });

describe('a request of a platform', () => {
  const said = (text: string) => ({
    type: 'message',
    conversation: 'c',
    sender: { id: 'user-ada', name: 'Ada' },
    text,
  });

  it('is answered by a post of ours, and is one message however often it comes', async () => {
    const one = request('m-1', said('count to 7'));
    for (let times = 0; times < 3; times += 1) expect((await post('hook', one)).status).toBe(200);
    expect((await post('hook', request('m-2', said('count to 9')))).status).toBe(200);
    const replies = async () => (await hook.seen(0)).map(({ text }) => text);
    await until(async () => (await replies()).some((text) => text.includes('9')));
    expect(await replies()).toEqual([expect.stringContaining('7'), expect.stringContaining('9')]);
  });

  it('is not taken unsigned, nor where the channel is not online, and there is nothing under other names', async () => {
    const unsigned = request('m-3', said('let me in'), { key: Buffer.alloc(32) });
    expect((await post('hook', unsigned)).status).toBe(401);
    const away = await post('down', request('m-4', said('anybody')));
    expect([away.status, away.headers.get('retry-after')]).toEqual([503, '5']);
    for (const name of ['matrix', 'http', 'nowhere']) expect((await post(name, unsigned)).status).toBe(404);
  });

  it('comes from WhatsApp too, and the answer goes to the phone', async () => {
    const query = `hub.mode=subscribe&hub.challenge=42&hub.verify_token=${encodeURIComponent(VERIFY_TOKEN)}`;
    expect(await (await fetch(`http://127.0.0.1:${house.port}/webhooks/phone?${query}`)).text()).toBe('42');
    const message = fromPerson('ada', { type: 'text', text: { body: 'count to 8' } });
    expect((await post('phone', signed(message, 'wrong'))).status).toBe(401);
    expect((await post('phone', signed(message))).status).toBe(200);
    await until(async () => (await whatsapp.seen(0)).some(({ text }) => text.includes('8')));
  });
});

it('Matrix is asked for what is said, and an answer grows there', async () => {
  const { channelId } = matrix.target('direct', 'ada');
  await matrix.say({ from: 'ada', in: 'direct', text: 'count to 25' });
  await until(async () => (await matrix.seen(0)).some(({ text }) => text.includes('25')));
  expect((await matrix.seen(0)).length).toBe(1);
  const edits = ({ roomId, content }: HomeEvent) =>
    roomId === channelId && content['m.relates_to']?.rel_type === 'm.replace';
  expect(matrix.home.stream.some(edits)).toBe(true);
});
