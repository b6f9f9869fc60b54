// SPDX-License-Identifier: Apache-2.0
// A model whose price nobody knows while there is a budget in USD: refused or told of, as `models.budgets.unknown_price` has it.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openAiChat } from '../wire/openai-chat.ts';
import { json, startWireServer, type WireServer } from '../wire/server.ts';
import { closeHouses, type House, startHouse } from './house.ts';

const usage = { inputTokens: 1_000, outputTokens: 100, cacheReadTokens: 0, cacheWriteTokens: 0 };

let vendor: WireServer;
/** Denies, with budgets in USD; the price of one of its models is set. */
let denying: House;
beforeAll(async () => {
  vendor = await startWireServer();
  vendor.answer(({ path }) =>
    path.endsWith('/models')
      ? json(200, { data: [{ id: 'a/priced', pricing: { prompt: '0.000003', completion: '0.00001' } }] })
      : openAiChat.stream({ parts: [{ type: 'text', deltas: ['Hello.'] }], finish: 'stop', usage }),
  );
  const pricing = { 'mine/free': { input: 0, output: 0 } };
  denying = await startHouse(settings({ unknown_price: 'deny' }, { pricing }));
});
beforeEach(() => {
  vendor.requests.splice(0);
});
afterAll(async () => {
  await closeHouses();
  await vendor.close();
});

const settings = (budgets: object, more: object = {}) => ({
  providers: {
    mine: { type: 'openai-compatible', endpoint: vendor.url },
    router: { type: 'openrouter', endpoint: vendor.url, api_key: 'k' },
  },
  models: { default: 'mine/local', budgets, ...more },
});

const asked = (): number => vendor.requests.filter(({ path }) => path.endsWith('/chat/completions')).length;

describe('with deny', () => {
  it('is refused, naming the key that mends it, and the vendor is not asked', async () => {
    const { owner } = denying;
    const { status, body } = await owner.chat('hello');
    expect({ status, code: body.code }).toEqual({ status: 402, code: 'budget_exceeded' });
    expect(body.detail).toContain('models.pricing."mine/local"');
    expect(asked()).toBe(0);
  });

  it('is used where its price is set, or where no budget is in USD', async () => {
    expect((await denying.owner.chat('hello', { model: 'mine/free' })).body.content).toBe('Hello.');
    const unlimited = await startHouse(settings({ unknown_price: 'deny', per_hour_usd: 0, per_day_usd: 0 }));
    expect((await unlimited.owner.chat('hello')).body.content).toBe('Hello.');
  });

  it('gives way to the next model whose price is known', async () => {
    const { owner } = await startHouse(settings({ unknown_price: 'deny' }, { failover: ['sigil/offline'] }));
    expect((await owner.chat('hello')).body).toMatchObject({ model: 'sigil/offline' });
    expect(asked()).toBe(0);
  });

  it('is no matter for a model whose vendor tells its price', async () => {
    const { owner } = denying;
    let body = (await owner.chat('hello', { model: 'router/a/priced' })).body;
    // Its list is asked for when the gateway starts.
    for (const late = performance.now() + 20_000; body.code !== undefined && performance.now() < late; )
      body = (await owner.chat('hello', { model: 'router/a/priced' })).body;
    expect(body.content).toBe('Hello.');
    expect(body.usage.cost_usd).toBeCloseTo((1_000 * 3 + 100 * 10) / 1_000_000, 9);
    expect((await owner.chat('hello', { model: 'router/a/other' })).body.code).toBe('budget_exceeded');
  });
});

it('counts its tokens with allow', async () => {
  const { owner } = await startHouse(settings({ unknown_price: 'allow' }));
  expect((await owner.chat('hello')).body).toMatchObject({ usage: { input_tokens: 1_000, cost_usd: 0 } });
});
