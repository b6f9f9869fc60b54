// SPDX-License-Identifier: Apache-2.0
// What every vendor's adapter must do, tried through its real library against a server of ours that speaks its format.

import { expect, it, onTestFinished } from 'vitest';
import type { Failure } from '../../src/errors.ts';
import { providerFailure } from '../../src/providers/failures.ts';
import type { ChatEvent, ChatMessage, ChatRequest, ChatUsage, Provider } from '../../src/providers/provider.ts';
import type { ProviderSettings, ProviderWorld } from '../../src/providers/settings.ts';
import type { WireFormat, WirePart, WireRefusal, WireReply, WireSent } from '../wire/format.ts';
import { type Delivery, startMuteServer, startWireServer, type WireAnswer, type WireServer } from '../wire/server.ts';
import { KEY, type TestTimers, TIMEOUTS, testTimers, within } from '../wire/timers.ts';
import { collect, expectValidStream, providerContract, textOf } from './contract.ts';
import { user } from './requests.ts';

export interface WireCase {
  readonly format: WireFormat;
  /** Makes the adapter as the registry would. */
  readonly create: (settings: ProviderSettings, world: ProviderWorld) => Provider | Promise<Provider>;
  /** A model the built-in table has, or an endpoint of one's own would list. */
  readonly model: string;
  /** What the adapter appends to the server's address to find the interface: `/v1`, or nothing. */
  readonly base: string;
}

const USAGE: ChatUsage = { inputTokens: 120, outputTokens: 34, cacheReadTokens: 64, cacheWriteTokens: 0 };
/** Two bytes, three bytes, four bytes, joined and combined. */
const WIDE = 'Grüße aus Kōbe – 🧪 👩‍👩‍👧 é 日本語';
const text = (...deltas: string[]): WirePart => ({ type: 'text', deltas });
const reply = (parts: readonly WirePart[], more: Partial<WireReply> = {}): WireReply => ({
  parts,
  finish: parts.some(({ type }) => type === 'tools') ? 'tool_calls' : 'stop',
  usage: USAGE,
  ...more,
});
const CALLS = [
  { id: 'call_one', name: 'clock', arguments: ['{"time', 'zone":"Asia', '/Tokyo"}'] },
  { id: 'call_two', name: 'memory_search', arguments: ['{"query":', '"Grü', 'ße 🧪 \\"zitiert\\""}'] },
  { id: 'call_three', name: 'clock', arguments: ['{}'] },
] as const;
const schema = {
  type: 'object',
  properties: { query: { type: 'string', description: 'What to look for.' } },
  required: ['query'],
  additionalProperties: false,
};
/** The smallest picture there is: one white dot. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==';

interface Scene {
  readonly server: WireServer;
  readonly provider: Provider;
  readonly timers: TestTimers;
  readonly request: ChatRequest;
  /** Answers with this from now on, and lists the model when asked for that. */
  readonly script: (answer: WireAnswer) => void;
  /** All events of one call. */
  readonly events: (request?: ChatRequest) => Promise<ChatEvent[]>;
  /** The requests for an answer, read. */
  readonly sent: () => readonly WireSent[];
}

const failureOf = (events: readonly ChatEvent[]): Failure | undefined => {
  const end = events.at(-1);
  return end?.type === 'error' ? end.error : undefined;
};

/** Declares the tests; call it inside a `describe`. */
export function wireContract({ format, create, model, base }: WireCase): void {
  const scene = async (more: Partial<ProviderSettings> = {}): Promise<Scene> => {
    const server = await startWireServer();
    const timers = testTimers();
    const settings = { name: 'wire', api_key: KEY, endpoint: `${server.url}${base}`, timeouts: TIMEOUTS, ...more };
    const provider = await create(settings, timers.world);
    onTestFinished(async () => {
      await provider.close();
      await server.close();
    });
    const request: ChatRequest = {
      model,
      systemPrompt: 'Be brief.',
      messages: [user('hello')],
      tools: [],
      options: {},
    };
    return {
      server,
      provider,
      timers,
      request,
      // Whatever is posted: an adapter may ask at a second address when there is nothing at the first.
      script: (answer) => server.answer((asked) => (asked.method === 'POST' ? answer : format.models([model]))),
      events: (asked = request) => collect(provider, asked),
      sent: () => server.requests.filter(format.isChat).map(format.sent),
    };
  };
  const stream = (made: WireReply, delivery?: Delivery): WireAnswer => {
    const answer = format.stream(made);
    return delivery === undefined ? answer : { ...answer, delivery };
  };
  const lengthOf = (answer: WireAnswer): number => Buffer.from(answer.body).length;
  /** Where this text ends in an answer. */
  const after = (answer: WireAnswer, marker: string): number => {
    const body = Buffer.from(answer.body);
    const at = body.indexOf(marker);
    if (at < 0) throw new Error(`the answer does not hold ${marker}`);
    return body.indexOf('\n\n', at) + 2;
  };
  const expectUsage = (events: readonly ChatEvent[], usage: ChatUsage): void =>
    expect(events.at(-2)).toEqual({ type: 'usage', ...usage });
  const expectCalls = (events: readonly ChatEvent[]): void => {
    expectValidStream(events);
    expect(events.filter(({ type }) => type === 'tool_call')).toEqual(
      CALLS.map((call) => ({ type: 'tool_call', id: call.id, name: call.name, arguments: call.arguments.join('') })),
    );
    expect(events.at(-1)).toEqual({ type: 'done', finishReason: 'tool_calls' });
  };

  /** The provider of the whole contract: it answers as the request's first words ask. */
  const wrong: ChatRequest = { model, systemPrompt: '', messages: [user('wrong')], tools: [], options: {} };
  providerContract({
    provider: async () => {
      const { server, provider } = await scene();
      server.answer((asked) => {
        if (!format.isChat(asked)) return format.models([model]);
        switch (format.sent(asked).said[0]?.text) {
          case 'wrong':
            return format.refuse('bad_request');
          case 'tool':
            return stream(reply([{ type: 'tools', calls: CALLS }]));
          case 'slow': {
            const answer = stream(reply([text('one', 'two')]));
            return { ...answer, delivery: { hangAt: after(answer, 'one') } };
          }
          default:
            return stream(reply([text('Hello', ' there')]));
        }
      });
      return provider;
    },
    text: { ...wrong, messages: [user('text')] },
    tool: { ...wrong, messages: [user('tool')] },
    slow: { ...wrong, messages: [user('slow')] },
    wrong,
  });

  it('is sent names of tools it takes, and what it calls has our names again', async () => {
    const { events, sent, script, request } = await scene();
    // Dots, slashes, letters of other alphabets, too long, and two that differ only where both are cut.
    const long = `mcp.archive.${'deep_'.repeat(20)}`;
    const tools = ['clock', 'mcp.files.read', 'mcp.files/read', 'mcp.büro.søk', `${long}1`, `${long}2`].map((name) => ({
      ...{ name, description: name, inputSchema: { type: 'object' } },
    }));
    const history: ChatMessage[] = [
      user('again'),
      {
        ...{ role: 'assistant', content: '', origin: 'system' },
        toolCalls: tools.map(({ name }, at) => ({ id: `call_${at}`, name, arguments: '{}' })),
      },
      ...tools.map(
        ({ name }, at): ChatMessage => ({
          ...{ role: 'tool', content: 'done', toolCallId: `call_${at}`, toolName: name, origin: 'tool_output' },
        }),
      ),
    ];
    const asked = { ...request, messages: history, tools };
    script(stream(reply([text('Fine.')])));
    await events(asked);
    const [first] = sent();
    const names = first?.tools.map(({ name }) => name) ?? [];
    expect(new Set(names).size).toBe(tools.length);
    for (const name of names) expect(name).toMatch(format.toolName);
    // The calls of earlier turns are told under the same names.
    expect(first?.toolCalls.map(({ name }) => name)).toEqual(names);
    const calls = names.map((name, at) => ({ id: `call_${at}`, name, arguments: ['{}'] }));
    script(stream(reply([{ type: 'tools', calls }])));
    const called = (await events(asked)).flatMap((event) => (event.type === 'tool_call' ? [event.name] : []));
    expect(called).toEqual(tools.map(({ name }) => name));
  });

  it('sends the key it was given, and asks for a stream once', async () => {
    const { script, events, sent, server } = await scene();
    script(stream(reply([text('Hi')])));
    await events();
    expect(sent()).toMatchObject([{ key: KEY, model, streamed: true }]);
    expect(server.requests.every(({ path }) => path.startsWith(base))).toBe(true);
  });

  it('gives text as it comes, with what it used', async () => {
    const { script, events } = await scene();
    script(stream(reply([text('Hello', ', ', 'wörld', '.')])));
    const all = await events();
    expectValidStream(all);
    expect(all.flatMap((event) => (event.type === 'text_delta' ? [event.text] : []))).toEqual([
      'Hello',
      ', ',
      'wörld',
      '.',
    ]);
    expectUsage(all, USAGE);
    expect(all.at(-1)).toEqual({ type: 'done', finishReason: 'stop' });
  });

  it('gives an answer that says nothing', async () => {
    const { script, events } = await scene();
    script(stream(reply([])));
    const all = await events();
    expectValidStream(all);
    expect(textOf(all)).toBe('');
    expect(all.at(-1)).toEqual({ type: 'done', finishReason: 'stop' });
  });

  if (format.says.cacheWrites) {
    it('tells what was written to the cache apart', async () => {
      const { script, events } = await scene();
      const usage = { ...USAGE, cacheWriteTokens: 500 };
      script(stream(reply([text('Hi')], { usage })));
      expectUsage(await events(), usage);
    });
  }

  if (format.says.thinking) {
    it('gives what is thought before what is said', async () => {
      const { script, events, request } = await scene();
      script(stream(reply([{ type: 'thinking', deltas: ['Let me', ' see.'] }, text('Four.')])));
      const all = await events({ ...request, options: { thinking: true, maxTokens: 8_000 } });
      expectValidStream(all);
      expect(all.slice(0, 3)).toEqual([
        { type: 'thinking_delta', text: 'Let me' },
        { type: 'thinking_delta', text: ' see.' },
        { type: 'text_delta', text: 'Four.' },
      ]);
    });
  }

  it('puts several calls at once together from their pieces', async () => {
    const { script, events } = await scene();
    script(stream(reply([text('Looking.'), { type: 'tools', calls: CALLS }])));
    const all = await events();
    expectCalls(all);
    expect(textOf(all)).toBe('Looking.');
  });

  it('reads the same when every byte comes alone', async () => {
    const { script, events } = await scene();
    script(stream(reply([text(WIDE, WIDE), { type: 'tools', calls: CALLS }]), { bytewise: true }));
    const all = await events();
    expectCalls(all);
    expect(textOf(all)).toBe(WIDE + WIDE);
    expectUsage(all, USAGE);
  });

  it('reads the same wherever it is cut in two', async () => {
    const { script, events } = await scene();
    const made = reply([text(WIDE), { type: 'tools', calls: CALLS.slice(0, 2) }]);
    const length = lengthOf(format.stream(made));
    script(stream(made));
    const expected = await events();
    // Some of them: all would be as many requests as there are bytes.
    for (let at = 1; at < length; at += 31) {
      script(stream(made, { cuts: [at] }));
      expect(await events()).toEqual(expected);
    }
  });

  it.each(['length', 'content_filter'] as const)('says that an answer was cut by %s', async (finish) => {
    const { script, events } = await scene();
    script(stream(reply([text('Once upon')], { finish })));
    expect((await events()).at(-1)).toEqual({ type: 'done', finishReason: finish });
  });

  it('calls nothing that was cut off in the middle', async () => {
    const { script, events } = await scene();
    const calls = [{ id: 'call_one', name: 'clock', arguments: ['{"timezone":"Asi'] }];
    script(stream(reply([text('Looking.'), { type: 'tools', calls }], { finish: 'length' })));
    const all = await events();
    expectValidStream(all);
    expect(all.at(-1)).toEqual({ type: 'done', finishReason: 'length' });
  });

  it('sends the system prompt, and none where there is none', async () => {
    const { script, events, sent, request } = await scene();
    script(stream(reply([text('Hi')])));
    await events();
    await events({ ...request, systemPrompt: '' });
    expect(sent().map(({ system }) => system)).toEqual(['Be brief.', undefined]);
  });

  it('sends temperature 0, and none that is unset', async () => {
    const { script, events, sent, request } = await scene();
    script(stream(reply([text('Hi')])));
    await events();
    await events({ ...request, options: { temperature: 0 } });
    expect(sent().map(({ temperature }) => temperature)).toEqual([undefined, 0]);
  });

  it('sends the most tokens an answer may have', async () => {
    const { script, events, sent, request } = await scene();
    script(stream(reply([text('Hi')])));
    await events({ ...request, options: { maxTokens: 321 } });
    expect(sent()).toMatchObject([{ maxTokens: 321 }]);
  });

  if (format.says.stopSequences) {
    it('sends stop sequences', async () => {
      const { script, events, sent, request } = await scene();
      script(stream(reply([text('Hi')])));
      await events({ ...request, options: { stopSequences: ['END', '###'] } });
      expect(sent()).toMatchObject([{ stopSequences: ['END', '###'] }]);
    });
  }

  it('sends pictures with the words beside them', async () => {
    const { script, events, sent, request } = await scene();
    script(stream(reply([text('A dot.')])));
    const data = new Uint8Array(Buffer.from(PNG, 'base64'));
    const attachments = [{ kind: 'image', mediaType: 'image/png', data }] as const;
    await events({ ...request, messages: [{ ...user('What is this?'), attachments }] });
    await events({ ...request, messages: [{ ...user(''), attachments }] });
    expect(sent()).toMatchObject([
      { said: [{ role: 'user', text: 'What is this?' }], images: [{ mediaType: 'image/png', base64: PNG }] },
      { said: [], images: [{ mediaType: 'image/png', base64: PNG }] },
    ]);
  });

  it('sends tools with their schemas, and the results of calls back', async () => {
    const { script, events, sent, request } = await scene();
    script(stream(reply([text('Found.')])));
    const toolCalls = CALLS.slice(0, 2).map((call) => ({ ...call, arguments: call.arguments.join('') }));
    const result = (id: string, name: string, content: string): ChatMessage => ({
      role: 'tool',
      content,
      toolCallId: id,
      toolName: name,
      origin: 'tool_output',
    });
    await events({
      ...request,
      tools: [
        { name: 'memory_search', description: 'Searches.', inputSchema: schema },
        { name: 'clock', description: 'Tells the time.', inputSchema: { type: 'object', properties: {} } },
      ],
      messages: [
        user('look'),
        { role: 'assistant', content: 'Looking.', toolCalls, origin: 'system' },
        result('call_one', 'clock', '{"local":"04:05"}'),
        result('call_two', 'memory_search', 'tool_failed: nothing there'),
        user('and?'),
      ],
    });
    const [first] = sent();
    const { taken = (whole: unknown) => whole } = format;
    expect(first).toMatchObject({
      said: [
        { role: 'user', text: 'look' },
        { role: 'assistant', text: 'Looking.' },
        { role: 'user', text: 'and?' },
      ],
      toolResults: [
        { id: 'call_one', content: '{"local":"04:05"}' },
        { id: 'call_two', content: 'tool_failed: nothing there' },
      ],
      tools: [{ name: 'memory_search', description: 'Searches.', schema: taken(schema) }, { name: 'clock' }],
    });
    expect(first?.toolCalls.map(({ id, name }) => ({ id, name }))).toEqual(
      toolCalls.map(({ id, name }) => ({ id, name })),
    );
    expect(first?.toolCalls.map((call) => JSON.parse(call.arguments))).toEqual(
      toolCalls.map((call) => JSON.parse(call.arguments)),
    );
  });

  it('takes the next call through the connection of the last', async () => {
    const { script, events, server } = await scene();
    script(stream(reply([text('Hi')]), { endsLater: true }));
    for (let call = 0; call < 3; call += 1) {
      expectValidStream(await events());
      await server.requests.at(-1)?.over;
      // The end of the body is read after the last event.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(server.connections).toBe(1);
  });

  it('closes its connection when it is cancelled in the middle', async () => {
    const { script, provider, request, server } = await scene();
    const answer = stream(reply([text('one', 'two')]));
    script({ ...answer, delivery: { hangAt: after(answer, 'one') } });
    const abort = new AbortController();
    const events: ChatEvent[] = [];
    for await (const batch of provider.chat(request, { signal: abort.signal })) {
      events.push(...batch);
      if (events.some(({ type }) => type === 'text_delta')) abort.abort();
    }
    expect(textOf(events)).toBe('one');
    expect(events.some(({ type }) => type === 'done')).toBe(false);
    const over = server.requests.find(format.isChat)?.over ?? Promise.reject(new Error('nothing was asked'));
    expect(await within(100, over)).toBe(true);
    expect(await over).toBe('dropped');
  });

  it('closes its connection when it is cancelled before anything came', async () => {
    const { provider, request, server } = await scene();
    server.answer({ body: '', delivery: { silent: true } });
    const abort = new AbortController();
    const asked = server.next();
    const events = collect(provider, request, abort.signal);
    const { over } = await asked;
    abort.abort();
    expect(await within(100, over)).toBe(true);
    expect((await events).every(({ type }) => type === 'error')).toBe(true);
  });

  it('closes its connection when nobody reads on', async () => {
    const { script, provider, request, server } = await scene();
    const answer = stream(reply([text('one', 'two')]));
    const beginning = Buffer.from(answer.body).subarray(0, after(answer, 'one'));
    script({ ...answer, body: beginning, delivery: { endlessFrom: 0 } });
    for await (const batch of provider.chat(request, { signal: new AbortController().signal }))
      if (batch.length > 0) break;
    const over = server.requests.find(format.isChat)?.over ?? Promise.reject(new Error('nothing was asked'));
    expect(await within(100, over)).toBe(true);
  });

  const refused: readonly (readonly [WireRefusal, Parameters<typeof providerFailure>[0], string])[] = [
    ['bad_key', 'provider_auth', 'key'],
    ['forbidden', 'provider_auth', 'key'],
    ['no_model', 'provider_model_unknown', 'model'],
    ['timeout', 'provider_timeout', 'provider'],
    ['too_large', 'provider_too_large', 'request'],
    ['context_length', 'provider_too_large', 'request'],
    ['bad_request', 'provider_bad_request', 'request'],
    ['rate_limit', 'provider_rate_limited', 'key'],
    ['internal', 'provider_error', 'provider'],
    ['unavailable', 'provider_overloaded', 'provider'],
    ['overloaded', 'provider_overloaded', 'provider'],
  ];
  it.each(refused)('tells %s as %s, about the %s, and asks only once', async (refusal, code, about) => {
    const { script, events, server } = await scene();
    const answer = format.refuse(refusal);
    script(answer);
    const all = await events();
    expect(all).toHaveLength(1);
    expect(failureOf(all)).toMatchObject({
      code,
      retryable: providerFailure(code, { provider: 'wire' }, '').retryable,
      details: { provider: 'wire', model, about, status: answer.status },
    });
    expect(failureOf(all)?.details?.['retry_after_ms']).toBeUndefined();
    expect(failureOf(all)?.message).toMatch(/^wire .*\S/);
    expect(failureOf(all)?.message).not.toContain(KEY);
    expect(server.requests.filter(format.isChat)).toHaveLength(1);
  });

  it.each([
    ['7', 7_000],
    ['0.5', 500],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['soon', undefined],
  ])('obeys retry-after: %s', async (written, ms) => {
    const { script, events } = await scene();
    for (const refusal of ['rate_limit', 'overloaded', 'unavailable'] as const) {
      script(format.refuse(refusal, { 'retry-after': written }));
      expect(failureOf(await events())?.details?.['retry_after_ms']).toBe(ms);
    }
  });

  it.each([
    ['overloaded', 'provider_overloaded'],
    ['internal', 'provider_error'],
  ] as const)('tells what went %s in the middle of a stream', async (kind, code) => {
    const { script, events } = await scene();
    script(stream(reply([text('Once', ' upon'), { type: 'error', kind, message: 'It is all too much.' }])));
    const all = await events();
    expectValidStream(all);
    expect(textOf(all)).toBe('Once upon');
    expect(failureOf(all)).toMatchObject({
      code,
      message: expect.stringContaining('It is all too much'),
      details: { provider: 'wire', model },
    });
  });

  it('keeps what was said when the connection breaks, and says that it did', async () => {
    const { script, events } = await scene();
    const answer = stream(reply([text('Once', ' upon')]));
    for (const at of [after(answer, 'Once'), after(answer, ' upon'), after(answer, ' upon') - 3]) {
      script({ ...answer, delivery: { cutAt: at } });
      const all = await events();
      expectValidStream(all);
      expect(textOf(all)).toMatch(/^Once/);
      expect(failureOf(all)).toMatchObject({ code: 'provider_ended_early', details: { provider: 'wire', model } });
    }
  });

  it('is not fooled by a stream that closes in good order before its end', async () => {
    const { script, events } = await scene();
    const answer = stream(reply([text('Once', ' upon')]));
    const body = Buffer.from(answer.body).subarray(0, after(answer, 'Once'));
    for (const part of [body, Buffer.alloc(0)]) {
      script({ ...answer, body: part });
      const all = await events();
      expectValidStream(all);
      expect(failureOf(all)).toMatchObject({ code: 'provider_ended_early' });
    }
  });

  it('ends in an error however many bytes came', async () => {
    const { script, events } = await scene();
    const answer = stream(reply([text(WIDE), { type: 'tools', calls: CALLS.slice(0, 1) }]));
    const complete = await (async () => {
      script(answer);
      return await events();
    })();
    for (let at = 0; at < lengthOf(answer); at += 29) {
      script({ ...answer, delivery: { cutAt: at } });
      const all = await events();
      expectValidStream(all);
      // What comes after the last thing it needs may be missing.
      if (failureOf(all) === undefined) expect(all).toEqual(complete);
      else expect(WIDE.startsWith(textOf(all))).toBe(true);
    }
  });

  it('says what cannot be understood', async () => {
    const { script, events } = await scene();
    script(stream(reply([text('Once'), { type: 'garbage' }, text(' upon')])));
    const all = await events();
    expectValidStream(all);
    expect(textOf(all)).toBe('Once');
    expect(failureOf(all)).toMatchObject({ code: 'provider_error', details: { about: 'provider' } });
  });

  it.each([
    ['a page', 200, 'text/html', '<html><body>Log in to the airport</body></html>'],
    ['a page that is missing', 404, 'text/html', '<h1>Not Found</h1>'],
    ['an error without words', 500, 'text/plain', ''],
    ['an error in bytes', 502, 'application/octet-stream', '\u0000\ufffd\u0001'],
    ['a number that is no status', 999, 'text/plain', 'boo'],
    ['another address', 302, 'text/plain', 'moved'],
  ])('says that it was answered with %s', async (_what, status, type, body) => {
    const { script, events } = await scene();
    script({ status, headers: { 'content-type': type, location: 'http://127.0.0.1:9/' }, body });
    const all = await events();
    expect(all).toHaveLength(1);
    expect(failureOf(all)).toMatchObject({
      code: status >= 300 && status < 500 ? 'provider_bad_request' : 'provider_error',
      message: expect.stringMatching(/^wire:? /),
      details: { about: 'provider', model },
    });
    if (status < 500) expect(failureOf(all)?.message).toContain('`endpoint`');
  });

  it('reads no more of an endless error than it shows', async () => {
    const { script, events, server } = await scene();
    script({ status: 500, body: 'x'.repeat(4_096), delivery: { endlessFrom: 0 } });
    const failed = failureOf(await events());
    expect(failed).toMatchObject({ code: 'provider_error' });
    expect(failed?.message.length).toBeLessThan(1_000);
    expect(await server.requests.find(format.isChat)?.over).toBe('dropped');
  });

  it('waits for the first sign of an answer no longer than it is told to', async () => {
    const { server, events, timers } = await scene();
    for (const delivery of [{ silent: true }, { hangAt: 0 }] as const) {
      server.answer({ ...stream(reply([text('Hi')])), delivery });
      const all = events();
      const { over } = await server.next();
      await timers.fire(TIMEOUTS.first_event);
      expect(failureOf(await all)).toMatchObject({
        code: 'provider_timeout',
        message: expect.stringContaining('22 s'),
        details: { provider: 'wire', model, about: 'provider' },
      });
      expect(await over).toBe('dropped');
    }
    expect(timers.running).toEqual([]);
  });

  it('waits in the middle of an answer no longer than it is told to', async () => {
    const { script, provider, request, timers, server } = await scene();
    const answer = stream(reply([text('Once', ' upon')]));
    const hangAt = after(answer, 'Once');
    script({ ...answer, delivery: { hangAt, cuts: [1, 9, 40, hangAt - 30, hangAt - 1] } });
    const all: ChatEvent[] = [];
    let fired: Promise<void> | undefined;
    for await (const batch of provider.chat(request, { signal: new AbortController().signal })) {
      all.push(...batch);
      if (textOf(all) === 'Once') fired ??= timers.fire(TIMEOUTS.gap);
    }
    await fired;
    expectValidStream(all);
    expect(textOf(all)).toBe('Once');
    expect(failureOf(all)).toMatchObject({ code: 'provider_timeout', message: expect.stringContaining('33 s') });
    expect(await server.requests.find(format.isChat)?.over).toBe('dropped');
    expect(timers.running).toEqual([]);
  });

  it('waits for a connection no longer than it is told to', async () => {
    const mute = await startMuteServer();
    onTestFinished(() => mute.close());
    const { events, timers } = await scene({ endpoint: `https://127.0.0.1:${mute.port}${base}` });
    const all = events();
    await timers.fire(TIMEOUTS.connect);
    expect(failureOf(await all)).toMatchObject({
      code: 'provider_timeout',
      message: expect.stringContaining('11 s'),
      details: { about: 'provider', model },
    });
    expect(timers.running).toEqual([]);
  });

  it('says that nobody is there', async () => {
    const { server, events } = await scene();
    await server.close();
    expect(failureOf(await events())).toMatchObject({
      code: 'provider_network',
      retryable: true,
      message: expect.stringContaining('ECONNREFUSED'),
      details: { provider: 'wire', model, about: 'provider' },
    });
  });

  it('says why its key cannot be had, without asking', async () => {
    const server = await startWireServer();
    const error = providerFailure('provider_auth', { provider: 'wire' }, 'There is no such key.');
    const { SigilError } = await import('../../src/errors.ts');
    const timers = testTimers(() => Promise.reject(new SigilError(error)));
    const settings = {
      name: 'wire',
      api_key: 'keyring://wire/key',
      endpoint: `${server.url}${base}`,
      timeouts: TIMEOUTS,
    };
    const provider = await create(settings, timers.world);
    onTestFinished(async () => {
      await provider.close();
      await server.close();
    });
    const request = { model, systemPrompt: '', messages: [user('hello')], tools: [], options: {} };
    expect(failureOf(await collect(provider, request))?.message).toContain('no such key');
    expect(server.requests).toEqual([]);
  });

  it('asks for its key anew when it was refused, and now and then', async () => {
    const { script, events, timers } = await scene();
    script(stream(reply([text('Hi')])));
    await events();
    await events();
    expect(timers.resolved).toEqual([KEY]);
    timers.pass(60_000);
    await events();
    expect(timers.resolved).toHaveLength(2);
    script(format.refuse('bad_key'));
    await events();
    await events();
    expect(timers.resolved).toHaveLength(3);
  });

  it('lists what it knows and what the vendor lists, once each; without the vendor what it knows', async () => {
    const { server, provider } = await scene();
    server.answer(format.models([model, 'brand-new-model']));
    const both = (await provider.listModels()).map(({ id }) => id);
    expect(both).toContain(model);
    expect(new Set(both).size).toBe(both.length);
    expect((await provider.listModels()).every((one) => one.provider === 'wire')).toBe(true);
    expect(server.requests.length).toBeGreaterThan(0);
    expect(server.requests.every(({ method }) => method === 'GET')).toBe(true);
    const alone = await scene();
    alone.server.answer(format.refuse('internal'));
    const known = (await alone.provider.listModels()).map(({ id }) => id);
    expect(both).toEqual(expect.arrayContaining(known));
  });

  it('ends what runs when it is closed, and then answers that it is closed', async () => {
    const { script, provider, request, events } = await scene();
    const answer = stream(reply([text('one', 'two')]));
    script({ ...answer, delivery: { hangAt: after(answer, 'one') } });
    const all: ChatEvent[] = [];
    for await (const batch of provider.chat(request, { signal: new AbortController().signal })) {
      all.push(...batch);
      if (textOf(all) === 'one') await provider.close();
    }
    expect(failureOf(all)).toBeDefined();
    expect(failureOf(await events())).toMatchObject({ code: 'provider_unavailable' });
  });
}
