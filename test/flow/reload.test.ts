// SPDX-License-Identifier: Apache-2.0
// A gateway whose configuration is edited while it runs: what takes effect without a restart, what waits, and what never gets in.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { until } from '../edge/client.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer, type WireServer } from '../wire/server.ts';
import { closeHouses, type House, newDataDir, type Person, startHouse } from './house.ts';

const OWNER = 'owner-token-7d0f3a92c4';
const ADA = 'ada-token-51b2c3d4e5f6';
const usage = { inputTokens: 1_000_000, outputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 0 };

let vendor: WireServer;
let other: WireServer;
let house: House;
let owner: Person;
const folder = mkdtempSync(join(tmpdir(), 'sigil-reload-'));
const file = join(folder, 'sigil.yaml');

type Draft = Record<string, unknown>;
const OWNERS = { token: OWNER, user_id: 'owner', permissions: ['admin:*'] };
const plain = (): Draft => ({
  auth: { tokens: [OWNERS] },
  providers: { mine: { type: 'openai-compatible', endpoint: vendor.url, max_retries: 0 } },
  models: { default: 'mine/m', budgets: { per_session_tokens: 0, per_hour_usd: 0, per_day_usd: 0 } },
});

/** As editors write: a file beside it, put in its place. */
function write(text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** Writes what differs from the plain one, and has it applied. */
async function apply(more: Draft = {}): Promise<Draft> {
  write(stringify({ ...plain(), ...more }));
  const reply = await owner.post('/api/v1/config/reload');
  expect(reply.body).toMatchObject({ restart_pending: expect.any(Array) });
  expect(reply.status).toBe(200);
  return reply.body as Draft;
}

const status = async (): Promise<Draft> => (await owner.get('/api/v1/status')).body as Draft;
const config = async (): Promise<Draft> => (await owner.get('/api/v1/config')).body as Draft;
const saying = (text: string) =>
  openAiChat.stream({ parts: [{ type: 'text', deltas: [text] }], finish: 'stop', usage });

beforeAll(async () => {
  [vendor, other] = await Promise.all([startWireServer(), startWireServer()]);
  write(stringify(plain()));
  house = await startHouse({}, newDataDir(), file);
  owner = house.person(OWNER);
});
beforeEach(() => {
  vendor.answer(() => saying('from the first'));
  other.answer(() => saying('from the other'));
});
afterAll(async () => {
  await closeHouses();
  await Promise.all([vendor.close(), other.close()]);
  rmSync(folder, { recursive: true, force: true });
});

it('asks a provider at its new address with the next message, and one that was added and removed again', async () => {
  expect((await owner.chat('hello')).body).toMatchObject({ content: 'from the first' });
  const moved = { mine: { type: 'openai-compatible', endpoint: other.url, max_retries: 0, max_concurrency: 3 } };
  await apply({ providers: moved });
  expect((await owner.chat('hello')).body).toMatchObject({ content: 'from the other' });
  const both = { ...moved, second: { type: 'openai-compatible', endpoint: vendor.url } };
  await apply({ providers: both });
  expect((await owner.chat('hello', { model: 'second/m' })).body).toMatchObject({ content: 'from the first' });
  const names = async (): Promise<string[]> =>
    ((await status())['providers'] as { readonly name: string }[]).map(({ name }) => name);
  expect(await names()).toEqual(['sigil', 'mine', 'second']);
  await apply();
  expect(await names()).toEqual(['sigil', 'mine']);
  const gone = await owner.chat('hello', { model: 'second/m' });
  expect(gone.status).toBeGreaterThanOrEqual(400);
  expect((await owner.chat('hello')).body).toMatchObject({ content: 'from the first' });
});

it('asks a provider that was added through the door of OpenAI clients too, by its model and by a workspace that has it', async () => {
  const ask = async (model: string): Promise<readonly unknown[]> => {
    const { status, body } = await owner.post('/v1/chat/completions', {
      model,
      messages: [{ role: 'user', content: 'hello' }],
    });
    return [status, body.choices?.[0]?.message.content];
  };
  const models = async (): Promise<readonly string[]> =>
    ((await owner.get('/v1/models')).body.data as { readonly id: string }[]).map(({ id }) => id);
  await apply();
  expect([400, 404]).toContain((await ask('late/m'))[0]);
  expect(await models()).not.toContain('workspace:late');
  const late = { type: 'openai-compatible', endpoint: other.url, max_retries: 0 };
  const providers = { ...(plain()['providers'] as Draft), late };
  await apply({ providers, workspaces: { late: { model: 'late/m' } } });
  expect(await ask('late/m')).toEqual([200, 'from the other']);
  expect(await ask('workspace:late')).toEqual([200, 'from the other']);
  expect(await models()).toContain('workspace:late');
  // At another address, then of another model, then gone.
  await apply({
    providers: { ...providers, late: { ...late, endpoint: vendor.url } },
    workspaces: { late: { model: 'late/m' } },
  });
  expect([await ask('late/m'), await ask('workspace:late')]).toEqual(Array(2).fill([200, 'from the first']));
  await apply({ providers, workspaces: { late: { model: 'mine/m' } } });
  expect(await ask('workspace:late')).toEqual([200, 'from the first']);
  await apply();
  for (const model of ['late/m', 'workspace:late']) expect([400, 404]).toContain((await ask(model))[0]);
});

it('finishes the turn that runs with the provider it began with, though that is not configured any more', async () => {
  const calls = [{ id: 'call_1', name: 'calculator', arguments: ['{"expression":"17*23"}'] }];
  let asked = 0;
  let removed = false;
  vendor.answer((request) => {
    asked += 1;
    if (openAiChat.sent(request).toolResults.length > 0) return saying(removed ? 'It is 391.' : 'too early');
    // Slow enough to be removed meanwhile.
    const delivery = { cuts: [60, 120, 180], every: 700 };
    return { ...openAiChat.stream({ parts: [{ type: 'tools', calls }], finish: 'tool_calls', usage }), delivery };
  });
  const answer = owner.chat('what is 17*23?');
  await until(() => asked === 1);
  await apply({ providers: { new: { type: 'openai-compatible', endpoint: other.url } }, models: { default: 'new/m' } });
  removed = true;
  expect((await answer).body).toMatchObject({ content: 'It is 391.', model: 'mine/m' });
  expect((await owner.chat('hello')).body).toMatchObject({ content: 'from the other', model: 'new/m' });
});

it('lets whoever was added in, and puts out at once whose token was taken away, in open streams too', async () => {
  const token = { token: ADA, user_id: 'ada' };
  const ada = house.person(ADA);
  expect((await ada.get('/api/v1/status')).status).toBe(401);
  const lab = { members: ['ada'], bindings: [] };
  await apply({
    auth: { tokens: [token, OWNERS] },
    users: [{ id: 'ada', name: 'Ada' }],
    workspaces: { lab },
  });
  const said = await ada.chat('hello', { workspace_id: 'lab' });
  expect(said.body).toMatchObject({ content: 'from the first' });
  expect((await owner.get('/api/v1/users/ada')).body).toMatchObject({ name: 'Ada' });
  const { session_id } = said.body as { readonly session_id: string };
  const stream = await ada.listen(`/api/v1/sessions/${session_id}/stream`);
  expect(stream.status).toBe(200);
  // Her token stands elsewhere in the list: it is still hers.
  await apply({ auth: { tokens: [OWNERS, token] }, users: [{ id: 'ada' }], workspaces: { lab: { members: [] } } });
  expect(stream.closed).toBe(false);
  expect((await ada.chat('hello', { workspace_id: 'lab' })).status).toBe(403);
  await apply();
  expect((await stream.all()).at(-1)).toMatchObject({ event: 'error', data: { code: 'unauthenticated' } });
  expect((await ada.get('/api/v1/status')).status).toBe(401);
});

it('holds a budget to its new limit without forgetting what was used', async () => {
  const pricing = { 'mine/m': { input: 1, output: 1 } };
  const budgets = (per_hour_usd: number) => ({ budgets: { per_session_tokens: 0, per_hour_usd, per_day_usd: 0 } });
  await apply({ models: { default: 'mine/m', pricing, ...budgets(100) } });
  expect((await owner.chat('hello')).status).toBe(200);
  const spent = async (): Promise<number> => {
    const all = (await status())['budgets'] as {
      readonly scope: string;
      readonly used: { hour: { cost_usd: number } };
    }[];
    return all.find(({ scope }) => scope === 'global')?.used.hour.cost_usd ?? 0;
  };
  await until(async () => (await spent()) > 0.9);
  await apply({ models: { default: 'mine/m', pricing, ...budgets(0.5) } });
  expect((await owner.chat('hello')).body).toMatchObject({ code: 'budget_exceeded' });
  await apply({ models: { default: 'mine/m', pricing, ...budgets(50) } });
  expect((await owner.chat('hello')).status).toBe(200);
  expect(await spent()).toBeGreaterThan(0.9);
  // A workspace that gets a limit of its own gets one that counts.
  await apply({ workspaces: { lab: { budgets: { per_hour_tokens: 10 } } } });
  expect((await owner.chat('hello', { workspace_id: 'lab' })).body).toMatchObject({ code: 'budget_exceeded' });
});

it('keeps what runs when the file is not valid, says what is wrong and where, and takes the next that is', async () => {
  await apply({ logging: { level: 'error' } });
  write('logging:\n  level: loud\nproviders:\n  mine: { typ: x }\n');
  const wrong = async (): Promise<readonly Draft[]> =>
    ((await status())['config'] as { readonly errors: readonly Draft[] }).errors;
  // Nobody asked: the file was seen.
  await until(async () => (await wrong()).length > 0);
  expect(await wrong()).toMatchObject([
    {
      place: file,
      line: 2,
      key: 'logging.level',
      found: 'the text "loud"',
      allowed: expect.stringContaining('trace, debug'),
    },
    { place: file, line: 4, key: expect.stringContaining('providers.mine') },
  ]);
  const refused = await owner.post('/api/v1/config/reload');
  expect(refused.status).toBe(422);
  expect(refused.body).toMatchObject({ code: 'validation_failed', errors: [{ path: 'logging.level' }, {}] });
  expect(await config()).toMatchObject({ config: { logging: { level: 'error' } }, errors: [{}, {}] });
  expect((await owner.chat('hello')).body).toMatchObject({ content: 'from the first' });
  const audited = await owner.get('/api/v1/audit?action=config.refused');
  expect(JSON.stringify(audited.body)).toContain('logging.level');
  rmSync(file);
  await until(async () => (await wrong())[0]?.['found'] === 'no file');
  expect((await owner.chat('hello')).status).toBe(200);
  write(stringify({ ...plain(), logging: { level: 'warn' } }));
  await until(async () => (await wrong()).length === 0);
  expect(await config()).toMatchObject({ config: { logging: { level: 'warn' } }, errors: [], errors_at: null });
});

it('names what waits for a restart and leaves it as it is; set back, nothing waits', async () => {
  await apply({ storage: { durability: 'normal' }, gateway: { mailbox_capacity: 99 } });
  const waiting = ['gateway.mailbox_capacity', 'storage.durability'];
  expect(((await status())['restart_pending'] as string[]).toSorted()).toEqual(waiting);
  expect(await config()).toMatchObject({ config: { storage: { durability: 'full' } } });
  await apply();
  expect((await status())['restart_pending']).toEqual([]);
});

it('sets a bad entry aside, applies everything else, and takes it up when it is mended', async () => {
  const key = join(folder, 'key.txt');
  const providers = {
    ...(plain()['providers'] as Draft),
    keyed: { type: 'openai-compatible', endpoint: other.url, api_key: `file://${key}` },
  };
  const aside = async (): Promise<string[]> =>
    ((await status())['quarantined'] as { readonly what: string }[]).map(({ what }) => what);
  await apply({ providers, logging: { level: 'info' } });
  expect(await aside()).toContain('providers.keyed');
  expect(await config()).toMatchObject({ config: { logging: { level: 'info' } } });
  writeFileSync(key, 'first-key-0123456789\n');
  await apply({ providers });
  expect(await aside()).not.toContain('providers.keyed');
  await owner.chat('hello', { model: 'keyed/m' });
  expect(openAiChat.sent(other.requests.at(-1) ?? fail()).key).toBe('first-key-0123456789');
  // The same reference that leads to another key: it is read again.
  writeFileSync(key, 'second-key-0123456789\n');
  expect((await owner.post('/api/v1/config/reload')).body).toMatchObject({ applied: ['providers.keyed.api_key'] });
  await owner.chat('hello', { model: 'keyed/m' });
  expect(openAiChat.sent(other.requests.at(-1) ?? fail()).key).toBe('second-key-0123456789');
  expect(JSON.stringify(await config())).not.toContain('second-key');
});

it('follows at the edge: hosts, origins and rates', async () => {
  const host = (name: string) => house.client.call('GET', '/health', { headers: { Host: name } });
  expect((await host('gate.example')).status).toBe(421);
  // A page of somebody else's, as a browser tells of it.
  const page = async (): Promise<readonly unknown[]> => {
    const headers = { Origin: 'https://page.example' };
    const { status, headers: told } = await owner.post('/api/v1/config/reload', undefined, { headers });
    return [status, told['access-control-allow-origin']];
  };
  expect(await page()).toEqual([403, undefined]);
  await apply({ networking: { cors_origins: ['https://page.example'] } });
  expect(await page()).toEqual([200, 'https://page.example']);
  // What the test's own house sets comes before the file; the rest follows.
  await apply({ networking: { allowed_hosts: ['gate.example'], rate_limit_rps: 1 } });
  expect((await host('gate.example')).status).toBe(200);
  expect(await page()).toEqual([403, undefined]);
  const many = await Promise.all(Array.from({ length: 5 }, () => owner.get('/api/v1/tokens')));
  expect(many.map((one) => one.status)).toContain(429);
  await until(async () => (await owner.get('/api/v1/tokens')).status === 200);
  await until(async () => {
    write(stringify(plain()));
    return (await owner.post('/api/v1/config/reload')).status === 200;
  });
  expect((await host('gate.example')).status).toBe(421);
});

it('a thread that is started again begins with the newest configuration', async () => {
  await apply({ models: { default: 'mine/newest' } });
  await house.killThread('lane-1');
  await house.killThread('lane-2');
  const answers = await Promise.all(['a', 'b', 'c'].map((text) => owner.chatOrWait(text, {})));
  for (const { body } of answers) expect(body).toMatchObject({ model: 'mine/newest' });
});

it('is for those who may see it', async () => {
  await apply({ auth: { tokens: [OWNERS, { token: ADA, user_id: 'ada' }] } });
  const ada = house.person(ADA);
  expect((await ada.get('/api/v1/config')).status).toBe(403);
  expect((await ada.post('/api/v1/config/reload')).status).toBe(403);
  expect(JSON.stringify(await config())).not.toContain(ADA);
});

function fail(): never {
  throw new Error('nobody was asked');
}
