// SPDX-License-Identifier: Apache-2.0
// Vendors that fail: they are left alone, looked for by one probe, and taken up again without anybody's turn having been the try.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProviderStatus } from '../../src/actors/provider/protocol.ts';
import { type Reply, until } from '../edge/client.ts';
import type { WireRefusal } from '../wire/format.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer, type WireAnswer, type WireServer } from '../wire/server.ts';
import { closeHouses, type House, type Settings, startHouse } from './house.ts';

const KEY = 'sk-circuit-2c9e41a7b0';
const OTHER_KEY = 'sk-circuit-8f15d3c6e2';
const usage = { inputTokens: 3, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0 };
/** Longer than any test: what happens sooner does not happen because of it. */
const NEVER = 600_000;

const well = (): WireAnswer =>
  openAiChat.stream({ parts: [{ type: 'text', deltas: ['Well.'] }], finish: 'stop', usage });
const refused = (why: WireRefusal): WireAnswer => openAiChat.refuse(why);

let vendor: WireServer;
const scratch = mkdtempSync(join(tmpdir(), 'sigil-circuit-'));
beforeAll(async () => {
  vendor = await startWireServer();
});
beforeEach(() => {
  vendor.requests.splice(0);
  vendor.answer(well());
});
afterEach(() => {
  vi.unstubAllEnvs();
});
afterAll(async () => {
  await closeHouses();
  await vendor.close();
  rmSync(scratch, { recursive: true, force: true });
});

function times(of: Readonly<Record<string, number>>): void {
  vi.stubEnv('SIGIL_CIRCUIT_TIMES', JSON.stringify({ first: NEVER, longest: NEVER, key_look: NEVER, ...of }));
}

const entry = (more: Settings[string] = {}) => ({
  type: 'openai-compatible',
  endpoint: vendor.url,
  api_key: KEY,
  max_retries: 0,
  ...more,
});
const settings = (more: Settings = {}): Settings => ({
  providers: { mine: entry() },
  models: { default: 'mine/one' },
  ...more,
});

async function providerOf(house: House, name = 'mine'): Promise<ProviderStatus> {
  const { items } = (await house.owner.get('/api/v1/providers')).body as { readonly items: readonly ProviderStatus[] };
  const found = items.find((item) => item.name === name);
  if (found === undefined) throw new Error(`there is no provider ${name}`);
  return found;
}

/** Its status as soon as it fits. */
async function once(house: House, fits: (status: ProviderStatus) => boolean, name = 'mine'): Promise<ProviderStatus> {
  let status = await providerOf(house, name);
  await until(async () => {
    status = await providerOf(house, name);
    return fits(status);
  });
  return status;
}

const houses = new Map<string, Promise<House>>();
/** A house that several tests share, each with a provider of its own. */
function shared(name: string, start: () => Promise<House>): Promise<House> {
  const house = houses.get(name) ?? start();
  houses.set(name, house);
  return house;
}

/** Looks for nobody by itself. */
const patient = (): Promise<House> =>
  shared('patient', () => {
    times({});
    const slow = entry({ timeouts: { first_event: '300ms' } });
    return startHouse(settings({ providers: { mine: entry(), good: entry({ api_key: OTHER_KEY }), slow } }));
  });

/** Looks for who failed after four seconds. */
const quick = (): Promise<House> =>
  shared('quick', () => {
    times({ first: 4_000 });
    return startHouse(settings());
  });

/** Looks for who failed after half a second. */
const eager = (): Promise<House> =>
  shared('eager', () => {
    times({ first: 500 });
    const silent = entry({ timeouts: { first_event: '3s' } });
    return startHouse(settings({ providers: { mine: silent, limited: entry(), lost: entry() } }));
  });

const KEY_FILE = join(scratch, 'key');
/** Looks again and again whether a key is another one. */
const curious = (): Promise<House> =>
  shared('curious', () => {
    times({ key_look: 50 });
    writeFileSync(KEY_FILE, `${KEY}\n`);
    return startHouse(
      settings({
        secrets: { backend: 'file' },
        providers: {
          mine: entry({ api_key: `file://${KEY_FILE}` }),
          kept: entry({ api_key: 'keyring://kept/api-key' }),
        },
      }),
    );
  });

/** Why the one model that was asked did not answer. */
function reasonIn({ body }: Reply): string | undefined {
  return /: (provider_\w+): /.exec(body.detail)?.[1];
}

const models = (): readonly string[] => vendor.requests.map((request) => openAiChat.sent(request).model);

describe('a vendor that fails', () => {
  it('is left alone after three failures, found again by exactly one call, and then asked as before', async () => {
    vendor.answer(refused('internal'));
    const house = await quick();
    for (let failure = 0; failure < 3; failure += 1)
      expect(reasonIn(await house.owner.chat('hello'))).toBe('provider_error');
    const probed = vendor.next();
    const { status, body } = await house.owner.chat('hello');
    expect([status, body.code, vendor.requests.length]).toEqual([502, 'provider_unavailable', 3]);
    expect(body.detail).toMatch(/provider_error.*The circuit is open: it is tried again at \d{4}-/);
    expect(await providerOf(house)).toMatchObject({
      state: 'open',
      available: false,
      failures: 3,
      probes: 0,
      last_error: { code: 'provider_error' },
      retry_at: expect.stringMatching(/Z$/),
    });

    vendor.answer(well());
    const probe = openAiChat.sent(await probed);
    expect(probe).toMatchObject({ model: 'one', maxTokens: 1, tools: [], system: undefined, toolCalls: [] });
    expect(probe.said).toHaveLength(1);
    expect(await once(house, ({ state }) => state === 'closed')).toMatchObject({
      available: true,
      probes: 1,
      retry_at: null,
      calls: 3,
    });
    expect(vendor.requests).toHaveLength(4);
    expect((await house.owner.chat('hello')).body.content).toBe('Well.');
    expect(await providerOf(house)).toMatchObject({ latency: { took_ms: { p50: expect.any(Number) } } });
  });

  it('is asked by nobody while it is looked for, and left alone for longer when it does not answer', async () => {
    vendor.answer(refused('unavailable'));
    const house = await eager();
    for (let failure = 0; failure < 3; failure += 1) await house.owner.chat('hello');
    const probed = vendor.next();
    vendor.answer({ ...well(), delivery: { silent: true } });
    await probed;
    const half = await once(house, ({ state }) => state === 'half_open');
    expect(half.probes).toBe(1);
    expect((await house.owner.chat('hello')).body.code).toBe('provider_unavailable');
    const again = vendor.next();
    const open = await once(house, ({ state }) => state === 'open');
    expect(open.last_error?.code).toBe('provider_timeout');
    vendor.answer(well());
    await again;
    await once(house, ({ state }) => state === 'closed');
    expect(vendor.requests).toHaveLength(5);
  });

  it('that said nothing for as long as it may is left alone at once', async () => {
    vendor.answer({ ...well(), delivery: { silent: true } });
    const house = await patient();
    expect(reasonIn(await house.owner.chat('hello', { model: 'slow/one' }))).toBe('provider_timeout');
    expect(reasonIn(await house.owner.chat('hello', { model: 'slow/one' }))).toBe('provider_unavailable');
    expect(vendor.requests).toHaveLength(1);
  });

  it('that says for how long is left alone at once', async () => {
    vendor.answer(openAiChat.refuse('rate_limit', { 'retry-after': '1800' }));
    const house = await eager();
    expect(reasonIn(await house.owner.chat('hello', { model: 'limited/one' }))).toBe('provider_rate_limited');
    expect((await house.owner.chat('hello', { model: 'limited/one' })).body.code).toBe('provider_unavailable');
    const { state, retry_at } = await providerOf(house, 'limited');
    expect(state).toBe('open');
    expect(Date.parse(retry_at ?? '') - Date.now()).toBeGreaterThan(1_790_000);
  });

  it('is looked for by another lane when the one that was asked is lost', async () => {
    vendor.answer(refused('internal'));
    const house = await eager();
    for (let failure = 0; failure < 3; failure += 1) await house.owner.chat('hello', { model: 'lost/one' });
    const probed = vendor.next();
    vendor.answer({ ...well(), delivery: { silent: true } });
    await probed;
    const again = vendor.next();
    vendor.answer(well());
    await house.killThread('lane-1');
    await again;
    expect(await once(house, ({ state }) => state === 'closed', 'lost')).toMatchObject({ probes: 1 });
  });
});

describe('a key that is refused', () => {
  /** Takes one key and no other. */
  const takes = (key: string): void => {
    vendor.answer((asked) => (openAiChat.sent(asked).key === key ? well() : refused('bad_key')));
  };

  it('closes that provider alone, at once, and says what to do', async () => {
    const house = await patient();
    takes(OTHER_KEY);
    expect(reasonIn(await house.owner.chat('hello'))).toBe('provider_auth');
    const { body } = await house.owner.chat('hello');
    expect([body.code, vendor.requests.length]).toEqual(['provider_unavailable', 1]);
    expect(body.detail).toMatch(/mine refused its key .*`sigil secret set mine\/api-key`/);
    expect((await house.owner.chat('hello', { model: 'good/one' })).body.content).toBe('Well.');
    const { providers } = (await house.owner.get('/api/v1/status')).body as {
      readonly providers: readonly ProviderStatus[];
    };
    const said = new Map(providers.map(({ name, state, message }) => [name, [state, message]]));
    expect(said.get('mine')).toEqual(['open', expect.stringContaining('sigil secret set')]);
    expect(said.get('good')).toEqual(['closed', 'ready']);
    expect(JSON.stringify(providers)).not.toContain(KEY);
  });

  it('is taken up when its file is written anew, by no more than one call', async () => {
    const house = await curious();
    takes(OTHER_KEY);
    expect(reasonIn(await house.owner.chat('hello'))).toBe('provider_auth');
    expect((await providerOf(house)).message).toContain(KEY_FILE);
    // Looked at several times: it is the same.
    const seen = vendor.requests.length;
    await new Promise((passed) => setTimeout(passed, 300));
    expect(vendor.requests).toHaveLength(seen);
    writeFileSync(KEY_FILE, `${OTHER_KEY}\n`);
    await once(house, ({ state }) => state === 'closed');
    expect(vendor.requests.slice(seen).map((request) => openAiChat.sent(request).key)).toEqual([OTHER_KEY]);
    // All lanes have the new one.
    for (let session = 0; session < 8; session += 1)
      expect((await house.owner.chat('hello')).body.content).toBe('Well.');
  });

  it('is taken up when `sigil secret set` sets another one', async () => {
    const house = await curious();
    const chat = () => house.owner.chat('hello', { model: 'kept/one' });
    const set = async (value: string): Promise<void> => {
      const { status } = await house.owner.put('/api/v1/secrets/kept/api-key', { value });
      expect(status).toBe(200);
    };
    await set(KEY);
    takes(OTHER_KEY);
    expect(reasonIn(await chat())).toBe('provider_auth');
    expect((await providerOf(house, 'kept')).message).toContain('`sigil secret set kept/api-key`');
    await set(OTHER_KEY);
    await once(house, ({ state }) => state === 'closed', 'kept');
    expect((await chat()).body.content).toBe('Well.');
  });
});

describe('a model the vendor does not have', () => {
  it('is left alone by itself: the others are asked', async () => {
    vendor.answer((asked) => (openAiChat.sent(asked).model === 'gone' ? refused('no_model') : well()));
    const house = await quick();
    for (let failure = 0; failure < 3; failure += 1)
      expect(reasonIn(await house.owner.chat('hello', { model: 'mine/gone' }))).toBe('provider_model_unknown');
    const { body } = await house.owner.chat('hello', { model: 'mine/gone' });
    expect([body.code, models()]).toEqual(['provider_unavailable', ['gone', 'gone', 'gone']]);
    expect(body.detail).toContain('mine/gone');
    expect((await house.owner.chat('hello')).body.content).toBe('Well.');
    expect(await providerOf(house)).toMatchObject({
      state: 'closed',
      models: [{ model: 'gone', state: 'open', last_error: { code: 'provider_model_unknown' } }],
    });
    vendor.answer(well());
    await once(house, (status) => status.models.length === 0);
    expect(models()).toEqual(['gone', 'gone', 'gone', 'one', 'gone']);
    expect((await house.owner.chat('hello', { model: 'mine/gone' })).body.content).toBe('Well.');
  });
});
