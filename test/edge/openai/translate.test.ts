// SPDX-License-Identifier: Apache-2.0
// Requests and answers between OpenAI's words and ours: nothing is lost, nothing is made up, whatever is sent.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PassEvent } from '../../../src/actors/thread/protocol.ts';
import { Chunks, completion, Gathered, usageOf } from '../../../src/edge/openai/answers.ts';
import { openAiProblem } from '../../../src/edge/openai/error-shape.ts';
import { ChatCompletionRequest } from '../../../src/edge/openai/requests.ts';
import { agentRequest, chatRequest } from '../../../src/edge/openai/translate.ts';
import { problemOfFailure } from '../../../src/edge/problem.ts';
import { ERRORS, type ErrorCode, failure } from '../../../src/errors.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const id = fc.uuid();

const plain = fc.oneof(
  fc.record({ role: fc.constantFrom('system', 'developer', 'user', 'assistant'), content: text }),
  fc.record({
    role: fc.constant('user'),
    content: fc.array(fc.record({ type: fc.constant('text'), text }), { minLength: 1 }),
  }),
);
/** A call and its results, which belong together. */
const used = fc
  .record({ ids: fc.uniqueArray(id, { minLength: 1, maxLength: 3 }), result: text })
  .map(({ ids, result }) => [
    {
      role: 'assistant',
      content: null,
      tool_calls: ids.map((call) => ({ id: call, type: 'function', function: { name: 'look_up', arguments: '{}' } })),
    },
    ...ids.map((call) => ({ role: 'tool', tool_call_id: call, content: result })),
  ]);
const conversation = fc
  .array(fc.oneof({ weight: 3, arbitrary: plain.map((message) => [message]) }, { weight: 1, arbitrary: used }), {
    minLength: 1,
  })
  .map((parts) => parts.flat());

const parsed = (body: unknown): ChatCompletionRequest => ChatCompletionRequest.parse(body);
const texts = (content: unknown): string =>
  Array.isArray(content)
    ? content.map((part: { readonly text: string }) => part.text).join('\n')
    : String(content ?? '');

describe('a request', () => {
  it('keeps every message in its order, and instructions apart', () => {
    fc.assert(
      fc.property(conversation, (messages) => {
        const request = chatRequest(parsed({ model: 'a/b', messages }));
        const said = messages.filter(({ role }) => role !== 'system' && role !== 'developer');
        expect(request.messages.map(({ role, content }) => [role, content])).toEqual(
          said.map(({ role, content }) => [role, texts(content)]),
        );
        const told = messages.filter(({ role }) => role === 'system' || role === 'developer');
        expect(request.systemPrompt).toBe(told.map(({ content }) => texts(content)).join('\n\n'));
        for (const { role, toolName } of request.messages) if (role === 'tool') expect(toolName).toBe('look_up');
      }),
    );
  });

  it('sends what is set and nothing else: 0 is, null is not', () => {
    const number = (least: number, most: number) => fc.option(fc.double({ min: least, max: most, noNaN: true }));
    const options = fc.record({
      temperature: number(0, 2),
      top_p: number(0, 1),
      seed: fc.option(fc.integer()),
      max_tokens: fc.option(fc.integer({ min: 1, max: 1_000 })),
      stop: fc.option(fc.oneof(text, fc.array(text, { maxLength: 4 }))),
    });
    fc.assert(
      fc.property(
        options,
        fc.dictionary(fc.constantFrom('user', 'store', 'logit_bias', 'whatever'), fc.jsonValue()),
        (given, unknown) => {
          const messages = [{ role: 'user', content: 'hi' }];
          const { options: sent } = chatRequest(parsed({ ...unknown, ...given, model: 'a/b', messages }));
          const { temperature, top_p, seed, max_tokens, stop } = given;
          const stops = (Array.isArray(stop) ? stop : [stop ?? '']).filter((one) => one !== '');
          expect(sent).toEqual({
            ...(temperature !== null && { temperature }),
            ...(top_p !== null && { topP: top_p }),
            ...(seed !== null && { seed }),
            ...(max_tokens !== null && { maxTokens: max_tokens }),
            ...(stops.length > 0 && { stopSequences: stops }),
          });
        },
      ),
    );
  });

  it('to an agent is its last message, with what was said before; another ending is refused', () => {
    fc.assert(
      fc.property(conversation, (messages) => {
        const body = parsed({ model: 'workspace:den', messages });
        const said = chatRequest(body).messages;
        if (said.at(-1)?.role !== 'user') {
          expect(() => agentRequest(body)).toThrow(/must end with a user's message/);
          return;
        }
        const { content, history } = agentRequest(body);
        expect([...history, { role: 'user', content, origin: 'user_input' }]).toEqual(said);
      }),
    );
  });

  it('with a result nobody asked for, or with anything but what it must be, never gets through', () => {
    const orphan = parsed({ model: 'a/b', messages: [{ role: 'tool', tool_call_id: 'x', content: 'y' }] });
    expect(() => chatRequest(orphan)).toThrow(/names no call/);
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        const result = ChatCompletionRequest.safeParse(body);
        // What is taken can be said in our words, or is refused in so many.
        if (result.success) chatRequest(result.data);
      }),
    );
  });
});

const call = fc.record({ type: fc.constant('tool_call' as const), id, name: text, arguments: text });
const event: fc.Arbitrary<PassEvent> = fc.oneof(
  text,
  fc.record({ type: fc.constant('thinking' as const), text }),
  call,
);
const ended = fc.record({
  finish: fc.constantFrom('stop', 'length', 'content_filter', 'tool_calls' as const),
  usage: fc.record({
    input_tokens: fc.nat(),
    output_tokens: fc.nat(),
    cache_read_tokens: fc.nat(),
    cache_write_tokens: fc.nat(),
    cost_usd: fc.constant(0),
  }),
});

describe('an answer', () => {
  const head = { id: 'chatcmpl-1', created: 1 };

  it('in chunks adds up to the whole one', () => {
    fc.assert(
      fc.property(fc.array(event), ended, fc.boolean(), (events, end, counts) => {
        const gathered = new Gathered();
        const chunks = new Chunks(head, 'a/b', counts);
        let frames = '';
        for (const one of [{ type: 'model', model: 'a/b' } as const, ...events]) {
          gathered.take(one);
          frames += chunks.take(one);
        }
        frames += chunks.end(end);
        const lines = frames.split('\n\n').filter((line) => line !== '');
        expect(lines.pop()).toBe('data: [DONE]');
        const read = lines.map((line) => JSON.parse(line.slice('data: '.length)));
        expect(read[0].choices[0].delta.role).toBe('assistant');
        const deltas = read.flatMap(({ choices }) => choices.map(({ delta }: { readonly delta: unknown }) => delta));
        const whole = completion(head, 'a/b', gathered, end);
        const [{ message }] = whole.choices as [(typeof whole.choices)[number]];
        const join = (key: string): string => deltas.map((delta) => delta[key] ?? '').join('');
        expect(join('content')).toBe(message.content ?? '');
        expect(join('reasoning_content')).toBe('reasoning_content' in message ? message.reasoning_content : '');
        const calls = deltas.flatMap((delta) => delta.tool_calls ?? []);
        expect(calls.map(({ index }) => index)).toEqual([...calls.keys()]);
        expect(calls.map(({ index: _index, ...rest }) => rest)).toEqual(
          'tool_calls' in message ? message.tool_calls : [],
        );
        expect(read.filter(({ choices }) => choices[0]?.finish_reason != null)).toHaveLength(1);
        expect(read.at(-1).usage ?? null).toEqual(counts ? usageOf(end.usage) : null);
      }),
    );
  });

  it('counts every token once', () => {
    fc.assert(
      fc.property(ended, ({ usage }) => {
        const { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens } = usage;
        const told = usageOf(usage);
        expect(told.total_tokens).toBe(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens);
        expect(told.prompt_tokens + told.completion_tokens).toBe(told.total_tokens);
      }),
    );
  });
});

it('every failure there is has a status and a shape these clients know', () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const { status, body, headers } = openAiProblem(problemOfFailure(failure(code, 'so it is'), 'r'), 0);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body).toEqual({
      error: { message: expect.any(String), type: expect.any(String), param: null, code: expect.any(String) },
    });
    if (status === 429 && code !== 'budget_exceeded' && code !== 'provider_rate_limited')
      expect(Number(headers['Retry-After'])).toBeGreaterThan(0);
  }
  const details = { resets_at: new Date(90_000).toISOString() };
  const { headers } = openAiProblem(problemOfFailure(failure('budget_exceeded', 'none left', details), 'r'), 0);
  expect(headers).toMatchObject({ 'Retry-After': '90', 'x-should-retry': 'false' });
});
