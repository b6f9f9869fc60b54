// SPDX-License-Identifier: Apache-2.0
// Chat over HTTP: whole answers, repetitions, failures, lost threads, limits, and closing.

import { expect, it } from 'vitest';
import { ENDS_TOPIC } from '../../src/actors/session/protocol.ts';
import { address } from '../../src/bus/address.ts';
import { topic } from '../../src/bus/envelope.ts';
import { realWorld } from '../../src/composition/real-world.ts';
import { RateLimit } from '../../src/edge/limits.ts';
import { until } from './client.ts';
import { done, type FakeTurn, grant, refused } from './fake-house.ts';
import { setUp } from './setup.ts';

const CHAT = '/api/v1/chat';

it('answers with exactly the fields of a chat', async () => {
  const { client, house } = await setUp();
  const reply = await client.call('POST', CHAT, { json: { content: 'hi', message_id: 'm-1' } });
  const [turn] = house.turns.values();
  expect(reply.status).toBe(200);
  expect(reply.body).toEqual({
    session_id: turn?.row.session_id,
    turn_id: turn?.row.id,
    message_id: 'm-1',
    message_ids: ['m-1'],
    reply_id: turn?.row.reply_id,
    content: 'Hello.',
    model: 'sigil/offline',
    usage: turn?.row.usage,
    tool_calls: [],
    finish_reason: 'stop',
  });
  expect(house.listeners('session/')).toBe(0);
});

it('passes on what was asked for, and makes a message id when there is none', async () => {
  const { client, house } = await setUp();
  const first = await client.call('POST', CHAT, { json: { content: 'hi', workspace_id: 'homelab', model: 'a/b' } });
  const { session_id } = first.body;
  const second = await client.call('POST', `/api/v1/sessions/${session_id}/messages`, {
    json: { content: 'again', message_id: 'm' },
  });
  expect(second.body.session_id).toBe(session_id);
  expect(house.received).toMatchObject([
    { content: 'hi', workspace_id: 'homelab', model: 'a/b', session_id: '', message_id: first.body.message_id },
    { content: 'again', workspace_id: '', model: '', session_id, message_id: 'm' },
  ]);
  const other = await client.call('POST', `/api/v1/sessions/${session_id}/messages`, {
    json: { content: 'x', session_id: 'another' },
  });
  expect([other.status, other.body.errors[0].path]).toEqual([422, 'session_id']);
});

it('answers fifty equal requests with equal bytes and one turn', async () => {
  const { client, house } = await setUp();
  house.script = (turn) => setTimeout(() => house.play(turn, 'Only once.'), 20);
  const body = { content: 'hi', message_id: 'same' };
  const replies = await Promise.all(Array.from({ length: 50 }, () => client.call('POST', CHAT, { json: body })));
  const late = await client.call('POST', CHAT, { json: body });
  expect(new Set([...replies, late].map((reply) => `${reply.status} ${reply.text}`)).size).toBe(1);
  expect(house.turns.size).toBe(1);
});

it('answers a failed turn with its code, what it was about, and the same on repetition', async () => {
  const { client, house } = await setUp();
  house.script = (turn) =>
    house.say(turn, { event: 'error', data: { code: 'budget_exceeded', message: 'The budget is used up.' } });
  const send = () => client.call('POST', CHAT, { json: { content: 'hi', message_id: 'm' } });
  const reply = await send();
  const [turn] = house.turns.values();
  expect(reply.status).toBe(402);
  expect(reply.body).toMatchObject({
    code: 'budget_exceeded',
    detail: 'The budget is used up.',
    session_id: turn?.row.session_id,
    turn_id: turn?.row.id,
    message_id: 'm',
  });
  expect((await send()).text).toBe(reply.text);
});

it('hands a message in again when its thread is lost, under the same id', async () => {
  const { client, house } = await setUp();
  const keys: string[] = [];
  const receive = house.doors.get('channel/http');
  house.doors.set('channel/http', (inbound: never, type) => {
    keys.push((inbound as { message_id: string }).message_id);
    if (keys.length < 3) throw refused('thread_lost', 'gone', { in_doubt: true });
    return receive?.(inbound, type);
  });
  expect((await client.call('POST', CHAT, { json: { content: 'hi' } })).status).toBe(200);
  expect([keys.length, new Set(keys).size]).toEqual([3, 1]);
});

it('looks again when the thread it listens to is lost, and when looking fails', async () => {
  const { client, house } = await setUp();
  let turn: FakeTurn | undefined;
  house.script = (begun) => {
    turn = begun;
  };
  const reply = client.call('POST', CHAT, { json: { content: 'hi' } });
  await until(() => turn !== undefined && house.listeners('ends') === 1);
  if (turn === undefined) return;
  const session = address('session', turn.row.session_id);
  let asked = 0;
  house.doors.set(`${session} session.watch`, () => {
    asked += 1;
    if (asked < 3) throw refused('thread_lost');
    return { status: 'ended', events: [], first: 1, seq: 9 };
  });
  turn.row = { ...turn.row, status: 'finished', reply_id: 'r', content: 'resumed', finish_reason: 'stop' };
  house.lose(topic(session, ENDS_TOPIC));
  expect((await reply).body.content).toBe('resumed');
});

it('leaves the turn alone when its caller goes away', async () => {
  const { client, house } = await setUp();
  house.script = () => undefined;
  const gone = new AbortController();
  const reply = client.call('POST', CHAT, { json: { content: 'hi' }, signal: gone.signal });
  await until(() => house.listeners('ends') === 1);
  gone.abort();
  await expect(reply).rejects.toThrow();
  await until(() => house.listeners('ends') === 0);
  expect([...house.turns.values()][0]?.row.status).toBe('queued');
});

it('limits messages by user, bodies that say nothing not counted', async () => {
  const tokens = [grant('a', 'alice', []), grant('b', 'bob', [])];
  const { client } = await setUp({ networking: { chat_rate_limit_rpm: 3, chat_rate_limit_burst: 2 } }, { tokens });
  const send = async (token: string, json: unknown = { content: 'hi' }) =>
    await client.call('POST', CHAT, { token, json });
  for (let i = 0; i < 10; i += 1) expect((await send('a', {})).status).toBe(422);
  for (let i = 0; i < 5; i += 1) expect((await send('a')).status).toBe(200);
  const refusal = await send('a');
  expect([refusal.status, refusal.body.code]).toEqual([429, 'rate_limited']);
  expect(Number(refusal.headers['retry-after'])).toBeGreaterThanOrEqual(19);
  expect((await send('b')).status).toBe(200);
});

it('does not count a message again that is repeated under its id', async () => {
  const { client } = await setUp({ networking: { chat_rate_limit_rpm: 3, chat_rate_limit_burst: 0 } });
  const same = { content: 'hi', message_id: 'again' };
  const replies = await Promise.all(Array.from({ length: 50 }, () => client.call('POST', CHAT, { json: same })));
  expect(replies.map((reply) => reply.status)).toEqual(replies.map(() => 200));
  const others = await Promise.all(
    ['one', 'two', 'three'].map((message_id) => client.call('POST', CHAT, { json: { ...same, message_id } })),
  );
  expect(others.map((reply) => reply.status).sort()).toEqual([200, 200, 429]);
});

it('has the limits on that an empty configuration says', async () => {
  const { client } = await setUp({ networking: { chat_rate_limit_rpm: 30 } });
  const statuses = await Promise.all(
    Array.from({ length: 42 }, async () => (await client.call('POST', CHAT, { json: { content: 'hi' } })).status),
  );
  expect(statuses.filter((status) => status === 200)).toHaveLength(40);
});

it('limits requests by address before it looks at tokens, health left out', async () => {
  const { client } = await setUp({
    networking: { rate_limit_rps: 2, rate_limit_burst: 1, trusted_proxies: ['127.0.0.0/8'] },
  });
  const from = async (who: string) =>
    (await client.call('GET', '/nowhere', { token: null, headers: { 'X-Forwarded-For': who } })).status;
  expect([await from('1.1.1.1'), await from('1.1.1.1'), await from('1.1.1.1'), await from('1.1.1.1')]).toEqual([
    401, 401, 401, 429,
  ]);
  expect(await from('2.2.2.2')).toBe(401);
  for (let i = 0; i < 5; i += 1)
    expect((await client.call('GET', '/health', { headers: { 'X-Forwarded-For': '1.1.1.1' } })).status).toBe(200);
});

it('gives tokens back at the rate', () => {
  let now = 1_000;
  const limit = new RateLimit({ ...realWorld, monotonic: () => now }, 4, 2 / 1_000);
  expect(Array.from({ length: 6 }, () => limit.take('x'))).toEqual([0, 0, 0, 0, 500, 500]);
  now += 499;
  expect(limit.take('x')).toBeCloseTo(1);
  now += 1;
  expect([limit.take('x'), limit.take('x'), limit.take('y')]).toEqual([0, 500, 0]);
});

it('limits open streams by user and gives a place back when one ends', async () => {
  const { client, house } = await setUp({ networking: { chat_max_concurrent_streams: 2 } });
  house.script = () => undefined;
  const open = async () => await client.open('POST', `${CHAT}/stream`, { json: { content: 'hi' } });
  const first = await open();
  await open();
  const third = await client.call('POST', `${CHAT}/stream`, { json: { content: 'hi' } });
  expect([third.status, third.body.code, third.headers['retry-after']]).toEqual([429, 'rate_limited', '1']);
  expect(house.received).toHaveLength(2);
  first.destroy();
  await until(() => house.listeners('#turns') === 1);
  expect((await open()).statusCode).toBe(200);
});

it('lets running answers come to their end when it closes, and takes no new connection', async () => {
  const { client, house, edge } = await setUp({ gateway: { drain_timeout: '5s' } });
  let turn: FakeTurn | undefined;
  house.script = (begun) => {
    turn = begun;
  };
  const reply = client.call('POST', CHAT, { json: { content: 'hi' } });
  await until(() => turn !== undefined && house.listeners('ends') === 1);
  const closed = edge.close();
  await expect(client.bytes('GET /health HTTP/1.1\r\n\r\n')).rejects.toThrow(/ECONNREFUSED/);
  if (turn !== undefined) house.say(turn, done(turn, 'late'));
  expect((await reply).body.content).toBe('late');
  await closed;
});

it('says draining to those who still wait when its time is over', async () => {
  const { client, house, edge } = await setUp({ gateway: { drain_timeout: '50ms' } });
  house.script = () => undefined;
  const whole = client.call('POST', CHAT, { json: { content: 'hi', message_id: 'm' } });
  const streamed = client.events('POST', `${CHAT}/stream`, { json: { content: 'hi' } });
  await until(() => house.listeners('session/') === 2);
  await edge.close();
  const reply = await whole;
  expect([reply.status, reply.body.code, reply.body.message_id]).toEqual([503, 'draining', 'm']);
  expect((await streamed).map(({ event, data }) => [event, data.code])).toEqual([['error', 'draining']]);
});
