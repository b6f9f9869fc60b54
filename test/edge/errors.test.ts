// SPDX-License-Identifier: Apache-2.0
// Every way to be wrong is answered with problem details, and none leaves a connection hanging.

import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from '../../src/errors.ts';
import type { Call, Reply } from './client.ts';
import { done, grant, refused } from './fake-house.ts';
import { setUp } from './setup.ts';

const CHAT = '/api/v1/chat';

function problem(reply: Reply, code: ErrorCode): void {
  const { status, title, advice } = ERRORS[code];
  expect([reply.status, reply.headers['content-type']]).toEqual([status, 'application/problem+json']);
  expect(reply.body).toMatchObject({ type: `urn:sigil:error:${code}`, title, status, code, advice });
  expect(reply.body.detail).toMatch(/\S/);
  expect(reply.headers['x-request-id']).toMatch(/\S/);
}

const JSON_HEADERS = { 'Content-Type': 'application/json' };

it.each<[string, Call, ErrorCode, string[]]>([
  ['broken JSON', { raw: '{"content": "hi"', headers: JSON_HEADERS }, 'validation_failed', ['']],
  ['an empty body', { raw: '', headers: JSON_HEADERS }, 'validation_failed', ['']],
  [
    'bytes that are no UTF-8',
    { raw: Buffer.from([0x22, 0xff, 0x22]), headers: JSON_HEADERS },
    'validation_failed',
    [''],
  ],
  ['no object', { json: ['content'] }, 'validation_failed', ['']],
  ['a missing field', { json: {} }, 'validation_failed', ['content']],
  ['unknown fields', { json: { content: 'hi', foo: 1, bar: 2 } }, 'validation_failed', ['foo', 'bar']],
  [
    'a field called __proto__',
    { raw: '{"content":"hi","__proto__":{"x":1}}', headers: JSON_HEADERS },
    'validation_failed',
    ['__proto__'],
  ],
  [
    'everything at once',
    { json: { content: 3, model: 'x', message_id: '', session_id: null } },
    'validation_failed',
    ['content', 'session_id', 'model', 'message_id'],
  ],
  ['blank content', { json: { content: ' \n' } }, 'validation_failed', ['content']],
  ['half a surrogate', { raw: '{"content":"\\ud800"}', headers: JSON_HEADERS }, 'validation_failed', ['content']],
  ['an attachment', { json: { content: 'hi', attachments: ['a'] } }, 'validation_failed', ['attachments']],
  [
    'a form',
    { raw: 'content=hi', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
    'unsupported_media_type',
    [],
  ],
  ['no type', { raw: '{"content":"hi"}' }, 'unsupported_media_type', []],
  [
    'another charset',
    { raw: '{"content":"hi"}', headers: { 'Content-Type': 'application/json; charset=latin1' } },
    'unsupported_media_type',
    [],
  ],
  [
    'a compressed body',
    { raw: 'x', headers: { ...JSON_HEADERS, 'Content-Encoding': 'gzip' } },
    'unsupported_media_type',
    [],
  ],
])('refuses %s', async (_what, call, code, paths) => {
  const { client, house } = await setUp();
  const reply = await client.call('POST', CHAT, call);
  problem(reply, code);
  expect((reply.body.errors ?? []).map((error: { path: string }) => error.path)).toEqual(paths);
  expect(house.received).toEqual([]);
});

it('takes JSON with a charset, and a body that was announced', async () => {
  const { client } = await setUp();
  const headers = { 'Content-Type': 'Application/JSON; charset="UTF-8"', Expect: '100-continue' };
  expect((await client.call('POST', CHAT, { raw: '{"content":"hi"}', headers })).status).toBe(200);
});

it('refuses a body of 2 MB without reading it all, and the sender gets to see it', async () => {
  const { client } = await setUp();
  const big = `{"content":"${'x'.repeat(2 * 1024 * 1024)}"}`;
  const declared = await client.call('POST', CHAT, { raw: big, headers: JSON_HEADERS });
  problem(declared, 'payload_too_large');
  expect(declared.headers.connection).toBe('close');
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
  const head = `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer owner-token\r\nContent-Type: application/json\r\n`;
  expect(await client.bytes(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(20)}0\r\n\r\n`)).toMatch(
    /^HTTP\/1.1 413 /,
  );
  const just = { content: 'x'.repeat(1024 * 1024 - 14) };
  expect(JSON.stringify(just).length).toBe(1024 * 1024);
  expect((await client.call('POST', CHAT, { json: just })).status).toBe(200);
});

it('never asks for a body that was announced as too long, and lets go of a sender that waits', async () => {
  const { client } = await setUp();
  const head = `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer owner-token\r\nContent-Type: application/json\r\n`;
  const answer = await client.bytes(`${head}Content-Length: 5000000\r\nExpect: 100-continue\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1.1 413 /);
  expect(answer).toMatch(/\r\nconnection: close\r\n/i);
});

it('keeps the connection of a refused request with a short body', async () => {
  const { client } = await setUp();
  const one = `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}`;
  const answers = await client.bytes(`${one}${one}${one.replace('Host', 'Connection: close\r\nHost')}`);
  expect(answers.match(/HTTP\/1.1 401 /g)).toHaveLength(3);
});

it('names what a path takes, and knows HEAD', async () => {
  const { client } = await setUp();
  for (const [method, path, allow] of [
    ['GET', CHAT, 'POST'],
    ['DELETE', '/api/v1/turns/abc', 'GET, HEAD'],
    ['HEAD', '/api/v1/turns/abc/stream', 'GET'],
    ['POST', '/health', 'GET, HEAD'],
    ['OPTIONS', '/api/v1/status', 'GET, HEAD'],
  ] as const) {
    const reply = await client.call(method, path);
    expect([method, path, reply.status, reply.headers.allow]).toEqual([method, path, 405, allow]);
  }
  const head = await client.call('HEAD', '/health');
  expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', '15']);
});

it.each([
  '/nowhere',
  '/api/v1/turns/a%2Fb',
  '/api/v1/turns/%',
  '/api/v1//status',
  '/api/v1/turns/:id',
  '/debug/actors/nokind/x',
])('finds nothing at %s', async (path) => problem(await (await setUp()).client.call('GET', path), 'not_found'));

it.each(Object.keys(ERRORS) as ErrorCode[])('answers %s of the channel with its status', async (code) => {
  const { client, house } = await setUp();
  house.doors.set('channel/http', () => {
    throw refused(code, 'because', code === 'rate_limited' ? { details: { retry_after_ms: 2_500 } } : {});
  });
  if (code === 'thread_lost') return;
  const reply = await client.call('POST', CHAT, { json: { content: 'hi', message_id: 'mine' } });
  problem(reply, code);
  expect(reply.body.message_id).toBe('mine');
  const waits = ERRORS[code].status === 429 || ERRORS[code].status === 503;
  expect(reply.headers['retry-after']).toBe(
    waits ? (code === 'rate_limited' ? '3' : code === 'draining' ? '5' : '1') : undefined,
  );
  if (code === 'internal') expect(reply.text).not.toContain('because');
});

it('tells nothing of a mistake of its own but the request id', async () => {
  const { client, house } = await setUp();
  house.doors.set('session.get', () => undefined);
  Object.defineProperty(house.store, 'read', { value: () => Promise.reject(new TypeError('secret path /etc/x')) });
  const reply = await client.call('GET', '/api/v1/turns/abc', { headers: { 'X-Request-Id': 'req-7' } });
  problem(reply, 'internal');
  expect(reply.text).not.toContain('secret');
  expect(reply.body.detail).toContain('req-7');
  expect(JSON.stringify(house.logged)).toContain('req-7');
});

it.each([
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['a header without a name', 'GET / HTTP/1.1\r\n: x\r\n\r\n', 400],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
  ['too many bytes of headers', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
])('answers %s on the bare socket', async (_what, bytes, status) => {
  const { client } = await setUp();
  const answer = await client.bytes(bytes);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).toMatch(/\r\nX-Request-Id: \S+\r\n/);
  expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))).toMatchObject({ status });
});

it("keeps other people's turns and sessions to them", async () => {
  const tokens = ['alice', 'bob']
    .map((user) => grant(user, user, []))
    .concat(grant('limited', 'alice', ['workspace:homelab']), grant('root', 'root', ['admin:*']));
  const { client, house } = await setUp({ workspaces: { homelab: { members: ['bob'] } } }, { tokens });
  const turn = house.open('alice');
  const { id, session_id } = turn.row;
  house.say(turn, done(turn, ''));
  const paths = [`turns/${id}`, `turns/${id}/stream`, `sessions/${session_id}`, `sessions/${session_id}/messages`];
  for (const path of paths) {
    for (const [token, status] of [
      ['alice', 200],
      ['root', 200],
      ['bob', 403],
      ['limited', 403],
    ] as const) {
      const reply = await client.call('GET', `/api/v1/${path}`, { token });
      expect([path, token, reply.status]).toEqual([path, token, status]);
    }
  }
  problem(await client.call('POST', `/api/v1/turns/${id}/cancel`, { token: 'bob' }), 'forbidden');
  problem(await client.call('POST', `/api/v1/sessions/${session_id}/archive`, { token: 'bob' }), 'forbidden');
  problem(await client.call('GET', '/api/v1/workspaces/homelab/sessions', { token: 'alice' }), 'not_a_member');
  problem(await client.call('GET', '/api/v1/workspaces/personal:alice/sessions', { token: 'limited' }), 'forbidden');
  problem(await client.call('GET', '/api/v1/workspaces/nowhere/sessions', { token: 'root' }), 'not_found');
  const ids = async (token: string) =>
    (await client.call('GET', '/api/v1/workspaces', { token })).body.items.map((item: { id: string }) => item.id);
  expect(await ids('bob')).toEqual(['homelab', 'personal:bob']);
  expect(await ids('limited')).toEqual([]);
  expect(await ids('root')).toEqual(['homelab', 'personal:alice']);
  const first = (await client.call('GET', '/api/v1/workspaces?limit=1', { token: 'root' })).body;
  const second = (await client.call('GET', `/api/v1/workspaces?limit=1&cursor=${first.next_cursor}`, { token: 'root' }))
    .body;
  expect([first.items.length, second.items[0].id]).toEqual([1, 'personal:alice']);
});

it.each(['limit=0', 'limit=201', 'limit=x', 'limit=1.5', 'cursor=!!'])('refuses a page with %s', async (query) => {
  const { client } = await setUp();
  problem(await client.call('GET', `/api/v1/workspaces?${query}`), 'validation_failed');
});

it('drops a sender that goes away in the middle of its body', async () => {
  const { client, house } = await setUp();
  const socket = connect(client.port, '127.0.0.1');
  socket.write(
    `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer owner-token\r\nContent-Type: application/json\r\n`,
  );
  socket.write('Content-Length: 100\r\n\r\n{"con');
  await new Promise((resolve) => setTimeout(resolve, 30));
  socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(house.received).toEqual([]);
  expect((await client.call('GET', '/health')).status).toBe(200);
});
