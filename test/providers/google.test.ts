// SPDX-License-Identifier: Apache-2.0
// The provider `google`, through its SDK against a server that speaks the Gemini API.

import { describe, expect, it, onTestFinished } from 'vitest';
import { createGoogleProvider } from '../../src/providers/google.ts';
import type { ChatEvent, ChatMessage, ChatRequest } from '../../src/providers/provider.ts';
import type { WireReply } from '../wire/format.ts';
import { sse } from '../wire/format.ts';
import { GeminiBody, geminiContent } from '../wire/google.ts';
import { json, startWireServer, type WireAnswer } from '../wire/server.ts';
import { KEY, TIMEOUTS, testTimers } from '../wire/timers.ts';
import { collect, expectValidStream, textOf } from './contract.ts';
import { user } from './requests.ts';
import { wireContract } from './wire-contract.ts';

const usage = { inputTokens: 12, outputTokens: 17, cacheReadTokens: 0, cacheWriteTokens: 0 };
const reply: WireReply = { parts: [{ type: 'text', deltas: ['Hi'] }], finish: 'stop', usage };

function request(more: Partial<ChatRequest> = {}): ChatRequest {
  return { model: 'gemini-3.8-flash', systemPrompt: '', messages: [user('hello')], tools: [], options: {}, ...more };
}

async function start(answer: WireAnswer = geminiContent.stream(reply)) {
  const server = await startWireServer();
  server.answer(answer);
  const { world } = testTimers();
  const settings = { name: 'wire', api_key: KEY, endpoint: `${server.url}/v1beta/`, timeouts: TIMEOUTS };
  const provider = await createGoogleProvider(settings, world);
  onTestFinished(async () => {
    await provider.close();
    await server.close();
  });
  const bodies = () => server.requests.map(({ body }) => GeminiBody.parse(body));
  return { server, provider, bodies, events: (asked: ChatRequest) => collect(provider, asked) };
}

const chunks = (...all: readonly unknown[]): WireAnswer => sse(all.map((one) => ({ data: JSON.stringify(one) })));
const part = (...parts: readonly unknown[]) => ({ candidates: [{ content: { role: 'model', parts }, index: 0 }] });
const end = (finishReason: string, more: object = {}) => ({ candidates: [{ finishReason, index: 0, ...more }] });

describe('google', () => {
  wireContract({ format: geminiContent, create: createGoogleProvider, model: 'gemini-2.5-flash', base: '' });
});

describe('its stream', () => {
  it('gives calls that come without an id, or with the same one, ids of their own', async () => {
    const { events } = await start(
      chunks(
        part({ functionCall: { name: 'clock', args: {} } }, { functionCall: { id: 'a', name: 'clock' } }),
        part({ functionCall: { id: 'a', name: 'clock', args: { zone: 'UTC' } } }),
        end('STOP'),
      ),
    );
    const all = await events(request());
    expectValidStream(all);
    expect(all.filter(({ type }) => type === 'tool_call')).toMatchObject([
      { id: 'call_id-1', arguments: '{}' },
      { id: 'a', arguments: '{}' },
      { id: 'call_id-2', arguments: '{"zone":"UTC"}' },
    ]);
  });

  it.each(['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII'])(
    'stopped for %s is filtered, and calls nothing',
    async (reason) => {
      const { events } = await start(chunks(part({ text: 'I', functionCall: { name: 'clock' } }), end(reason)));
      const all = await events(request());
      expectValidStream(all);
      expect(textOf(all)).toBe('I');
      expect(all.at(-1)).toEqual({ type: 'done', finishReason: 'content_filter' });
    },
  );

  it('of a prompt that is blocked is filtered', async () => {
    const { events } = await start(
      chunks({ promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 9 } }),
    );
    expect(await events(request())).toEqual([
      { type: 'usage', inputTokens: 9, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
      { type: 'done', finishReason: 'content_filter' },
    ]);
  });

  it.each(['MALFORMED_FUNCTION_CALL', 'OTHER', 'SOMETHING_NEW'])(
    'stopped for %s is an error that says so',
    async (reason) => {
      const { events } = await start(chunks(part({ text: 'I' }), end(reason, { finishMessage: 'It went wrong.' })));
      const all = await events(request());
      expectValidStream(all);
      expect(all.at(-1)).toMatchObject({
        error: {
          code: 'provider_error',
          message: `wire gave up its answer: ${reason} (It went wrong.).`,
          details: { vendor_code: reason },
        },
      });
    },
  );

  it('may name its finish with every chunk, and counts in totals', async () => {
    const counts = {
      promptTokenCount: 100,
      cachedContentTokenCount: 60,
      candidatesTokenCount: 2,
      thoughtsTokenCount: 5,
    };
    const { events } = await start(
      chunks(
        {
          candidates: [{ content: { parts: [{ text: 'a' }] }, finishReason: 'STOP' }],
          usageMetadata: { promptTokenCount: 1 },
        },
        { candidates: [{ content: { parts: [{ text: 'b' }] }, finishReason: 'STOP' }], usageMetadata: counts },
      ),
    );
    expect(await events(request())).toEqual([
      { type: 'text_delta', text: 'a' },
      { type: 'text_delta', text: 'b' },
      { type: 'usage', inputTokens: 40, outputTokens: 7, cacheReadTokens: 60, cacheWriteTokens: 0 },
      { type: 'done', finishReason: 'stop' },
    ]);
  });
});

describe('thinking', () => {
  it.each([
    ['gemini-3.8-flash', true, { includeThoughts: true }],
    ['gemini-2.5-flash', true, { includeThoughts: true }],
    ['gemini-3.8-flash', undefined, undefined],
    ['gemini-3.8-flash', false, { thinkingLevel: 'MINIMAL' }],
    ['gemini-pro-latest', false, { thinkingLevel: 'LOW' }],
    ['gemini-2.5-flash', false, { thinkingBudget: 0 }],
    ['gemini-2.5-pro', false, { thinkingBudget: 128 }],
    ['gemini-2.0-flash', true, undefined],
    ['gemma-3-27b-it', true, undefined],
  ])('of %s asked for as %s is sent as %j', async (model, thinking, sent) => {
    const { events, bodies } = await start();
    await events(request({ model, options: thinking === undefined ? {} : { thinking } }));
    expect(bodies()[0]?.generationConfig?.thinkingConfig).toEqual(sent);
  });
});

describe('signatures on a tool turn', () => {
  const signed = chunks(
    part({ text: 'Hm.', thought: true }, { text: 'Looking.' }),
    part({ functionCall: { name: 'clock', args: {} }, thoughtSignature: 'c2lnbmVk' }),
    part({ functionCall: { name: 'clock', args: { zone: 'UTC' } } }),
    end('STOP'),
  );
  const answered = (events: readonly ChatEvent[], content = textOf(events)): readonly ChatMessage[] => {
    const toolCalls = events.flatMap((event) => (event.type === 'tool_call' ? [event] : []));
    const results = toolCalls.map(
      ({ id }): ChatMessage => ({ role: 'tool', content: 'noon', toolCallId: id, origin: 'tool_output' }),
    );
    return [user('hello'), { role: 'assistant', content, toolCalls, origin: 'system' }, ...results];
  };

  it('are given back where they came', async () => {
    const { events, bodies } = await start(signed);
    await events(request({ messages: answered(await events(request())) }));
    expect(bodies()[1]?.contents.slice(1)).toEqual([
      {
        role: 'model',
        parts: [
          { text: 'Looking.' },
          { functionCall: { id: 'call_id-1', name: 'clock', args: {} }, thoughtSignature: 'c2lnbmVk' },
          { functionCall: { id: 'call_id-2', name: 'clock', args: { zone: 'UTC' } } },
        ],
      },
      {
        role: 'user',
        parts: ['call_id-1', 'call_id-2'].map((id) => ({
          functionResponse: { id, name: 'clock', response: { output: 'noon' } },
        })),
      },
    ]);
  });

  it('that are not known are replaced by the one the vendor takes for that, where it wants one', async () => {
    const messages = answered(await (await start(signed)).events(request()));
    const { events, bodies } = await start();
    await events(request({ messages }));
    await events(request({ model: 'gemini-2.5-flash', messages }));
    const signatures = bodies().map(({ contents }) =>
      contents[1]?.parts.map((one) => ('thoughtSignature' in one ? one.thoughtSignature : undefined)),
    );
    expect(signatures).toEqual([
      [undefined, 'skip_thought_signature_validator', undefined],
      [undefined, undefined, undefined],
    ]);
  });
});

describe('its errors', () => {
  it('tell how long to wait where it stands in the body', async () => {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.074824224s' }];
    const { events } = await start(
      json(429, { error: { code: 429, message: 'Slow down.', status: 'RESOURCE_EXHAUSTED', details } }),
    );
    expect(await events(request())).toMatchObject([
      {
        error: {
          code: 'provider_rate_limited',
          details: { retry_after_ms: 34_075, vendor_code: 'RESOURCE_EXHAUSTED' },
        },
      },
    ]);
  });
});

describe('vectors', () => {
  const { signal } = new AbortController();

  it('are of length 1, one for each text, in parts', async () => {
    const { provider, server } = await start();
    server.answer(({ body }) => {
      const { requests } = body as { requests: unknown[] };
      return json(200, { embeddings: requests.map(() => ({ values: [3, 4] })) });
    });
    const made = await provider.embed?.(
      Array.from({ length: 101 }, (_, at) => String(at)),
      {
        model: 'gemini-embedding-001',
        dimensions: 2,
        signal,
      },
    );
    expect(made?.vectors).toHaveLength(101);
    expect([...(made?.vectors[0] ?? [])].map((value) => value.toFixed(3))).toEqual(['0.600', '0.800']);
    expect(server.requests.map(({ path }) => path)).toEqual([
      '/v1beta/models/gemini-embedding-001:batchEmbedContents',
      '/v1beta/models/gemini-embedding-001:batchEmbedContents',
    ]);
    expect(server.requests[1]).toMatchObject({
      body: { requests: [{ content: { parts: [{ text: '100' }] }, outputDimensionality: 2 }] },
    });
  });

  it('are refused with the codes of a call, and when some are missing', async () => {
    const { provider, server } = await start(geminiContent.refuse('bad_key'));
    const embed = () => provider.embed?.(['a', 'b'], { model: 'm', signal });
    await expect(embed()).rejects.toMatchObject({ failure: { code: 'provider_auth', details: { model: 'm' } } });
    server.answer(json(200, { embeddings: [{ values: [1] }] }));
    await expect(embed()).rejects.toMatchObject({
      failure: { code: 'provider_error', message: expect.stringContaining('1 vectors') },
    });
  });
});

describe('its models', () => {
  it('are those that answer chats', async () => {
    const { provider } = await start(
      json(200, {
        models: [
          {
            name: 'models/gemini-9-pro',
            displayName: 'Nine',
            inputTokenLimit: 7,
            outputTokenLimit: 5,
            thinking: true,
            supportedGenerationMethods: ['generateContent'],
          },
          { name: 'models/gemini-embedding-001', supportedGenerationMethods: ['embedContent'] },
        ],
      }),
    );
    const models = await provider.listModels();
    expect(models.find(({ id }) => id === 'gemini-9-pro')).toMatchObject({
      name: 'Nine',
      provider: 'wire',
      capabilities: { maxContextTokens: 7, maxOutputTokens: 5, thinking: true },
    });
    expect(models.map(({ id }) => id)).not.toContain('gemini-embedding-001');
    expect(models.map(({ id }) => id)).toContain('gemini-2.5-pro');
  });
});
