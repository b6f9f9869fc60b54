// SPDX-License-Identifier: Apache-2.0
// Budgets hold whatever happens: many turns at once, vendors that break off and are replaced, a gateway that is killed in the middle of its calls.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { freePort, type ListeningProcess, ownerToken, startProcess } from '../crash/gateway-process.ts';
import { WHOLE } from '../drawn.ts';
import { Client, until } from '../edge/client.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer, type WireAnswer, type WireRequest, type WireServer } from '../wire/server.ts';
import { closeHouses, Person, type Settings, startHouse } from './house.ts';

/** Turns there are, and how many of them the budget is for. */
const TURNS = WHOLE ? 200 : 80;
const COVERED = 50;

let first: WireServer;
let second: WireServer;
const left: (() => unknown)[] = [];
beforeEach(async () => {
  [first, second] = await Promise.all([startWireServer(), startWireServer()]);
});
afterEach(async () => {
  for (const undo of left.splice(0).reverse()) await undo();
  await Promise.all([first.close(), second.close()]);
});
afterAll(closeHouses);

const providers = () => ({
  one: { type: 'openai-compatible', endpoint: first.url, max_retries: 0, timeouts: { gap: '30s' } },
  two: { type: 'openai-compatible', endpoint: second.url, max_retries: 0 },
});

/** A message of the same length as every other. */
const content = (at: number): string => `message ${String(at).padStart(4, '0')}`;

/** Answers and uses all it may: `input` tokens, and as many as it was allowed to say. */
const usingAll =
  (input: number) =>
  (asked: WireRequest): WireAnswer => {
    const usage = { inputTokens: input, outputTokens: allowed(asked), cacheReadTokens: 0, cacheWriteTokens: 0 };
    return openAiChat.stream({ parts: [{ type: 'text', deltas: ['Dear.'] }], finish: 'stop', usage });
  };

function allowed(asked: WireRequest): number {
  const { maxTokens } = openAiChat.sent(asked);
  if (maxTokens === undefined) throw new Error('the answer was not limited');
  return maxTokens;
}

let reserved: Promise<{ readonly input: number; readonly whole: number }> | undefined;
/** What one call reserves, found out by making it, once. */
function reservation(): Promise<{ readonly input: number; readonly whole: number }> {
  reserved ??= reservationOf({ providers: providers(), models: { default: 'one/a' } });
  return reserved;
}

async function reservationOf(settings: Settings): Promise<{ readonly input: number; readonly whole: number }> {
  const house = await startHouse(settings);
  first.answer(usingAll(1));
  const { body } = await house.owner.chat(content(0));
  const { steps } = (await house.owner.get(`/debug/turns/${body.turn_id}`)).body;
  const called = steps.find(({ type }: { readonly type: string }) => type === 'model_called');
  const [asked] = first.requests.splice(0);
  if (asked === undefined) throw new Error('nothing was asked');
  await house.drain();
  const whole = called.detail.reserved_tokens;
  return { input: whole - allowed(asked), whole };
}

const budgets = (per_hour_tokens: number) => ({ per_session_tokens: 0, per_hour_tokens });

async function usedOf(owner: Person): Promise<{ readonly used: number; readonly reserved: number }> {
  const { body } = await owner.get('/api/v1/status');
  const global = body.budgets.find(({ scope }: { readonly scope: string }) => scope === 'global');
  return { used: global.used.hour.tokens, reserved: global.reserved.tokens };
}

it(`covers ${COVERED} of ${TURNS} turns at once and not one more, and says to the others which limit and until when`, async () => {
  const { input, whole } = await reservation();
  const most = COVERED * whole;
  const { owner } = await startHouse({
    providers: providers(),
    models: { default: 'one/a', failover: ['two/b'], budgets: budgets(most) },
  });
  first.answer(usingAll(input));
  const replies = await Promise.all(
    Array.from({ length: TURNS }, (_, at) => owner.chatOrWait(content(at), { message_id: `m${at}` })),
  );
  expect(first.requests).toHaveLength(COVERED);
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(COVERED);
  const refused = replies.filter(({ status }) => status === 402);
  expect(refused).toHaveLength(TURNS - COVERED);
  for (const { body } of refused) {
    expect(body.code).toBe('budget_exceeded');
    expect(body.detail).toMatch(/global budget per_hour_tokens of \d+ .* it resets at \d{4}-\d\d-\d\dT\d\d:00:00.000Z/);
  }
  expect(second.requests).toEqual([]);
  expect(await usedOf(owner)).toEqual({ used: most, reserved: 0 });
  await closeHouses();
});

it('is not leaked through a vendor that breaks off without a word of what it cost', async () => {
  const { input, whole } = await reservation();
  const most = COVERED * whole;
  const { owner } = await startHouse({
    providers: providers(),
    models: { default: 'one/a', failover: ['two/b'], budgets: budgets(most) },
  });
  const half = openAiChat.stream({
    parts: [{ type: 'text', deltas: ['Half ', 'a ', 'sentence'] }],
    finish: 'stop',
    usage: { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 },
  });
  first.answer({ ...half, delivery: { cutAt: String(half.body).lastIndexOf('data: {"id"') - 1 } });
  second.answer(usingAll(input));
  const replies = await Promise.all(
    Array.from({ length: TURNS }, (_, at) => owner.chatOrWait(content(at), { message_id: `m${at}` })),
  );
  // The first vendor had read the question each time, the second used all it was allowed.
  const billed = first.requests.length * input + second.requests.length * whole;
  expect(billed).toBeLessThanOrEqual(most);
  const { used, reserved } = await usedOf(owner);
  expect(reserved).toBe(0);
  expect(used).toBeGreaterThanOrEqual(billed);
  expect(used).toBeLessThanOrEqual(most);
  expect(second.requests.length).toBeGreaterThan(0);
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(second.requests.length);
  for (const { status, body } of replies) if (status !== 200) expect(JSON.stringify(body)).toContain('budget_exceeded');
});

/** A gateway in a process of its own with so many tokens an hour, which is killed and started again over the same data. */
async function killable(most: number): Promise<{ start(): Promise<Person>; kill(): Promise<unknown> }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sigil-budgets-'));
  left.push(() => rmSync(dataDir, { recursive: true, force: true }));
  const config = join(dataDir, 'sigil.yaml');
  writeFileSync(
    config,
    JSON.stringify({ providers: providers(), models: { default: 'one/a', budgets: budgets(most) } }),
  );
  const port = await freePort();
  const client = new Client(port);
  left.push(() => client.close());
  let gateway: ListeningProcess | undefined;
  const kill = async (): Promise<unknown> => gateway?.kill();
  left.push(kill);
  const start = async (): Promise<Person> => {
    gateway = await startProcess(dataDir, port, { SIGIL_CONFIG: config, SIGIL_MODELS_BUDGETS_PER_HOUR_USD: '0' });
    return new Person(client, ownerToken(dataDir));
  };
  return { start, kill };
}

it('counts what a killed gateway had asked for, for its vendor bills it', async () => {
  const { input, whole } = await reservation();
  const most = COVERED * whole;
  const { start, kill } = await killable(most);
  const sayTo = (owner: Person, turns: number) =>
    Promise.allSettled(
      Array.from({ length: turns }, (_, at) => owner.chatOrWait(content(at), { message_id: `m${at}` })),
    ).then((all) => all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
  first.answer({ body: '', delivery: { silent: true } });
  // As many as may call at once are called, the others wait for that; all of them are journaled as called.
  const [calling, called] = [16, 20];
  for (const life of [1, 2]) {
    const owner = await start();
    const said = life === 1 ? sayTo(owner, called) : undefined;
    await until(() => first.requests.length === life * calling);
    await kill();
    await said;
  }
  first.answer(usingAll(input));
  const owner = await start();
  const replies = await sayTo(owner, TURNS);
  const answered = replies.filter(({ status }) => status === 200);
  expect(first.requests).toHaveLength(2 * calling + answered.length);
  // A call that was journaled when its gateway was killed is paid for whole, whether the vendor had heard of it or not.
  expect(answered.length).toBeGreaterThanOrEqual(COVERED - 2 * called);
  expect(answered.length).toBeLessThanOrEqual(COVERED - 2 * calling);
  expect(replies.filter(({ status }) => status === 402)).toHaveLength(TURNS - answered.length);
  const { used, reserved } = await usedOf(owner);
  expect(reserved).toBe(0);
  expect(used).toBeGreaterThanOrEqual(first.requests.length * whole);
  expect(used).toBeLessThanOrEqual(most);
});

it('counts what a killed gateway had passed through, and takes nothing of it up again', async () => {
  const most = 100_000;
  const { start, kill } = await killable(most);
  const ask = (owner: Person, model: string, max_tokens: number) =>
    owner.post('/v1/chat/completions', { model, max_tokens, messages: [{ role: 'user', content: content(1) }] });
  first.answer({ body: '', delivery: { silent: true } });
  const before = await start();
  const models = ['one/a', 'one/a', 'workspace:personal:owner'];
  const asked = Promise.allSettled(models.map((model) => ask(before, model, 20_000)));
  await until(() => first.requests.length === models.length);
  await kill();
  await asked;
  const owner = await start();
  await until(async () => (await usedOf(owner)).used > 0 && (await usedOf(owner)).reserved === 0);
  const { used } = await usedOf(owner);
  // Two of 20,000, and the agent's, of as many as its model gives at most.
  expect(used).toBeGreaterThan(41_000);
  expect((await ask(owner, 'one/a', most - used)).body).toMatchObject({ error: { code: 'insufficient_quota' } });
  first.answer(usingAll(1));
  const answer = await ask(owner, 'one/a', 1_000);
  expect(answer.status).toBe(200);
  expect(first.requests).toHaveLength(models.length + 1);
  expect(await usedOf(owner)).toEqual({ used: used + 1_001, reserved: 0 });
  expect((await owner.get('/api/v1/workspaces/personal:owner/sessions')).body.items).toEqual([]);
});
