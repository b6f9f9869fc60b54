// SPDX-License-Identifier: Apache-2.0
// How providers are and which models they have, asked of a whole gateway: with the vendor there, and without.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anthropicMessages } from '../wire/anthropic.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer, type WireServer } from '../wire/server.ts';
import { closeHouses, type House, startHouse } from './house.ts';

const KEY = 'sk-flow-91be02f7aa';

let vendor: WireServer;
/** One that is down. */
let down: WireServer;
let house: House;
beforeAll(async () => {
  [vendor, down] = await Promise.all([startWireServer(), startWireServer()]);
  await down.close();
  house = await startHouse({
    providers: {
      mine: { type: 'openai-compatible', endpoint: vendor.url, api_key: KEY },
      anthropic: { endpoint: vendor.url, api_key: KEY },
      refusing: { type: 'anthropic', endpoint: vendor.url, api_key: KEY },
      away: { type: 'openai-compatible', endpoint: down.url, api_key: KEY },
    },
    models: { default: 'mine/local' },
  });
});
afterAll(async () => {
  await closeHouses();
  await vendor.close();
});

const MODELS = (name: string) => `/api/v1/providers/${name}/models`;

describe('the models of a provider', () => {
  it('are those the vendor has now, with those that are known without it', async () => {
    const { owner } = house;
    vendor.answer(openAiChat.models(['tiny', 'large']));
    expect(await owner.get(MODELS('mine'))).toMatchObject({
      status: 200,
      body: { items: [{ id: 'large', provider: 'mine' }, { id: 'tiny' }], total: 2, live: true, reason: null },
    });
    vendor.answer(anthropicMessages.models(['claude-brand-new']));
    const { body } = await owner.get(`${MODELS('anthropic')}?limit=200`);
    const ids = body.items.map(({ id }: { id: string }) => id);
    expect(ids).toEqual(expect.arrayContaining(['claude-brand-new', 'claude-opus-4-6', 'claude-sonnet-4-5']));
    expect(ids).toEqual(ids.toSorted());
    expect(body).toMatchObject({ live: true, next_cursor: null, total: ids.length });
    expect(body.items.find(({ id }: { id: string }) => id === 'claude-opus-4-6')?.capabilities).toMatchObject({
      tools: true,
      max_context_tokens: expect.any(Number),
    });
    // Each page goes on where the one before ended.
    const paged: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await owner.get(`${MODELS('anthropic')}?limit=4${cursor === '' ? '' : `&cursor=${cursor}`}`);
      paged.push(...page.body.items.map(({ id }: { id: string }) => id));
      cursor = page.body.next_cursor;
    }
    expect(paged).toEqual(ids);
  });

  it('are those that are known when the vendor is down or refuses, and it says why', async () => {
    const { owner } = house;
    vendor.answer(anthropicMessages.refuse('bad_key'));
    const refused = await owner.get(MODELS('refusing'));
    expect(refused.body.items.map(({ id }: { id: string }) => id)).toContain('claude-opus-4-6');
    expect(refused.body).toMatchObject({ live: false, reason: expect.stringContaining('refusing answered 401') });
    expect(JSON.stringify(refused.body)).not.toContain(KEY);
    expect(await owner.get(MODELS('away'))).toMatchObject({
      status: 200,
      body: { items: [], total: 0, live: false, reason: expect.stringContaining('ECONNREFUSED') },
    });
    expect((await owner.get(MODELS('sigil'))).body).toMatchObject({
      items: [{ id: 'offline', provider: 'sigil' }],
      live: false,
      reason: expect.stringContaining('built in'),
    });
    expect(await owner.get(MODELS('none'))).toMatchObject({
      status: 404,
      body: { detail: 'There is no provider "none". Known providers: sigil, mine, anthropic, refusing, away.' },
    });
  });

  it('are asked of another lane when the one that knows them is gone', async () => {
    const { owner, killThread } = house;
    vendor.answer(openAiChat.models(['tiny']));
    // Whichever of the two it is that answers: both are gone once, and the list is there all the same.
    for (const lane of ['lane-1', 'lane-2']) {
      await killThread(lane);
      expect((await owner.get(MODELS('mine'))).body).toMatchObject({ items: [{ id: 'tiny' }], live: true });
    }
  });
});

describe('how a provider is', () => {
  it('is told one by one, with what is wrong and what to do', async () => {
    const { owner } = house;
    expect((await owner.get('/api/v1/providers')).body.items).toMatchObject([
      { name: 'sigil', type: 'sigil', state: 'closed', problems: [] },
      { name: 'mine', type: 'openai-compatible', state: 'closed', problems: [] },
      { name: 'anthropic', type: 'anthropic', state: 'closed', problems: [] },
      { name: 'refusing', type: 'anthropic', state: 'closed', problems: [] },
      { name: 'away', type: 'openai-compatible', state: 'closed', problems: [] },
    ]);
    expect((await owner.get('/api/v1/providers/mine/health')).body).toMatchObject({ name: 'mine', healthy: true });
    expect((await owner.get('/api/v1/providers/none')).status).toBe(404);
    vendor.answer(openAiChat.refuse('bad_key'));
    // However many failures it takes.
    let health = await owner.get('/api/v1/providers/mine/health');
    for (let chats = 0; chats < 5 && health.body.healthy; chats += 1) {
      await owner.chat('hello');
      health = await owner.get('/api/v1/providers/mine/health');
    }
    expect(health.body).toMatchObject({
      healthy: false,
      state: 'open',
      last_error: { code: 'provider_auth' },
      problems: [
        {
          what: 'mine',
          message: expect.stringContaining('Incorrect API key'),
          advice: expect.stringContaining('`providers.mine.api_key`; `sigil secret set`'),
        },
      ],
    });
    expect(JSON.stringify(health.body)).not.toContain(KEY);
    expect((await owner.get('/api/v1/providers/mine')).body).toMatchObject({
      state: 'open',
      problems: [{ what: 'mine' }],
    });
  });
});
