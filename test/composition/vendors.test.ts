// SPDX-License-Identifier: Apache-2.0
// What asks vendors outside of turns, over its real libraries: vectors as they should be, every fault typed, budgets and permits kept, prices told.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Residents } from '../../src/actors/residents.ts';
import { type Address, address } from '../../src/bus/address.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import type { ThreadContext } from '../../src/composition/context.ts';
import { knownTypes } from '../../src/composition/known-types.ts';
import { realWorld } from '../../src/composition/real-world.ts';
import { hostVendors } from '../../src/composition/vendors.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type Failure, failure } from '../../src/errors.ts';
import { Redactor } from '../../src/secrets/redactor.ts';
import type { VendorEmbedRequest } from '../../src/stores/embedder.ts';
import { machine } from '../config/machine.ts';
import { until } from '../edge/client.ts';
import { geminiEmbeddings, openAiEmbeddings, type VectorFormat } from '../wire/embeddings.ts';
import { json, startWireServer, type WireServer } from '../wire/server.ts';

const KEY = 'sk-vendors-3fd2a0c71b';
let vendor: WireServer;
const closing: (() => void)[] = [];
beforeEach(async () => {
  vendor = await startWireServer();
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await vendor.close();
});

interface Sent {
  readonly to: Address;
  readonly type: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The thread that asks vendors, with the actors it talks to in the test's hands. */
async function vendors(more: Readonly<Record<string, unknown>> = {}) {
  const entry = { endpoint: vendor.url, api_key: KEY, timeouts: { first_event: '300ms', connect: '300ms' } };
  const flags = {
    providers: {
      openai: { type: 'openai', ...entry },
      google: { type: 'google', ...entry },
      ollama: { ...entry, endpoint: `${vendor.url}/v1`, api_key: '' },
      router: { type: 'openrouter', ...entry, endpoint: `${vendor.url}/v1` },
    },
    ...more,
  };
  const loaded = await loadConfig({ known: knownTypes, machine: machine(), flags });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  const redactor = new Redactor();
  redactor.add(KEY);
  const sent: Sent[] = [];
  const refusing = new Map<string, Failure>();
  let receive: (envelope: Envelope) => void = () => undefined;
  const answers = new Map<number, (outcome: { readonly vectors?: Float32Array; readonly error?: Failure }) => void>();
  const bus = {
    // Nobody looks at what is sent.
    heard: () => false,
    host: (_: string, receiver: typeof receive) => {
      receive = receiver;
    },
    reply: ({ id }: Envelope, body: object) => answers.get(id)?.(body),
    fail: ({ id }: Envelope, error: Failure) => answers.get(id)?.({ error }),
    undeliverable: () => undefined,
    send: (to: Address, type: string, body: Sent['body']) => void sent.push({ to, type, body }),
    ask: (to: Address, type: string, body: Sent['body'], _: object, answered: (answer: object) => void) => {
      sent.push({ to, type, body });
      const error = refusing.get(type);
      realWorld.soon(() =>
        answered(error === undefined ? { ok: true, body: { permit: 7, seq: 40 } } : { ok: false, error }),
      );
    },
  };
  const residents = new Residents({
    thread: 'io-1',
    world: realWorld,
    mailbox_capacity: 8,
    mailbox: () => ({ depth: 0, oldest_ms: 0 }),
    trace: { heard: () => false, publish: () => undefined },
  });
  const secrets = { redactor, resolve: (written: string) => Promise.resolve(written) };
  const faults: Failure[] = [];
  const fault = (_: Address, error: Failure): void => void faults.push(error);
  const context = { house: { config: loaded.config }, name: 'io-1', world: realWorld, bus, residents, secrets, fault };
  const hosted = hostVendors(context as unknown as ThreadContext);
  closing.push(hosted.close);
  let id = 0;
  const ask = <Reply>(type: string, body: object): Promise<Reply & { readonly error?: Failure }> => {
    id += 1;
    const number = id;
    return new Promise((resolve) => {
      answers.set(number, resolve as (outcome: object) => void);
      receive({ id: number, to: address('store', 'vendors'), from: address('store', 'views'), type, body });
    });
  };
  const embed = (request: Partial<VendorEmbedRequest>) =>
    ask<{ readonly vectors?: Float32Array }>('vendors.embed', {
      model: 'openai/text-embedding-3-small',
      texts: ['one', 'two'],
      dimensions: 2,
      workspace_id: 'home',
      purpose: 'store',
      within: 5_000,
      ...request,
    });
  const of = (type: string): readonly Sent['body'][] => sent.flatMap((one) => (one.type === type ? [one.body] : []));
  return { embed, ask, sent, of, refusing, faults };
}

const VENDORS = [
  ['openai', openAiEmbeddings, 'openai/text-embedding-3-small', 2],
  ['google', geminiEmbeddings, 'google/gemini-embedding-001', 128],
  ['ollama', openAiEmbeddings, 'ollama/some-model', 2],
  ['openrouter', openAiEmbeddings, 'router/openai/text-embedding-3-large', 2],
] as const satisfies readonly (readonly [string, VectorFormat, string, number])[];

const long = (length: number, value: unknown = 1): unknown[] => Array.from({ length }, () => value);

describe.each(VENDORS)('vectors of %s', (type, format, model, dimensions) => {
  const good = (): void =>
    vendor.answer((request) =>
      format.answer(
        (format.asked(request)?.texts ?? []).map(() => long(dimensions)),
        12,
      ),
    );

  it('are one after the other; blank texts are not sent, and no secret is', async () => {
    good();
    const { embed, of } = await vendors();
    const texts = ['one', ' \n', `my key is ${KEY}`, 'half \ud83d'];
    const { vectors, error } = await embed({ model, dimensions, texts });
    expect(error).toBeUndefined();
    expect(vectors).toHaveLength(4 * dimensions);
    expect([...(vectors?.subarray(dimensions, 2 * dimensions) ?? [])]).toEqual(long(dimensions, 0));
    expect(vectors?.at(-1)).toBeGreaterThan(0);
    const [asked] = vendor.requests.map(format.asked);
    expect(asked?.texts).toHaveLength(3);
    expect(asked?.texts.join('')).not.toContain(KEY);
    expect(asked?.model).toBe(model.slice(model.indexOf('/') + 1));
    // Only a model that can give more is told how many.
    expect(asked?.dimensions).toBe(type === 'ollama' ? undefined : dimensions);
    expect(of('provider.release')).toMatchObject([{ permit: 7, outcome: 'ok' }]);
  });

  it.each([
    [429, 'provider_rate_limited', { 'retry-after': '7' }],
    [500, 'provider_error', {}],
    [401, 'provider_auth', {}],
    [503, 'provider_overloaded', {}],
    [400, 'provider_bad_request', {}],
  ] as const)(
    'that are refused with %i are a typed failure, and the circuit hears of it',
    async (status, code, headers) => {
      vendor.answer(format.refuse(status, `no, ${KEY} is wrong`, headers));
      const { embed, of } = await vendors();
      const { error } = await embed({ model, dimensions });
      expect(error).toMatchObject({ code });
      expect(JSON.stringify(error)).not.toContain(KEY);
      const [release] = of('provider.release');
      expect(release).toMatchObject({ permit: 7, outcome: code });
      if (status !== 429) return;
      // A vendor limits each model by itself: chats go on.
      expect(error?.details).toMatchObject({ retry_after_ms: 7_000 });
      expect(release).toMatchObject({ retry_after_ms: 7_000, about: 'model' });
    },
  );

  it('that never come end in time, as the vendor’s fault; a search that waits no longer says nothing of it', async () => {
    vendor.answer({ body: '', delivery: { silent: true } });
    const { embed, of } = await vendors();
    expect((await embed({ model, dimensions })).error).toMatchObject({ code: 'provider_timeout' });
    expect((await embed({ model, dimensions, within: 50, purpose: 'search' })).error).toMatchObject({
      code: 'deadline_exceeded',
    });
    expect(of('provider.release').map(({ outcome }) => outcome)).toEqual(['provider_timeout', 'cancelled']);
    await expect(vendor.requests.at(-1)?.over).resolves.toBe('dropped');
  });

  it.each([
    ['too few', () => [long(dimensions)]],
    ['too many', () => [long(dimensions), long(dimensions), long(dimensions)]],
    ['null in one', () => [long(dimensions), long(dimensions, null)]],
    ['not a number in one', () => [long(dimensions), long(dimensions, 'NaN')]],
    ['several lengths', () => [long(dimensions), long(dimensions + 1)]],
  ] as const)('that are %s are refused', async (_, made) => {
    vendor.answer(format.answer(made()));
    const { embed } = await vendors();
    const { error, vectors } = await embed({ model, dimensions });
    expect(vectors).toBeUndefined();
    expect(error).toMatchObject({ code: 'provider_error' });
  });

  it('of another length name the setting, and are nothing a text is blamed for', async () => {
    vendor.answer(format.answer([long(dimensions + 3), long(dimensions + 3)]));
    const { embed, of } = await vendors();
    const { error } = await embed({ model, dimensions });
    // Nor does the circuit, which is that of whoever chats too.
    expect(of('provider.release')).toMatchObject([{ outcome: 'ok' }]);
    expect(error?.message).toMatch(
      new RegExp(
        `gives ${dimensions + 3} numbers in a vector, and storage.vector.dimensions is ${dimensions}. Set it to`,
      ),
    );
    expect(error?.details).toMatchObject({ about: 'model', for_people: true });
  });

  it('of a text that is too long are those of its beginning', async () => {
    vendor.answer((request) => {
      const [text = ''] = format.asked(request)?.texts ?? [];
      if (text.length > 3_000) return format.refuse(400, 'maximum context length is 8192 tokens');
      return format.answer([long(dimensions)]);
    });
    const { embed } = await vendors();
    const { vectors } = await embed({ model, dimensions, texts: ['long '.repeat(3_000)] });
    expect(vectors).toHaveLength(dimensions);
    const lengths = vendor.requests.map((request) => format.asked(request)?.texts[0]?.length);
    expect(lengths).toEqual([15_000, 7_500, 3_750, 1_875]);
    const { error } = await embed({ model, dimensions, texts: ['long '.repeat(1_000), 'other'] });
    expect(error).toMatchObject({ code: 'provider_too_large' });
  });
});

it('are refused when a number in them is too large for what they are kept in', async () => {
  vendor.answer(openAiEmbeddings.answer([long(2), long(2, 1e39)]));
  const { embed } = await vendors();
  expect((await embed({})).error).toMatchObject({
    code: 'provider_error',
    message: expect.stringContaining('Infinity'),
  });
});

describe('what is spent', () => {
  it('is reserved before, written when it is known, and settled under the row that says so', async () => {
    vendor.answer(openAiEmbeddings.answer([long(2), long(2)], 9));
    const { embed, of, sent } = await vendors({
      workspaces: { home: { budgets: { per_day_tokens: 1_000 } } },
      models: { budgets: { per_hour_usd: 1 } },
    });
    await embed({});
    const scopes = sent.flatMap(({ to, type }) => (type === 'budget.reserve' ? [to] : []));
    expect(scopes).toEqual(['budget/global', 'budget/home']);
    const [reserved] = of('budget.reserve');
    expect(reserved?.['tokens']).toBe(3);
    expect(reserved?.['cost_usd']).toBeCloseTo((3 * 0.02) / 1e6, 12);
    await until(() => of('budget.settle').length === 2);
    expect(of('workspace.write')).toEqual([
      {
        records: [
          {
            type: 'texts_embedded',
            model: 'openai/text-embedding-3-small',
            calls: 1,
            input_tokens: 9,
            cost_usd: expect.closeTo((9 * 0.02) / 1e6, 12),
          },
        ],
      },
    ]);
    expect(of('budget.settle')).toMatchObject([
      { tokens: 9, seq: 40, reservation: `${reserved?.['turn_id']}:1` },
      { tokens: 9, seq: 40 },
    ]);
  });

  it('is nothing where a budget refuses, the vendor is not asked, and it is said when to come back', async () => {
    const { embed, refusing, of } = await vendors();
    const resets_at = realWorld.iso(realWorld.now() + 60_000);
    refusing.set('budget.reserve', failure('budget_exceeded', 'used up', { scope: 'global', resets_at }));
    const { error } = await embed({});
    expect(error).toMatchObject({ code: 'budget_exceeded', details: { scope: 'global' } });
    expect(error?.details?.['retry_after_ms']).toBeGreaterThan(50_000);
    expect(vendor.requests).toEqual([]);
    expect(of('provider.request')).toEqual([]);
    expect(of('budget.settle')).toMatchObject([{ tokens: 0, seq: 0 }]);
  });

  it('is given back where the permit is refused or the call fails', async () => {
    vendor.answer(openAiEmbeddings.refuse(500, 'no'));
    const { embed, refusing, of } = await vendors();
    await embed({});
    refusing.set('provider.request', failure('provider_unavailable', 'the circuit is open'));
    expect((await embed({})).error).toMatchObject({ code: 'provider_unavailable' });
    expect(of('budget.settle')).toMatchObject([
      { tokens: 0, seq: 0 },
      { tokens: 0, seq: 0 },
    ]);
    expect(vendor.requests).toHaveLength(1);
    expect(of('workspace.write')).toEqual([]);
  });

  it('is not for a model whose price nobody knows, where that is denied', async () => {
    vendor.answer(openAiEmbeddings.answer([long(2), long(2)]));
    const deny = { models: { budgets: { unknown_price: 'deny' } } };
    const { embed } = await vendors(deny);
    const { error } = await embed({ model: 'ollama/some-model' });
    expect(error).toMatchObject({
      code: 'budget_exceeded',
      message: expect.stringContaining('models.pricing."ollama/some-model"'),
    });
    expect((await embed({})).error).toBeUndefined();
    const free = await vendors({
      models: { ...deny.models, pricing: { 'ollama/some-model': { input: 0, output: 0 } } },
    });
    expect((await free.embed({ model: 'ollama/some-model' })).error).toBeUndefined();
    expect(free.of('budget.reserve')).toEqual([]);
  });
});

describe('prices', () => {
  it('are those that OpenRouter tells, and known to be whole only when it has', async () => {
    vendor.answer(openAiEmbeddings.refuse(500, 'later'));
    const { ask } = await vendors();
    type Prices = { readonly prices: readonly unknown[]; readonly whole: boolean };
    expect(await ask<Prices>('vendors.prices', {})).toEqual({ prices: [], whole: false });
    vendor.answer(
      json(200, {
        data: [
          { id: 'a/b', pricing: { prompt: '0.0000025', completion: '0.00001' } },
          { id: 'openrouter/auto', pricing: { prompt: '-1', completion: '-1' } },
        ],
      }),
    );
    const again = await vendors();
    expect(await again.ask<Prices>('vendors.prices', {})).toEqual({
      prices: [{ model: 'router/a/b', input: 2.5, output: 10 }],
      whole: true,
    });
  });
});
