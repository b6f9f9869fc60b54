// SPDX-License-Identifier: Apache-2.0
// A flood at the door, through HTTP: refused before its bodies are read, on connections that stay, and others let in.

import { expect, it, onTestFinished } from 'vitest';
import { realWorld } from '../../src/composition/real-world.ts';
import { Admission } from '../../src/edge/admission.ts';
import { grant } from './fake-house.ts';
import { setUp } from './setup.ts';

const CHAT = '/api/v1/chat';
const FOREVER = Number.POSITIVE_INFINITY;

/** An edge behind which a thread that never gets anything done holds this much of whoever is named. */
async function flooded(share: string, settings: Readonly<Record<string, Record<string, unknown>>> = {}) {
  const admission = new Admission(realWorld);
  onTestFinished(() => admission.close());
  const stuck: (() => void)[] = [];
  const tokens = [grant('owner-token', 'owner', ['admin:*']), grant('other-token', 'other', [])];
  const stand = await setUp(settings, { admission, tokens });
  let let_in = 0;
  while (admission.refusal(share, ['lane-1']) === null && let_in < 1_000) {
    admission.pass('lane-1', share, FOREVER, (leave) => stuck.push(leave));
    let_in += 1;
  }
  expect(let_in).toBeLessThan(1_000);
  /** The thread does all it has. */
  const done = (): void => {
    while (stuck.length > 0) stuck.shift()?.();
  };
  return { ...stand, admission, done };
}

it('refuses whoever floods and lets others in', async () => {
  const { client, house, done } = await flooded('owner');
  const refused = await client.call('POST', CHAT, { json: { content: 'hello' } });
  expect(refused.status).toBe(503);
  expect(refused.headers['content-type']).toBe('application/problem+json');
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  expect(refused.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  expect(refused.body).toMatchObject({ code: 'overloaded', status: 503 });
  expect(house.received).toHaveLength(0);
  const other = await client.call('POST', CHAT, { token: 'other-token', json: { content: 'hello' } });
  expect(other.status).toBe(200);
  expect(house.received).toMatchObject([{ sender: { user_id: 'other' }, share: 'other' }]);
  done();
  expect((await client.call('POST', CHAT, { json: { content: 'hello' } })).status).toBe(200);
});

it('counts by address where users have no names', async () => {
  const { client } = await flooded('127.0.0.1', { auth: { mode: 'none' } });
  const refused = await client.call('POST', CHAT, { token: null, json: { content: 'hello' } });
  expect(refused.status).toBe(503);
});

it('keeps a connection in order whose requests are refused with their bodies unread', async () => {
  const { client } = await flooded('owner');
  const body = JSON.stringify({ content: 'x'.repeat(100_000) });
  const chat = (token: string, close = false): string =>
    `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n` +
    `${close ? 'Connection: close\r\n' : ''}Content-Length: ${body.length}\r\n\r\n${body}`;
  const heard = await client.bytes(
    chat('owner-token') + chat('owner-token') + chat('other-token') + chat('owner-token', true),
  );
  expect(heard.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 503', 'HTTP/1.1 503', 'HTTP/1.1 200', 'HTTP/1.1 503']);
});

it('reads the body of nobody it refuses', async () => {
  const { client } = await flooded('owner');
  // Of a body that is only announced nothing ever comes.
  const heard = await client.open('POST', CHAT, {
    headers: { 'Content-Type': 'application/json', 'Content-Length': '900000', Expect: '100-continue' },
  });
  expect(heard.statusCode).toBe(503);
  heard.destroy();
});
