// SPDX-License-Identifier: Apache-2.0
// The provider `openai`: the contract over both of its interfaces, and how it finds out which one there is.

import { describe, expect, it, onTestFinished } from 'vitest';
import { createOpenAi } from '../../src/providers/openai.ts';
import { createOpenAiCompatible } from '../../src/providers/openai-compatible.ts';
import type { ChatRequest } from '../../src/providers/provider.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { openAiResponses } from '../wire/openai-responses.ts';
import { json, startWireServer, type WireRequest } from '../wire/server.ts';
import { KEY, TIMEOUTS, testTimers } from '../wire/timers.ts';
import { collect, expectValidStream, textOf } from './contract.ts';
import { user } from './requests.ts';
import { wireContract } from './wire-contract.ts';

const hello = { parts: [{ type: 'text', deltas: ['Hi'] }], finish: 'stop' } as const;
const reply = { ...hello, usage: { inputTokens: 3, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 } };
const request: ChatRequest = {
  model: 'wire-model',
  systemPrompt: '',
  messages: [user('hello')],
  tools: [],
  options: {},
};

async function start(answer: Parameters<Awaited<ReturnType<typeof startWireServer>>['answer']>[0], own = false) {
  const server = await startWireServer();
  server.answer(answer);
  const { world } = testTimers();
  const settings = { name: 'wire', api_key: KEY, endpoint: `${server.url}/v1`, timeouts: TIMEOUTS };
  const provider = await (own ? createOpenAiCompatible(settings, world) : createOpenAi(settings, world));
  onTestFinished(async () => {
    await provider.close();
    await server.close();
  });
  return { server, provider };
}

describe('Responses', () => {
  wireContract({ format: openAiResponses, create: createOpenAi, model: 'gpt-5', base: '/v1' });
});

describe('chat completions', () => {
  wireContract({ format: openAiChat, create: createOpenAiCompatible, model: 'local-model', base: '/v1' });
});

describe('which of the two there is', () => {
  const pathsOf = (requests: readonly WireRequest[]): string[] => requests.map(({ path }) => path);

  it('is found out by the first call, and remembered', async () => {
    const { server, provider } = await start((asked) =>
      openAiChat.isChat(asked) ? openAiChat.stream(reply) : json(404, { detail: 'Not Found' }),
    );
    for (let call = 0; call < 2; call += 1) expect(textOf(await collect(provider, request))).toBe('Hi');
    expect(pathsOf(server.requests)).toEqual(['/v1/responses', '/v1/chat/completions', '/v1/chat/completions']);
  });

  it('is not in doubt when only the model is missing', async () => {
    const { server, provider } = await start(openAiResponses.refuse('no_model'));
    const events = await collect(provider, request);
    expect(events).toMatchObject([{ type: 'error', error: { code: 'provider_model_unknown' } }]);
    expect(pathsOf(server.requests)).toEqual(['/v1/responses']);
  });

  it('does not matter to stop sequences, which only one of them knows', async () => {
    const { server, provider } = await start((asked) =>
      openAiChat.isChat(asked) ? openAiChat.stream(reply) : openAiResponses.stream(reply),
    );
    await collect(provider, { ...request, options: { stopSequences: ['END'] } });
    await collect(provider, request);
    expect(pathsOf(server.requests)).toEqual(['/v1/chat/completions', '/v1/responses']);
    expect(openAiChat.sent(server.requests[0] as WireRequest)).toMatchObject({ stopSequences: ['END'] });
  });
});

describe('servers that speak it in their own way', () => {
  const chunks = (...all: readonly unknown[]) => ({
    headers: { 'content-type': 'text/event-stream' },
    body: all.map((one) => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join(''),
  });
  const delta = (said: object, finish_reason: string | null = null) => ({
    choices: [{ index: 0, delta: said, finish_reason }],
  });
  const call = (index: number | undefined, id: string | undefined, name: string, written: string) => ({
    ...(index !== undefined && { index }),
    ...(id !== undefined && { id }),
    type: 'function',
    function: { name, arguments: written },
  });
  const answered = async (...all: readonly unknown[]) => {
    const { provider } = await start(chunks(...all), true);
    const events = await collect(provider, request);
    expectValidStream(events);
    return events;
  };

  it('may tell no counts and leave out the last line', async () => {
    const events = await answered(delta({ content: 'eight ch' }), delta({}, 'stop'));
    expect(events).toEqual([
      { type: 'text_delta', text: 'eight ch' },
      {
        type: 'usage',
        inputTokens: 2,
        outputTokens: 2,
        cacheReadTokens: 0,
        cacheWriteTokens: 0,
        estimated: true,
      },
      { type: 'done', finishReason: 'stop' },
    ]);
  });

  it('may give all calls the same number, say `stop` after them, or give no ids', async () => {
    const same = await answered(
      delta({ tool_calls: [call(0, 'a', 'clock', '{}')] }),
      delta({ tool_calls: [call(0, 'b', 'clock', '{"timezone":"UTC"}')] }, 'stop'),
      '[DONE]',
    );
    expect(same.filter(({ type }) => type === 'tool_call')).toMatchObject([
      { id: 'a', arguments: '{}' },
      { id: 'b', arguments: '{"timezone":"UTC"}' },
    ]);
    const bare = await answered(
      delta({ tool_calls: [call(undefined, undefined, 'clock', ''), call(undefined, undefined, 'search', '{}')] }),
      delta({}, 'tool_calls'),
      '[DONE]',
    );
    expect(bare.filter(({ type }) => type === 'tool_call')).toMatchObject([
      { id: 'id-1', name: 'clock', arguments: '{}' },
      { id: 'id-2', name: 'search', arguments: '{}' },
    ]);
  });

  it('may call thinking by another name, and send comments while they think', async () => {
    const body = `: thinking\n\n${chunks(delta({ reasoning: 'Hm.' }), delta({ content: 'Yes.' }, 'stop'), '[DONE]').body}`;
    const { provider } = await start({ headers: { 'content-type': 'text/event-stream' }, body }, true);
    const events = await collect(provider, request);
    expect(events.slice(0, 2)).toEqual([
      { type: 'thinking_delta', text: 'Hm.' },
      { type: 'text_delta', text: 'Yes.' },
    ]);
  });

  it.each([
    [{ error: 'model "x" not found, try pulling it first' }, 404, 'provider_model_unknown'],
    [{ detail: [{ msg: 'field required' }] }, 422, 'provider_bad_request'],
    [{ message: 'the prompt is too long for the context' }, 400, 'provider_too_large'],
    [{ error: { message: 'You exceeded your current quota.', code: 'insufficient_quota' } }, 429, 'provider_quota'],
  ])('may write an error as %j', async (body, status, code) => {
    const { provider } = await start(json(status, body), true);
    expect(await collect(provider, request)).toMatchObject([{ type: 'error', error: { code } }]);
  });

  it('are asked without a key where there is none', async () => {
    const server = await startWireServer();
    server.answer(openAiChat.stream(reply));
    const settings = { name: 'mine', endpoint: server.url, timeouts: TIMEOUTS };
    const provider = await createOpenAiCompatible(settings, testTimers().world);
    await collect(provider, request);
    expect(server.requests).toMatchObject([{ path: '/v1/chat/completions' }]);
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
    await provider.close();
    await server.close();
  });
});

describe('vectors', () => {
  const vectors = (count: number) =>
    json(200, {
      data: Array.from({ length: count }, (_, index) => ({ index, embedding: [index, 0.5] })).toReversed(),
      usage: { prompt_tokens: 7 },
    });
  const { signal } = new AbortController();

  it('come in the order of their texts, however the vendor sorts them', async () => {
    const { provider, server } = await start(vectors(3));
    const made = await provider.embed?.(['a', 'b', 'c'], { model: 'text-embedding-3-small', dimensions: 2, signal });
    expect(made?.vectors.map((vector) => [...vector])).toEqual([
      [0, 0.5],
      [1, 0.5],
      [2, 0.5],
    ]);
    expect(made?.inputTokens).toBe(7);
    expect(server.requests).toMatchObject([
      { path: '/v1/embeddings', body: { model: 'text-embedding-3-small', input: ['a', 'b', 'c'], dimensions: 2 } },
    ]);
  });

  it('are asked for in parts', async () => {
    const { provider, server } = await start((asked) => vectors((asked.body as { input: string[] }).input.length));
    const made = await provider.embed?.(Array.from({ length: 300 }, String), { model: 'm', signal });
    expect(made?.vectors).toHaveLength(300);
    expect(server.requests).toHaveLength(2);
  });

  it('are refused with the codes of a call', async () => {
    const { provider, server } = await start(openAiChat.refuse('bad_key'));
    const asking = provider.embed?.(['a'], { model: 'm', signal });
    await expect(asking).rejects.toMatchObject({ failure: { code: 'provider_auth', details: { model: 'm' } } });
    server.answer(vectors(2));
    await expect(provider.embed?.(['a'], { model: 'm', signal })).rejects.toMatchObject({
      failure: { code: 'provider_error', message: expect.stringContaining('2 vectors') },
    });
  });
});
