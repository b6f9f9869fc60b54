// SPDX-License-Identifier: Apache-2.0
// The smallest call there is, as each vendor is sent it: a real question, for as little as it takes, that leaves nothing behind.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CallOutcome } from '../../src/actors/provider/protocol.ts';
import { createModelStream } from '../../src/composition/model-stream.ts';
import { createProbes } from '../../src/composition/probes.ts';
import type { ProviderEntry } from '../../src/composition/provider-loader.ts';
import { realWorld } from '../../src/composition/real-world.ts';
import { noSecrets } from '../../src/composition/secrets.ts';
import { anthropicMessages } from '../wire/anthropic.ts';
import type { WireFormat } from '../wire/format.ts';
import { geminiContent } from '../wire/google.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { openAiResponses } from '../wire/openai-responses.ts';
import { startWireServer, type WireServer } from '../wire/server.ts';

const KEY = 'sk-probe-4417be0a92';
const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 };
const timeouts = { connect: 5_000, first_event: 5_000, gap: 5_000 };

let vendor: WireServer;
beforeAll(async () => {
  vendor = await startWireServer();
});
beforeEach(() => vendor.requests.splice(0));
afterAll(() => vendor.close());

function probe(type: string, within = 10_000): Promise<CallOutcome> {
  const settings = { name: 'mine', api_key: KEY, endpoint: vendor.url, timeouts };
  const providers = new Map<string, ProviderEntry>([['mine', { type, settings }]]);
  const secrets = { ...noSecrets(), resolve: async (written: string) => written };
  const models = createModelStream({ providers, world: realWorld, secrets });
  const probes = createProbes({ stream: models.stream, world: realWorld });
  return new Promise<CallOutcome>((resolve) => {
    probes.probe({ provider: 'mine', model: 'some-model', within }, resolve);
  }).finally(() => {
    probes.close();
    models.close();
  });
}

const FORMATS: readonly (readonly [string, WireFormat, number])[] = [
  ['anthropic', anthropicMessages, 1],
  ['google', geminiContent, 1],
  // Responses have no fewer.
  ['openai', openAiResponses, 16],
  ['openai-compatible', openAiChat, 1],
  ['openrouter', openAiChat, 1],
];

describe.each(FORMATS)('%s', (type, format, maxTokens) => {
  it('is asked a short question and no more than that, and its answer is cut off as early as it can be', async () => {
    vendor.answer(format.stream({ parts: [{ type: 'text', deltas: ['He'] }], finish: 'length', usage }));
    expect(await probe(type)).toEqual({
      outcome: 'ok',
      took_ms: expect.any(Number),
      first_event_ms: expect.any(Number),
    });
    const sent = vendor.requests.map(format.sent);
    expect(sent).toMatchObject([{ key: KEY, tools: [], system: undefined, maxTokens, said: [{ role: 'user' }] }]);
  });

  it('that answers without a word is well, too', async () => {
    vendor.answer(format.stream({ parts: [], finish: 'length', usage }));
    expect(await probe(type)).toMatchObject({ outcome: 'ok' });
  });

  it('that refuses says what and for how long', async () => {
    vendor.answer(format.refuse('rate_limit', { 'retry-after': '7' }));
    expect(await probe(type)).toMatchObject({
      outcome: 'provider_rate_limited',
      message: expect.any(String),
      retry_after_ms: 7_000,
      about: expect.stringMatching(/key|model|provider/),
    });
  });
});

it('is given up when it takes as long as nobody waits for', async () => {
  vendor.answer({ body: '', delivery: { silent: true } });
  const asked = vendor.next();
  expect(await probe('openai-compatible', 100)).toMatchObject({ outcome: 'provider_timeout' });
  expect(await (await asked).over).toBe('dropped');
});
