// SPDX-License-Identifier: Apache-2.0
// Which model answers, which provider types there are, and what models cost.

import { describe, expect, it } from 'vitest';
import { priceOf } from '../../src/providers/pricing.ts';
import { createProvider, isProviderType, knownModels, PROVIDER_TYPES } from '../../src/providers/registry.ts';
import { type ModelChoice, type RoutableProvider, routeModel } from '../../src/providers/router.ts';
import { inputTokens } from '../../src/providers/sigil/tokens.ts';
import { request } from './requests.ts';

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
    for (const type of PROVIDER_TYPES) {
      const provider = await createProvider(type, { pause: async () => undefined });
      expect((await provider.listModels()).map(({ id }) => id)).toEqual(knownModels(type).models);
    }
    expect(knownModels('constructor')).toEqual({ models: [], any_model: false });
    expect(isProviderType('toString')).toBe(false);
  });

  it('names the known types when one does not exist', async () => {
    const making = createProvider('nobody', { pause: async () => undefined });
    await expect(making).rejects.toMatchObject({
      failure: { code: 'validation_failed', message: expect.stringContaining('sigil') },
    });
  });

  it('tells what a model can do', async () => {
    const provider = await createProvider('sigil', { pause: async () => undefined });
    const [model] = await provider.listModels();
    expect(model).toMatchObject({ id: 'offline', capabilities: { tools: true, streaming: true } });
  });
});

describe('prices', () => {
  it('are free for the offline model, unknown for what nobody knows, and the configuration is above the table', () => {
    expect(priceOf('sigil/offline')).toEqual({ input: 0, output: 0 });
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
