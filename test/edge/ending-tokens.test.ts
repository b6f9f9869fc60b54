// SPDX-License-Identifier: Apache-2.0
// What is open when its token is revoked or expires ends at once: streams, waiting chats, uploads, downloads.

import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { readAlong, textOf, until } from './client.ts';
import { movable } from './movable-world.ts';
import { type Setup, setUp } from './setup.ts';

const HOUR = 3_600_000;
const archive = async function* () {
  yield Buffer.alloc(1_000);
  await new Promise(() => undefined);
};

/** An upload of which a part has come; settles with how it was answered. */
function halfUpload({ client }: Setup, token: string, path: string, type: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': type, 'Transfer-Encoding': 'chunked' };
    const sent = request({ host: '127.0.0.1', port: client.port, method: 'POST', path, headers, agent: false });
    sent.on('response', (response) =>
      textOf(response).then((text) => resolve(`${response.statusCode} ${text}`), reject),
    );
    sent.on('error', () => undefined);
    sent.write('{"content": "');
  });
}

describe.each(['revoked', 'expired'])('a token that is %s', (how) => {
  it('ends what it has open, and is told so', async () => {
    const world = movable();
    const setup = await setUp({}, { world });
    const { client, house } = setup;
    house.archive = archive;
    house.script = () => undefined;
    const expires_at = new Date(world.now() + HOUR).toISOString();
    const made = await client.call('POST', '/api/v1/tokens', { json: { expires_at } });
    expect(made.body.expires_at).toBe(expires_at);
    const { id, token } = made.body;
    const turn = house.open('owner');
    const streams = await Promise.all(
      [
        '/debug/actors/stream',
        `/api/v1/sessions/${turn.row.session_id}/stream`,
        `/api/v1/turns/${turn.row.id}/stream`,
      ].map((path) => client.open('GET', path, { token })),
    );
    streams.push(await client.open('POST', '/api/v1/chat/stream', { token, json: { content: 'hi' } }));
    const read = streams.map((response) => [response, readAlong(response)] as const);
    const waiting = client.call('POST', '/api/v1/chat', { token, json: { content: 'hi' } });
    await until(() => house.received.length === 2);
    const backup = await client.open('POST', '/api/v1/backups', { token });
    const broken = textOf(backup).then(
      () => 'whole',
      () => 'broken',
    );
    const uploads = [
      halfUpload(setup, token, '/api/v1/chat', 'application/json'),
      halfUpload(setup, token, '/api/v1/sessions/import', 'application/x-ndjson'),
    ];
    // The same of somebody who stays.
    const other = readAlong(await client.open('GET', '/debug/actors/stream'));
    await client.call('GET', '/health');

    if (how === 'revoked') await client.call('DELETE', `/api/v1/tokens/${id}`);
    else world.ahead = HOUR;

    for (const [, text] of read) await until(() => text().includes('"unauthenticated"'));
    for (const [{ complete }] of read) expect(complete).toBe(true);
    expect(read.map(([, text]) => text())).toEqual(
      read.map(() =>
        expect.stringContaining(how === 'revoked' ? 'This token was revoked.' : 'This token has expired.'),
      ),
    );
    expect((await waiting).status).toBe(401);
    expect(await broken).toBe('broken');
    for (const answer of await Promise.all(uploads)) expect(answer).toMatch(/^401 .*"unauthenticated"/);
    const again = await client.call('GET', '/api/v1/status', { token });
    expect(again.status).toBe(401);
    expect(again.body.detail).toBe(
      how === 'revoked' ? 'This token is not known here.' : `This token expired at ${expires_at}.`,
    );
    expect(other()).not.toContain('unauthenticated');
    expect(JSON.stringify(house.logged)).not.toContain('request failed');
  });
});

it('is outlived by no token that was made with it, and shown with when it ends', async () => {
  const world = movable();
  const { client } = await setUp({}, { world });
  const at = (hours: number) => new Date(world.now() + hours * HOUR).toISOString();
  const make = (json: object, token = 'owner-token') => client.call('POST', '/api/v1/tokens', { json, token });
  const day = await make({ expires_at: at(24) });
  expect((await make({ expires_at: at(25) }, day.body.token)).status).toBe(403);
  expect((await make({}, day.body.token)).body.expires_at).toBe(day.body.expires_at);
  const hour = await make({ expires_at: at(1) }, day.body.token);
  const items = async () => (await client.call('GET', '/api/v1/tokens')).body.items;
  const ends = (await items()).map((token: { expires_at: string | null }) => token.expires_at ?? 'never');
  expect(ends.sort()).toEqual([hour.body.expires_at, day.body.expires_at, day.body.expires_at, 'never']);
  for (const expires_at of [at(-1), 'tomorrow', '2027-01-31', 1]) expect((await make({ expires_at })).status).toBe(422);
  world.ahead = 2 * HOUR;
  // One that has expired is still there to be seen and revoked.
  expect((await items()).length).toBe(4);
  expect((await client.call('DELETE', `/api/v1/tokens/${hour.body.id}`)).status).toBe(200);
});

it('is a cookie no longer when it expires', async () => {
  const world = movable();
  const { client } = await setUp({}, { world });
  const { body } = await client.call('POST', '/api/v1/tokens', {
    json: { expires_at: new Date(world.now() + HOUR).toISOString() },
  });
  const reply = await client.call('POST', '/auth/session', { token: null, json: { token: body.token } });
  const [set = ''] = reply.headers['set-cookie'] ?? [];
  expect(set).toMatch(/Max-Age=3(600|59\d);?/);
  const me = () => client.call('GET', '/auth/session', { token: null, headers: { Cookie: set.split(';')[0] ?? '' } });
  expect((await me()).body.expires_at).toBe(body.expires_at);
  world.ahead = HOUR;
  expect((await me()).status).toBe(401);
});
