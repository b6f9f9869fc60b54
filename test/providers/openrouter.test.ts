// SPDX-License-Identifier: Apache-2.0
// The provider `openrouter`: the contract, what its list tells of each model, and whose errors it passes on.

import { describe, expect, it, onTestFinished } from 'vitest';
import { createOpenRouter } from '../../src/providers/openrouter.ts';
import type { ChatRequest } from '../../src/providers/provider.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { json, startWireServer, type WireAnswer } from '../wire/server.ts';
import { KEY, TIMEOUTS, testTimers } from '../wire/timers.ts';
import { collect } from './contract.ts';
import { user } from './requests.ts';
import { wireContract } from './wire-contract.ts';

const request: ChatRequest = {
  model: 'openai/gpt-4-turbo',
  systemPrompt: '',
  messages: [user('hello')],
  tools: [],
  options: {},
};

async function start(answer: WireAnswer) {
  const server = await startWireServer();
  server.answer(answer);
  const settings = { name: 'router', api_key: KEY, endpoint: `${server.url}/api/v1`, timeouts: TIMEOUTS };
  const provider = await createOpenRouter(settings, testTimers().world);
  onTestFinished(async () => {
    await provider.close();
    await server.close();
  });
  return { server, provider };
}

describe('the contract', () => {
  wireContract({ format: openAiChat, create: createOpenRouter, model: 'openai/gpt-4-turbo', base: '/api/v1' });
});

it('says which application asks, and whether it is to think', async () => {
  const { server, provider } = await start(openAiChat.refuse('internal'));
  await collect(provider, { ...request, options: { thinking: false } });
  expect(server.requests).toMatchObject([
    {
      headers: { 'x-title': 'Sigil', 'http-referer': expect.stringContaining('sigil') },
      body: { reasoning: { enabled: false } },
    },
  ]);
});

it('takes from its list what each model can do, and leaves out those that do not write', async () => {
  const { provider } = await start(
    json(200, {
      data: [
        {
          id: 'new/seer',
          name: 'New: Seer',
          context_length: 1_000_000,
          architecture: { input_modalities: ['text', 'image'], output_modalities: ['text'] },
          top_provider: { max_completion_tokens: 64_000 },
          supported_parameters: ['tools', 'reasoning', 'temperature'],
          pricing: { prompt: '0.00000125', completion: '0.00001', request: '0' },
        },
        { id: 'new/chooser', pricing: { prompt: '-1', completion: '-1' } },
        { id: 'new/odd', pricing: { prompt: 'a lot', completion: '1' } },
        { id: 'new/free', pricing: { prompt: '0', completion: '0' } },
        { id: 'new/bare', context_length: 8_192, supported_parameters: ['temperature'], top_provider: null },
        { id: 'new/painter', architecture: { output_modalities: ['image'] } },
        { id: 7 },
        'nonsense',
      ],
    }),
  );
  const models = await provider.listModels();
  expect(models.find(({ id }) => id === 'new/seer')).toEqual({
    id: 'new/seer',
    name: 'New: Seer',
    provider: 'router',
    capabilities: {
      tools: true,
      vision: true,
      streaming: true,
      thinking: true,
      maxContextTokens: 1_000_000,
      maxOutputTokens: 64_000,
    },
    price: { input: 1.25, output: 10 },
  });
  const priceOf = (wanted: string) => models.find(({ id }) => id === wanted)?.price;
  expect(priceOf('new/free')).toEqual({ input: 0, output: 0 });
  for (const unknown of ['new/chooser', 'new/odd', 'new/bare', 'anthropic/claude-opus'])
    expect(priceOf(unknown)).toBeUndefined();
  expect(models.map(({ id }) => id)).toContain('new/odd');
  expect(models.find(({ id }) => id === 'new/bare')).toMatchObject({
    name: 'new/bare',
    capabilities: { tools: false, vision: false, maxContextTokens: 8_192 },
  });
  expect(models.some(({ id }) => id === 'new/painter')).toBe(false);
  expect(models.map(({ id }) => id)).toContain('anthropic/claude-opus');
});

it('tells why its list could not be had, and goes on with what it knows', async () => {
  const { provider } = await start(openAiChat.refuse('bad_key'));
  expect((await provider.listModels()).map(({ id }) => id)).toContain('google/gemini-pro');
  expect(provider.status()).toMatchObject({ available: true, message: expect.stringContaining('Incorrect API key') });
});

it.each([
  [429, { provider_name: 'Azure', raw: 'slow down' }, 'provider_rate_limited', 'model'],
  [502, { provider_name: 'Azure', raw: '{"boom":1}' }, 'provider_error', 'model'],
  [403, { reasons: ['violence'], flagged_input: 'hello' }, 'provider_bad_request', 'request'],
  [402, undefined, 'provider_quota', 'key'],
])('tells whose %i it is when %j comes with it', async (status, metadata, code, about) => {
  const { provider } = await start(
    json(status, { error: { code: status, message: 'Provider returned error', metadata } }),
  );
  expect(await collect(provider, request)).toMatchObject([{ type: 'error', error: { code, details: { about } } }]);
});
