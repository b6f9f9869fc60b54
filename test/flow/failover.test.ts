// SPDX-License-Identifier: Apache-2.0
// A vendor that fails, and another that takes its place: what listeners see of it, live and told again, and when nobody is asked any more.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer, type WireAnswer, type WireServer } from '../wire/server.ts';
import { closeHouses, type Person, startHouse, textOf } from './house.ts';

const usage = { inputTokens: 30, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0 };

let first: WireServer;
let second: WireServer;
let owner: Person;
beforeAll(async () => {
  [first, second] = await Promise.all([startWireServer(), startWireServer()]);
  const entry = (vendor: WireServer, max_retries = 0, first_event = '20s') => ({
    type: 'openai-compatible',
    endpoint: vendor.url,
    max_retries,
    timeouts: { first_event, gap: '20s' },
  });
  // One for each test: what fails once is not asked again at once.
  const ones = Array.from({ length: 8 }, (_, at) => [`one-${at + 1}`, entry(first)]);
  const impatient = entry(first, 0, '400ms');
  ({ owner } = await startHouse({
    providers: {
      ...Object.fromEntries(ones),
      patient: entry(first, 2),
      limited: entry(first, 4),
      impatient,
      two: entry(second),
    },
    models: { default: 'one-1/a', failover: ['two/b', 'two/c', 'one-8/d'] },
  }));
});
beforeEach(() => {
  first.requests.splice(0);
  second.requests.splice(0);
});
afterAll(async () => {
  await closeHouses();
  await Promise.all([first.close(), second.close()]);
});

const says = (...deltas: string[]): WireAnswer =>
  openAiChat.stream({ parts: [{ type: 'text', deltas }], finish: 'stop', usage });

const names = (events: readonly { readonly event: string }[]): readonly string[] => events.map(({ event }) => event);

describe('a vendor that fails', () => {
  it.each([
    ['refuses', 'one-1/a', () => openAiChat.refuse('internal')],
    ['refuses the key', 'one-2/a', () => openAiChat.refuse('bad_key')],
    ['does not know the model', 'one-3/a', () => openAiChat.refuse('no_model')],
    ['says nothing', 'impatient/a', (): WireAnswer => ({ body: '', delivery: { silent: true } })],
  ])('and %s is replaced by the next, and one warning says so', async (_how, model, answer) => {
    first.answer(answer());
    second.answer(says('Here ', 'I am.'));
    const events = await (await owner.stream('who is there?', { model })).all();
    expect(names(events)).toEqual(['turn_started', 'warning', 'text_delta', 'text_delta', 'usage', 'done']);
    expect(events[1]?.data).toMatchObject({
      code: 'failover',
      message: expect.stringContaining(`${model} could not answer; two/b answers instead.`),
    });
    expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
    const { turn_id } = events[0]?.data ?? {};
    const record = (await owner.get(`/api/v1/turns/${turn_id}`)).body;
    expect(record).toMatchObject({ status: 'finished', model: 'two/b', content: 'Here I am.' });
  });

  it('in the middle of its answer: listeners forget what it said, live and told again', async () => {
    const half = says('Half a ', 'sentence that ', 'never ends');
    first.answer({ ...half, delivery: { cutAt: String(half.body).lastIndexOf('data: {"id"') } });
    second.answer(says('A whole one.'));
    const events = await (await owner.stream('say something', { model: 'one-5/a' })).all();
    const told = names(events);
    expect(told.filter((name) => name === 'turn_restarted')).toEqual(['turn_restarted']);
    expect(told.indexOf('turn_restarted')).toBeGreaterThan(told.indexOf('text_delta'));
    expect(told.slice(told.indexOf('turn_restarted'))).toEqual([
      'turn_restarted',
      'warning',
      'text_delta',
      'usage',
      'done',
    ]);
    expect(events.find(({ event }) => event === 'turn_restarted')?.data).toEqual({ reason: 'failover' });
    expect(textOf(events)).toBe('A whole one.');
    expect(events.at(-1)?.data).toMatchObject({ content: 'A whole one.' });
    const again = await (await owner.listen(`/api/v1/turns/${events[0]?.data.turn_id}/stream`)).all();
    expect(again).toEqual(events);
    // What it had said was paid for, though nobody told how much.
    expect(events.find(({ event }) => event === 'usage')?.data.input_tokens).toBeGreaterThan(30);
  });

  it('after a tool was used: what was said before stays', async () => {
    const calls = [{ id: 'call_1', name: 'calculator', arguments: ['{"expression":"6*7"}'] }];
    const asks = openAiChat.stream({
      parts: [
        { type: 'text', deltas: ['Let me see. '] },
        { type: 'tools', calls },
      ],
      finish: 'tool_calls',
      usage,
    });
    first.answer((asked) => (openAiChat.sent(asked).toolResults.length === 0 ? asks : openAiChat.refuse('overloaded')));
    second.answer(says('It is 42.'));
    const reply = await owner.chat('what is 6*7?', { model: 'one-6/a' });
    expect(reply.body).toMatchObject({ content: 'Let me see. It is 42.', model: 'two/b' });
    const [asked] = second.requests.map(openAiChat.sent);
    expect(asked?.toolResults).toMatchObject([{ id: 'call_1', content: expect.stringContaining('42') }]);
  });

  it('is tried again first, as often as is configured, when what it failed of may pass', async () => {
    let asked = 0;
    first.answer(() => {
      asked += 1;
      return asked < 3 ? openAiChat.refuse('overloaded') : says('Third time lucky.');
    });
    const events = await (await owner.stream('hello', { model: 'patient/a' })).all();
    expect(names(events)).toEqual(['turn_started', 'text_delta', 'usage', 'done']);
    expect([first.requests.length, second.requests.length]).toEqual([3, 0]);
  });

  it('and says when to come again is asked again then, once it is found to be back', async () => {
    first.answer(() => {
      const [asked] = first.requests;
      return first.requests.length === 1 && asked !== undefined
        ? openAiChat.refuse('rate_limit', { 'retry-after': '1' })
        : says('There you are.');
    });
    const events = await (await owner.stream('hello', { model: 'limited/a' })).all();
    expect(names(events)).toEqual(['turn_started', 'text_delta', 'usage', 'done']);
    // The refused one, the one that found out, and the one that answers.
    expect([first.requests.length, second.requests.length]).toEqual([3, 0]);
  });

  it('because of the request: nobody else is asked', async () => {
    first.answer(openAiChat.refuse('bad_request'));
    const reply = await owner.chat('hello', { model: 'one-7/a' });
    expect(reply.body.code).toBe('provider_bad_request');
    expect(second.requests).toEqual([]);
  });

  it('and leaves no other: the turn ends with everyone that was tried, and why', async () => {
    first.answer(openAiChat.refuse('overloaded'));
    second.answer(openAiChat.refuse('bad_key'));
    const reply = await owner.chat('hello', { model: 'one-8/a' });
    expect(reply.status).toBe(502);
    expect(reply.body.code).toBe('provider_unavailable');
    expect(reply.body.detail).toMatch(/one-8\/a: provider_overloaded: .*two\/b: provider_auth: /);
    // A key or a vendor that fails one of its models fails the others too.
    expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
  });
});
