// SPDX-License-Identifier: Apache-2.0
// Which model answers, which provider types there are, and what models cost.

import { describe, expect, it } from 'vitest';
import { priceOf } from '../../src/providers/pricing.ts';
import {
  createProvider,
  defaultModel,
  isProviderType,
  knownCapabilities,
  knownModels,
  PROVIDER_TYPES,
} from '../../src/providers/registry.ts';
import { type ModelChoice, type RoutableProvider, routeModel } from '../../src/providers/router.ts';
import { inputTokens } from '../../src/providers/sigil/tokens.ts';
import { TIMEOUTS, testTimers } from '../wire/timers.ts';
import { request } from './requests.ts';

const { world } = testTimers();
const settings = (name: string) => ({ name, endpoint: 'http://127.0.0.1:9/v1', timeouts: TIMEOUTS });

const providers: readonly RoutableProvider[] = [
  { name: 'sigil', models: ['offline'] },
  { name: 'local', models: ['a/b:c'], any_model: true },
];

describe('routing', () => {
  const chosen: readonly (readonly [ModelChoice, string, string])[] = [
    [{ requested: 'local/x', session: 'sigil/offline' }, 'local', 'x'],
    [{ requested: '', session: 'sigil/offline', fallback: 'local/x' }, 'sigil', 'offline'],
    [{ session: '', workspace: 'local/org/model:7b', fallback: 'sigil/offline' }, 'local', 'org/model:7b'],
    [{ fallback: 'sigil/offline' }, 'sigil', 'offline'],
  ];
  it.each(chosen)('%j goes to %s, %s', (choice, provider, model) => {
    expect(routeModel(choice, providers)).toEqual({ ok: true, provider, model });
  });

  const refused: readonly (readonly [ModelChoice, string, RegExp])[] = [
    [{ requested: 'nobody/x' }, 'validation_failed', /no provider "nobody".*sigil, local/],
    [{ session: 'sigil/gpt' }, 'validation_failed', /no model "gpt".*offline/],
    [{ requested: 'offline' }, 'validation_failed', /"provider\/model".*sigil\/offline/],
    [{ requested: '/x' }, 'validation_failed', /"provider\/model"/],
    [{ requested: 'sigil/' }, 'validation_failed', /"provider\/model"/],
    [{ fallback: 'nobody/x' }, 'provider_unavailable', /no provider "nobody"/],
    [{}, 'provider_unavailable', /No model is configured.*sigil\/offline/],
  ];
  it.each(refused)('%j is refused as %s', (choice, code, message) => {
    expect(routeModel(choice, providers)).toMatchObject({
      ok: false,
      failure: { code, message: expect.stringMatching(message) },
    });
  });
});

describe('provider types', () => {
  it('knows its models without loading them, and the table agrees with the provider', async () => {
    // Nothing listens there, so that each tells its table and no more.
    for (const type of PROVIDER_TYPES) {
      const provider = await createProvider(type, settings(type), world);
      expect((await provider.listModels()).map(({ id }) => id)).toEqual(knownModels(type).models);
      const chosen = defaultModel(type);
      if (chosen !== undefined) expect(knownModels(type).models).toContain(chosen);
      await provider.close();
    }
    expect(knownModels('constructor')).toEqual({ models: [], any_model: false });
    expect(isProviderType('toString')).toBe(false);
  });

  it('names the known types when one does not exist', async () => {
    const making = createProvider('nobody', settings('nobody'), world);
    await expect(making).rejects.toMatchObject({
      failure: { code: 'validation_failed', message: expect.stringContaining('sigil') },
    });
  });

  it('tells what a model can do', async () => {
    const provider = await createProvider('sigil', settings('sigil'), world);
    const [model] = await provider.listModels();
    expect(model).toMatchObject({ id: 'offline', capabilities: { tools: true, streaming: true } });
    expect(knownCapabilities('sigil', 'offline')).toEqual(model?.capabilities);
    expect(knownCapabilities('nobody', 'offline').maxContextTokens).toBeGreaterThan(0);
  });

  it('names models of other vendors in the table of a router', () => {
    expect(knownModels('openrouter').models).toEqual(
      expect.arrayContaining(['openai/gpt-4-turbo', 'anthropic/claude-opus', 'google/gemini-pro']),
    );
  });

  it('refuses an entry that does not say where its server is', async () => {
    const making = createProvider('openai-compatible', { name: 'mine', timeouts: TIMEOUTS }, world);
    await expect(making).rejects.toMatchObject({
      failure: {
        code: 'validation_failed',
        message: expect.stringMatching(/mine has no endpoint.*providers\.mine\.endpoint/),
      },
    });
  });
});

describe('prices', () => {
  it('are free for the offline model, unknown for what nobody knows, and the configuration is above the table', () => {
    expect(priceOf('sigil/offline')).toEqual({ input: 0, output: 0 });
    expect(priceOf('openai/gpt-4.1')).toEqual({ input: 2, output: 8 });
    expect(priceOf('openai/gpt-4.1-2025-04-14')).toEqual({ input: 2, output: 8 });
    expect(priceOf('anthropic/claude-opus-4-5-20251101')).toEqual(priceOf('anthropic/claude-opus-4-5'));
    expect(priceOf('openai/gpt-4o-2024-05-13')).toEqual({ input: 5, output: 15 });
    expect(priceOf('openai/text-embedding-3-small')).toEqual({ input: 0.02, output: 0 });
    expect(knownModels('openai').models.filter((id) => priceOf(`openai/${id}`) === undefined)).toEqual([]);
    expect(priceOf('toString')).toBeUndefined();
    expect(priceOf('constructor', {})).toBeUndefined();
    expect(priceOf('sigil/offline', { 'sigil/offline': { input: 1, output: 2 } })).toEqual({ input: 1, output: 2 });
  });
});

describe('tokens of a request', () => {
  it('count prompt, messages, calls and tools', () => {
    const call = { id: 'ignored', name: 'abcd', arguments: '{"a":1}' };
    const messages = [{ role: 'assistant', content: '', toolCalls: [call], origin: 'system' } as const];
    expect(inputTokens(request(messages, { systemPrompt: 'x', tools: [] }))).toBe(3);
  });
});
