// SPDX-License-Identifier: Apache-2.0
// The provider `anthropic`, through its SDK against a server that speaks the Messages API.

import { describe, expect, it, onTestFinished } from 'vitest';
import { createAnthropicProvider } from '../../src/providers/anthropic.ts';
import type { ChatEvent, ChatMessage, ChatRequest } from '../../src/providers/provider.ts';
import { AnthropicBody, anthropicMessages } from '../wire/anthropic.ts';
import type { WireReply } from '../wire/format.ts';
import { sse } from '../wire/format.ts';
import { json, startWireServer, type WireAnswer } from '../wire/server.ts';
import { KEY, TIMEOUTS, testTimers } from '../wire/timers.ts';
import { collect, expectValidStream, textOf } from './contract.ts';
import { user } from './requests.ts';
import { wireContract } from './wire-contract.ts';

const usage = { inputTokens: 12, outputTokens: 7, cacheReadTokens: 0, cacheWriteTokens: 0 };
const reply: WireReply = { parts: [{ type: 'text', deltas: ['Hi'] }], finish: 'stop', usage };
const tools = ['clock', 'memory_search'].map((name) => ({ name, description: name, inputSchema: { type: 'object' } }));

function request(model: string, more: Partial<ChatRequest> = {}): ChatRequest {
  return { model, systemPrompt: 'Be brief.', messages: [user('hello')], tools, options: {}, ...more };
}

async function start(answer: WireAnswer = anthropicMessages.stream(reply)) {
  const server = await startWireServer();
  server.answer(answer);
  const { world } = testTimers();
  const settings = { name: 'wire', api_key: KEY, endpoint: `${server.url}/v1`, timeouts: TIMEOUTS };
  const provider = await createAnthropicProvider(settings, world);
  onTestFinished(async () => {
    await provider.close();
    await server.close();
  });
  const bodies = () => server.requests.map(({ body }) => AnthropicBody.parse(body));
  return { server, provider, bodies, events: (asked: ChatRequest) => collect(provider, asked) };
}

describe('anthropic', () => {
  wireContract({ format: anthropicMessages, create: createAnthropicProvider, model: 'claude-sonnet-4-5', base: '' });
});

describe('what is cached', () => {
  it('ends with the tools and with the system prompt', async () => {
    const { events, bodies } = await start();
    await events(request('claude-opus-4-6'));
    const cache_control = { type: 'ephemeral' };
    expect(bodies()).toMatchObject([
      {
        system: [{ text: 'Be brief.', cache_control }],
        tools: [{ name: 'clock' }, { name: 'memory_search', cache_control }],
      },
    ]);
    expect(bodies()[0]?.tools?.[0]).not.toHaveProperty('cache_control');
  });
});

describe('thinking', () => {
  it.each([
    ['claude-sonnet-4-5', true, { type: 'enabled', budget_tokens: 8_192 }],
    ['claude-haiku-4-5-20251001', true, { type: 'enabled', budget_tokens: 8_192 }],
    ['claude-opus-4-6', true, { type: 'adaptive', display: 'summarized' }],
    ['claude-opus-5-5', true, { type: 'adaptive', display: 'summarized' }],
    ['claude-opus-4-6', undefined, undefined],
    ['claude-opus-4-6', false, undefined],
    ['claude-opus-5', false, { type: 'disabled' }],
    ['claude-sonnet-5-5', false, { type: 'between_tools' }],
    ['claude-opus-5-5', false, undefined],
    ['my-own-model', true, undefined],
  ])('of %s asked for as %s is sent as %j', async (model, thinking, sent) => {
    const { events, bodies } = await start();
    await events(request(model, { options: thinking === undefined ? {} : { thinking } }));
    expect(bodies()[0]?.thinking).toEqual(sent);
  });

  it('leaves room for the answer, or is left out', async () => {
    const { events, bodies } = await start();
    await events(request('claude-sonnet-4-5', { options: { thinking: true, maxTokens: 4_000 } }));
    await events(request('claude-sonnet-4-5', { options: { thinking: true, maxTokens: 60_000 } }));
    await events(request('claude-sonnet-4-5', { options: { thinking: true, maxTokens: 1_000 } }));
    expect(bodies().map(({ thinking }) => thinking)).toEqual([
      { type: 'enabled', budget_tokens: 2_000 },
      { type: 'enabled', budget_tokens: 10_000 },
      undefined,
    ]);
  });

  it('and newer models go without a temperature, which the API would refuse', async () => {
    const { events, bodies } = await start();
    await events(request('claude-sonnet-4-5', { options: { temperature: 0.5 } }));
    await events(request('claude-sonnet-4-5', { options: { temperature: 0.5, thinking: true } }));
    await events(request('claude-opus-4-7', { options: { temperature: 0.5 } }));
    expect(bodies().map(({ temperature }) => temperature)).toEqual([0.5, undefined, undefined]);
  });
});

describe('signed thinking on a tool turn', () => {
  const calls = [
    { id: 'toolu_1', name: 'clock', arguments: ['{}'] },
    { id: 'toolu_2', name: 'memory_search', arguments: ['{"query":"x"}'] },
  ];
  const thinking = { type: 'thinking', deltas: ['Which', ' time?'] } as const;
  const said = { type: 'text', deltas: ['Looking.'] } as const;
  const first: WireReply = { parts: [thinking, said, { type: 'tools', calls }], finish: 'tool_calls', usage };
  const asked = (model = 'claude-sonnet-4-5'): ChatRequest => request(model, { options: { thinking: true } });
  const signature = 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pki';

  const answered = (events: readonly ChatEvent[], content = textOf(events)): readonly ChatMessage[] => {
    const toolCalls = events.flatMap((event) => (event.type === 'tool_call' ? [event] : []));
    return [
      user('hello'),
      { role: 'assistant', content, toolCalls, origin: 'system' },
      ...toolCalls.map(
        ({ id, name }): ChatMessage => ({
          role: 'tool',
          content: 'ok',
          toolCallId: id,
          toolName: name,
          origin: 'tool_output',
        }),
      ),
    ];
  };

  it('is given back unchanged and in its order', async () => {
    const { events, bodies } = await start(anthropicMessages.stream(first));
    const messages = answered(await events(asked()));
    await events({ ...asked(), messages: [...messages, user('and quickly')] });
    expect(bodies()[1]).toMatchObject({
      thinking: { type: 'enabled' },
      messages: [
        { role: 'user' },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Which time?', signature },
            { type: 'text', text: 'Looking.' },
            { type: 'tool_use', id: 'toolu_1', input: {} },
            { type: 'tool_use', id: 'toolu_2', input: { query: 'x' } },
          ],
        },
        { role: 'user', content: [{ type: 'tool_result' }, { type: 'tool_result' }, { type: 'text' }] },
      ],
    });
  });

  it('is not given to another model, nor with words that are not its own, nor after its turn', async () => {
    const { events, bodies } = await start(anthropicMessages.stream(first));
    const made = await events(asked());
    await events({ ...asked('claude-haiku-4-5'), messages: answered(made) });
    await events({ ...asked(), messages: answered(made, 'Loo***.') });
    const done: ChatMessage = { role: 'assistant', content: 'Noon.', origin: 'system' };
    await events({ ...asked(), messages: [...answered(made), done, user('thanks')] });
    for (const { messages } of bodies().slice(1))
      expect(messages[1]?.content.map(({ type }) => type)).not.toContain('thinking');
  });

  it('that is forgotten turns thinking off where the API would refuse the turn, and only there', async () => {
    const { events, bodies } = await start(anthropicMessages.stream(first));
    const messages = answered(await events(asked()));
    const after = await start();
    await after.events({ ...asked(), messages });
    await after.events({ ...asked('claude-opus-4-6'), messages });
    expect(after.bodies().map(({ thinking: sent }) => sent?.type)).toEqual([undefined, 'adaptive']);
    expect(bodies()).toHaveLength(1);
  });
});

describe('its stream', () => {
  const stream = (...events: readonly (Readonly<Record<string, unknown>> & { readonly type: string })[]): WireAnswer =>
    sse(events.map((event) => ({ event: event.type, data: JSON.stringify(event) })));
  const begin = { type: 'message_start', message: { usage: { input_tokens: 5, output_tokens: 1 } } };
  const stop = (stop_reason: string, counts: object = { output_tokens: 3 }) =>
    [{ type: 'message_delta', delta: { stop_reason }, usage: counts }, { type: 'message_stop' }] as const;
  const call = (partial_json: string) => [
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'tool_use', id: 'toolu_1', name: 'clock', input: {} },
    },
    { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json } },
    { type: 'content_block_stop', index: 0 },
  ];

  it('may hold events and blocks of kinds that come later', async () => {
    const { events } = await start(
      stream(
        begin,
        { type: 'weather_report', sunny: true },
        { type: 'content_block_start', index: 0, content_block: { type: 'server_tool_use', id: 'srvtoolu_1' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'citations_delta', citation: {} } },
        { type: 'content_block_stop', index: 0 },
        ...stop('end_turn', { input_tokens: 9, output_tokens: 3, cache_read_input_tokens: 4 }),
      ),
    );
    expect(await events(request('claude-opus-4-6'))).toEqual([
      { type: 'usage', inputTokens: 9, outputTokens: 3, cacheReadTokens: 4, cacheWriteTokens: 0 },
      { type: 'done', finishReason: 'stop' },
    ]);
  });

  it.each([
    ['tool_use', '{"zone":"UTC"}', 'tool_calls'],
    ['model_context_window_exceeded', '{"zone":', 'length'],
    ['refusal', '{"zone":"UTC"}', 'content_filter'],
  ])('that stops for %s after a call of %s is done with %s', async (reason, written, finishReason) => {
    const { events } = await start(stream(begin, ...call(written), ...stop(reason)));
    const all = await events(request('claude-opus-4-6'));
    expectValidStream(all);
    expect(all.at(-1)).toEqual({ type: 'done', finishReason });
  });

  it('that calls with what is no object is an error, and nothing is called', async () => {
    const { events } = await start(stream(begin, ...call('{"zone":'), ...stop('tool_use')));
    const all = await events(request('claude-opus-4-6'));
    expect(all).toMatchObject([
      { type: 'error', error: { code: 'provider_error', message: expect.stringContaining('clock') } },
    ]);
  });

  it('that lacks what belongs to an event is an error', async () => {
    const { events } = await start(stream(begin, { type: 'content_block_delta', index: 0 }, ...stop('end_turn')));
    expect(await events(request('claude-opus-4-6'))).toMatchObject([
      { type: 'error', error: { code: 'provider_error' } },
    ]);
  });
});

describe('its errors', () => {
  it('name the request for its support', async () => {
    const overloaded = { ...reply, parts: [{ type: 'error', kind: 'overloaded', message: 'Overloaded' }] } as const;
    for (const answer of [anthropicMessages.refuse('overloaded'), anthropicMessages.stream(overloaded)]) {
      const { events } = await start(answer);
      const [last] = (await events(request('claude-opus-4-6'))).slice(-1);
      expect(last).toMatchObject({
        error: {
          code: 'provider_overloaded',
          message: expect.stringContaining('request req_011CSHoEeqs5C35K2UUqR7Fy'),
          details: { status: 529, vendor_code: 'overloaded_error' },
        },
      });
    }
  });

  it('say when the account has no credit', async () => {
    const message = 'Your credit balance is too low to access the Anthropic API.';
    const { events } = await start(json(400, { type: 'error', error: { type: 'invalid_request_error', message } }));
    expect(await events(request('claude-opus-4-6'))).toMatchObject([{ error: { code: 'provider_quota' } }]);
  });
});

describe('its requests', () => {
  it('begin with a person, and name tools and calls in letters the API takes', async () => {
    const { events, bodies } = await start();
    const odd = { id: 'functions.mcp:files/read:0', name: 'mcp:files/read', arguments: '["no object"]' };
    await events({
      ...request('claude-opus-4-6'),
      tools: [{ name: 'mcp:files/read', description: 'Reads.', inputSchema: {} }],
      messages: [
        { role: 'assistant', content: '', toolCalls: [odd], origin: 'system' },
        { role: 'tool', content: ' ', toolCallId: odd.id, toolName: odd.name, origin: 'tool_output' },
      ],
    });
    expect(bodies()).toMatchObject([
      {
        tools: [{ name: 'mcp_files_read' }],
        messages: [
          { role: 'user' },
          {
            content: [
              { id: 'functions_mcp_files_read_0', name: 'mcp_files_read', input: { arguments: '["no object"]' } },
            ],
          },
          { content: [{ tool_use_id: 'functions_mcp_files_read_0' }] },
        ],
      },
    ]);
  });

  it('are answered with our names of the tools', async () => {
    const calls = [{ id: 'toolu_1', name: 'mcp_files_read', arguments: ['{}'] }];
    const { events } = await start(
      anthropicMessages.stream({ parts: [{ type: 'tools', calls }], finish: 'tool_calls', usage }),
    );
    const all = await events({
      ...request('claude-opus-4-6'),
      tools: [{ name: 'mcp:files/read', description: 'Reads.', inputSchema: {} }],
    });
    expect(all[0]).toMatchObject({ type: 'tool_call', name: 'mcp:files/read' });
  });

  it('describe a tool as one object, whatever its schema was', async () => {
    const { events, bodies } = await start();
    const one = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'number' } }, required: ['a', 'b'] };
    const $defs = {
      other: { type: 'object', properties: { a: { type: 'string' }, c: { $ref: '#/$defs/size' } }, required: ['a'] },
      size: { type: 'number' },
    };
    const inputSchema = { oneOf: [one, { $ref: '#/$defs/other' }], $defs };
    await events({ ...request('claude-opus-4-6'), tools: [{ name: 'either', description: 'Either.', inputSchema }] });
    expect(bodies()[0]?.tools?.[0]?.input_schema).toEqual({
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'number' }, c: { $ref: '#/$defs/size' } },
      required: ['a'],
      $defs,
    });
  });

  it('hold a limit that fits the model', async () => {
    const { events, bodies } = await start();
    await events(request('claude-opus-4-6'));
    await events(request('claude-opus-4-5', { options: { maxTokens: 1_000_000 } }));
    await events(request('my-own-model'));
    expect(bodies().map(({ max_tokens }) => max_tokens)).toEqual([16_384, 64_000, 8_192]);
  });

  it('tell nothing of the environment, and write nothing to the console', async () => {
    const { server, events } = await start();
    const written: unknown[] = [];
    const { warn } = console;
    console.warn = (...all: unknown[]) => void written.push(...all);
    onTestFinished(() => {
      console.warn = warn;
    });
    await events(request('claude-sonnet-4-5'));
    expect(written).toEqual([]);
    expect(server.requests).toMatchObject([{ path: '/v1/messages', headers: { authorization: `Bearer ${KEY}` } }]);
  });
});

describe('its models', () => {
  it('are those of the table as the vendor has them now, and those only it has', async () => {
    const supported = { supported: false };
    const { provider } = await start(
      json(200, {
        data: [
          {
            type: 'model',
            id: 'claude-opus-4-6',
            display_name: 'Opus',
            max_input_tokens: 7,
            max_tokens: 5,
            capabilities: null,
          },
          {
            type: 'model',
            id: 'claude-next',
            display_name: 'Next',
            capabilities: { image_input: supported, thinking: supported },
          },
        ],
        has_more: false,
        first_id: null,
        last_id: null,
      }),
    );
    const models = await provider.listModels();
    const of = (id: string) => models.find((model) => model.id === id);
    expect(of('claude-opus-4-6')).toMatchObject({
      name: 'Opus',
      capabilities: { maxContextTokens: 7, maxOutputTokens: 5, vision: true },
    });
    expect(of('claude-next')).toMatchObject({
      name: 'Next',
      capabilities: { vision: false, thinking: false, tools: true },
    });
    expect(of('claude-sonnet-4-5')).toMatchObject({ provider: 'wire', capabilities: { maxContextTokens: 200_000 } });
  });
});
