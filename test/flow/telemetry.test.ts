// SPDX-License-Identifier: Apache-2.0
// What a whole gateway tells of itself while it works: metrics, and changes of its status.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogLineAnswer } from '../../src/edge/schemas/logs.ts';
import { until } from '../edge/client.ts';
import { Metrics } from '../edge/prometheus.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer, type WireServer } from '../wire/server.ts';
import { closeHouses, type House, startHouse } from './house.ts';

let house: House;
let vendor: WireServer;

beforeAll(async () => {
  vendor = await startWireServer();
  vendor.answer(openAiChat.refuse('bad_key'));
  house = await startHouse({
    logging: { level: 'debug' },
    gateway: { threads: 1 },
    auth: {
      tokens: [
        { token: 'owner-token', user_id: 'owner', permissions: ['admin:*'] },
        { token: 'scraper-token', user_id: 'prometheus', permissions: ['metrics:read'] },
        { token: 'reader-token', user_id: 'ops', permissions: ['admin:logs'] },
        { token: 'member-token', user_id: 'anna', permissions: [] },
      ],
    },
    models: { default: 'down/any', failover: ['sigil/offline'], budgets: { per_hour_tokens: 30_000 } },
    providers: {
      down: { type: 'openai-compatible', endpoint: vendor.url, api_key: 'sk-wrong-1f2e3d', max_retries: 0 },
    },
  });
});
afterAll(async () => {
  await closeHouses();
  await vendor.close();
});

async function scrape(token?: string): Promise<Metrics> {
  const who = token === undefined ? house.owner : house.person(token);
  const reply = await who.get('/metrics');
  expect([reply.status, reply.headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  return new Metrics(reply.text);
}

describe('metrics', () => {
  it('move with what is done, and with nothing else', async () => {
    const before = await scrape();
    expect(before.get('sigil_thread_up')).toBe(before.all.filter(({ name }) => name === 'sigil_thread_up').length);
    const calls = { model: 'sigil/offline' };
    for (let at = 0; at < 3; at += 1) expect((await house.owner.chat('what is 2+2?', calls)).status).toBe(200);
    expect((await house.owner.get('/api/v1/turns/nothing')).status).toBe(404);
    const after = await scrape();
    const more = (name: string, labels: Readonly<Record<string, string>> = {}): number =>
      (after.get(name, labels) ?? 0) - (before.get(name, labels) ?? 0);
    expect(more('sigil_turns_started_total')).toBe(3);
    expect(more('sigil_turns_total', { outcome: 'stop' })).toBe(3);
    expect(more('sigil_turn_duration_seconds_count', { outcome: 'stop' })).toBe(3);
    expect(more('sigil_messages_received_total', { channel: 'channel/http' })).toBe(3);
    // Each asks the calculator, and then answers.
    expect(more('sigil_model_calls_total', calls)).toBe(6);
    expect(more('sigil_tool_calls_total', { tool: 'calculator', outcome: 'ok' })).toBe(3);
    expect(more('sigil_model_tokens_total', { ...calls, kind: 'output' })).toBeGreaterThan(0);
    expect(more('sigil_journal_rows_total')).toBeGreaterThan(3 * 5);
    const route = '/api/v1/turns/:id';
    expect(more('sigil_http_requests_total', { method: 'GET', route, status: '404' })).toBe(1);
    expect(more('sigil_http_request_duration_seconds_count', { route: 'POST /api/v1/chat' })).toBe(3);
    expect(after.get('sigil_provider_calls_total', { provider: 'sigil' })).toBeGreaterThanOrEqual(6);
    // Nobody is named.
    expect(after.all.filter(({ labels }) => /[0-9a-f]{8}-[0-9a-f]{4}/.test(JSON.stringify(labels)))).toEqual([]);
  });

  it('never fall, though a thread is lost with what it had counted', async () => {
    const before = await scrape();
    await house.killThread('lane-1');
    await until(async () => (await scrape()).get('sigil_thread_up', { thread: 'lane-1' }) === 1);
    expect((await house.owner.chat('what is 2+2?', { model: 'sigil/offline' })).status).toBe(200);
    const after = await scrape();
    expect(after.get('sigil_turns_started_total')).toBe((before.get('sigil_turns_started_total') ?? 0) + 1);
    expect(after.get('sigil_thread_restarts_total', { thread: 'lane-1' })).toBe(1);
    const { rising } = after;
    const fell = [...before.rising].filter(([key, value]) => (rising.get(key) ?? 0) < value);
    expect(fell).toEqual([]);
  });

  it('are for those who may debug, or may read them and nothing else', async () => {
    expect((await scrape('scraper-token')).get('sigil_up')).toBe(1);
    const scraper = house.person('scraper-token');
    expect((await scraper.get('/debug/bus')).status).toBe(403);
    expect((await house.person('member-token').get('/metrics')).status).toBe(403);
    expect((await house.person('nobody').get('/metrics')).status).toBe(401);
  });
});

describe('the log', () => {
  const lines = async (query: string): Promise<readonly LogLineAnswer[]> =>
    (await house.person('reader-token').get(`/api/v1/logs?${query}`)).body.items;

  it('has a line for a turn that names its request, turn, session and workspace, though another thread wrote it', async () => {
    const headers = { 'X-Request-Id': 'request-of-mine-1' };
    const said = 'what is 2+2? my-words-81c2';
    const { body } = await house.owner.post('/api/v1/chat', { content: said, model: 'sigil/offline' }, { headers });
    const { turn_id, session_id } = body;
    const about = { turn_id, session_id, request_id: 'request-of-mine-1', workspace_id: 'personal:owner' };
    await until(async () => (await lines(`turn=${turn_id}`)).length > 0);
    for (const query of [`turn=${turn_id}`, `session=${session_id}`, 'request=request-of-mine-1', `q=${turn_id}`])
      expect(await lines(query), query).toMatchObject([
        { ...about, thread: 'lane-1', level: 'info', message: 'a turn is over', trace_id: null, fields: { calls: 2 } },
      ]);
    expect(await lines(`turn=${turn_id}&level=warn`)).toEqual([]);
    expect(await lines(`turn=${turn_id}&since=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([]);
    expect(await lines('q=my-words')).toEqual([]);
  });

  it('says what was refused and to whom, without what was hidden', async () => {
    const headers = { 'X-Request-Id': 'request-of-mine-2' };
    await house.owner.get('/api/v1/turns/sk-wrong-1f2e3d', { headers });
    const [line] = await lines('request=request-of-mine-2');
    expect(line).toMatchObject({
      level: 'debug',
      message: 'request refused',
      fields: { status: 404, path: '/api/v1/turns/***' },
    });
  });

  it('is read in pages, newest first, and by those who may', async () => {
    const { person } = house;
    const all = await lines('limit=200&level=info');
    const first = (await person('reader-token').get('/api/v1/logs?limit=2&level=info')).body;
    const second = (await person('reader-token').get(`/api/v1/logs?limit=2&level=info&cursor=${first.next_cursor}`))
      .body;
    expect([...first.items, ...second.items]).toEqual(all.slice(0, 4));
    expect(all.map(({ at }) => at)).toEqual(
      all
        .map(({ at }) => at)
        .toSorted()
        .toReversed(),
    );
    expect((await person('reader-token').get('/api/v1/logs?cursor=bm9uZQ')).status).toBe(422);
    expect((await person('member-token').get('/api/v1/logs')).status).toBe(403);
    expect((await person('member-token').get('/api/v1/logs/stream')).status).toBe(403);
  });

  it('is followed, from where somebody stopped', async () => {
    const reader = house.person('reader-token');
    const follow = (id?: string) => reader.listen('/api/v1/logs/stream?q=request-of-mine&lines=1', id);
    const followed = await follow();
    expect((await followed.named('line')).data.request_id).toBe('request-of-mine-2');
    await followed.named('listening');
    const refused = (n: number) =>
      house.owner.get('/api/v1/turns/x', { headers: { 'X-Request-Id': `request-of-mine-${n}` } });
    await refused(3);
    const third = await followed.first(({ data }) => data.request_id === 'request-of-mine-3');
    followed.leave();
    await refused(4);
    const again = await follow(third.id);
    await again.named('listening');
    expect(again.events.map(({ event, data }) => data.request_id ?? event)).toEqual(['request-of-mine-4', 'listening']);
    again.leave();
    const elsewhere = await follow('another-life:1');
    await elsewhere.named('missed');
    elsewhere.leave();
  });
});

describe('changes of the status', () => {
  it('are told by those to whom they happen', async () => {
    const { owner } = house;
    const told = await owner.listen('/api/v1/events');
    await told.named('listening');
    await owner.post('/api/v1/agent/pause', { reason: 'a look' });
    expect((await told.named('agent_paused')).data).toMatchObject({ by: 'owner', reason: 'a look' });
    await owner.post('/api/v1/agent/resume');
    await told.named('agent_resumed');
    // A vendor that refuses the key is left alone at once, and a budget comes to its end.
    let status = 200;
    while (status === 200) status = (await owner.chat('what is 2+2?')).status;
    expect(status).toBe(402);
    expect((await told.named('provider_circuit')).data).toMatchObject({ provider: 'down', from: 'closed', to: 'open' });
    expect((await told.named('budget_exhausted')).data).toMatchObject({ scope: 'global', limit: 'per_hour_tokens' });
    await house.killThread('lane-1');
    expect((await told.named('thread_lost')).data).toMatchObject({ thread: 'lane-1', reason: expect.any(String) });
    expect((await told.named('thread_started')).data).toMatchObject({ thread: 'lane-1', life: 3 });
    await told.named('missed');
    await owner.post('/api/v1/backups', {});
    await told.named('backup_done');
    told.leave();
  });
});
