// SPDX-License-Identifier: Apache-2.0
// A turn through a vendor: the whole gateway with a model that is asked over HTTP, and what people see when it cannot be.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { knownTypes } from '../../src/composition/known-types.ts';
import { loadConfig } from '../../src/config/load.ts';
import { machine } from '../config/machine.ts';
import { AnthropicBody, anthropicMessages } from '../wire/anthropic.ts';
import { GeminiBody, geminiContent } from '../wire/google.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer, type WireServer } from '../wire/server.ts';
import { closeHouses, type House, startHouse, textOf } from './house.ts';

const KEY = 'sk-flow-7d0f3a92c4';
const usage = { inputTokens: 30, outputTokens: 5, cacheReadTokens: 10, cacheWriteTokens: 0 };

let vendor: WireServer;
let house: House;
beforeAll(async () => {
  vendor = await startWireServer();
  house = await startHouse({
    providers: {
      mine: { type: 'openai-compatible', endpoint: vendor.url, api_key: KEY },
      anthropic: { endpoint: vendor.url, api_key: KEY },
      google: { endpoint: vendor.url, api_key: KEY },
    },
    models: { default: 'mine/local-model' },
  });
});
beforeEach(() => {
  vendor.requests.splice(0);
});
afterAll(async () => {
  await closeHouses();
  await vendor.close();
});

describe('a model that is asked over HTTP', () => {
  it('answers, calls tools, and is told what they gave', async () => {
    const calls = [{ id: 'call_1', name: 'calculator', arguments: ['{"expression":', '"17*23"}'] }];
    vendor.answer((asked) =>
      openAiChat.stream(
        openAiChat.sent(asked).toolResults.length === 0
          ? { parts: [{ type: 'tools', calls }], finish: 'tool_calls', usage }
          : { parts: [{ type: 'text', deltas: ['It is ', '391.'] }], finish: 'stop', usage },
      ),
    );
    const { owner } = house;
    const events = await (await owner.stream('what is 17*23?')).all();
    expect(textOf(events)).toBe('It is 391.');
    expect(events.at(-1)?.event).toBe('done');
    const [first, second] = vendor.requests.map(openAiChat.sent);
    expect(first).toMatchObject({ key: KEY, model: 'local-model', said: [{ role: 'user', text: 'what is 17*23?' }] });
    expect(first?.tools.map(({ name }) => name)).toContain('calculator');
    expect(second).toMatchObject({
      toolCalls: [{ id: 'call_1', name: 'calculator' }],
      toolResults: [{ id: 'call_1', content: expect.stringContaining('391') }],
    });
  });

  describe.each([
    ['anthropic', anthropicMessages, 'claude-opus-5-5'],
    ['google', geminiContent, 'gemini-3.8-flash'],
  ] as const)('by %s', (type, format, model) => {
    it('is given back what it signed before a call, with the result of the call', async () => {
      const calls = [{ id: 'call_1', name: 'calculator', arguments: ['{"expression":"17*23"}'] }];
      vendor.answer((asked) =>
        format.stream(
          format.sent(asked).toolResults.length === 0
            ? {
                parts: [
                  { type: 'thinking', deltas: ['A product.'] },
                  { type: 'text', deltas: ['Let me ', 'see. '] },
                  { type: 'tools', calls },
                ],
                finish: 'tool_calls',
                usage,
              }
            : { parts: [{ type: 'text', deltas: ['It is 391.'] }], finish: 'stop', usage },
        ),
      );
      const events = await (await house.owner.stream('what is 17*23?', { model: `${type}/${model}` })).all();
      expect(textOf(events)).toContain('It is 391.');
      const second = vendor.requests[1]?.body;
      const said =
        type === 'anthropic'
          ? AnthropicBody.parse(second).messages.flatMap(({ content }) => content)
          : GeminiBody.parse(second).contents.flatMap(({ parts }) => parts);
      expect(said).toContainEqual(
        type === 'anthropic'
          ? expect.objectContaining({ type: 'thinking', thinking: 'A product.', signature: expect.any(String) })
          : expect.objectContaining({ thoughtSignature: 'Cp8BAcu98PCt2tqYdDY7BKkZ' }),
      );
    });
  });

  it('that refuses its key ends the turn with what to do, and without the key', async () => {
    vendor.answer(openAiChat.refuse('bad_key'));
    const { owner } = house;
    const reply = await owner.chat('hello');
    expect(reply.status).toBe(502);
    expect(reply.body).toMatchObject({ code: 'provider_unavailable' });
    expect(reply.body.detail).toMatch(/mine\/local-model: provider_auth: .*Incorrect API key/);
    expect(JSON.stringify(reply.body)).not.toContain(KEY);
  });
});

describe('an entry without what it needs', () => {
  it('is left out, told with the key, the variable and the command, and the rest runs', async () => {
    const flags = { providers: { openai: { type: 'openai' }, local: { type: 'openai-compatible' } } };
    const result = await loadConfig({ known: knownTypes, machine: machine(), flags });
    if (!result.ok) throw new Error('the configuration was refused');
    expect(result.config.providers).toEqual({});
    expect(result.quarantined).toMatchObject([
      {
        path: 'providers.openai',
        code: 'missing_key',
        message: expect.stringContaining('The provider openai has no api_key.'),
        advice: expect.stringMatching(
          /OPENAI_API_KEY.*SIGIL_PROVIDERS_OPENAI_API_KEY.*`sigil secret set openai\/api-key`/,
        ),
      },
      { path: 'providers.local', code: 'missing_endpoint', advice: expect.stringContaining('endpoint') },
    ]);
  });
});
