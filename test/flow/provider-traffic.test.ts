// SPDX-License-Identifier: Apache-2.0
// What goes to a vendor and comes from it, followed live through a whole gateway: every byte, and no key.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WIRE_EVENTS } from '../../src/edge/schemas/providers.ts';
import type { WireEntry } from '../../src/providers/wire-entry.ts';
import { type ServerEvent, until } from '../edge/client.ts';
import { anthropicMessages } from '../wire/anthropic.ts';
import { geminiContent } from '../wire/google.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer, type WireAnswer, type WireServer } from '../wire/server.ts';
import { closeHouses, type House, type Listener, startHouse } from './house.ts';

const KEY = 'sk-flow-3f9a01d7c2';
const usage = { inputTokens: 30, outputTokens: 5, cacheReadTokens: 10, cacheWriteTokens: 0 };
const PATH = '/debug/providers/stream';

const FORMATS = [
  ['openai-compatible', openAiChat, 'local-model'],
  ['anthropic', anthropicMessages, 'claude-opus-5-5'],
  ['google', geminiContent, 'gemini-3.8-flash'],
] as const;

let vendor: WireServer;
/** One that goes away. */
let leaving: WireServer;
let house: House;
beforeAll(async () => {
  [vendor, leaving] = await Promise.all([startWireServer(), startWireServer()]);
  const entry = (type: string, { url }: WireServer = vendor) => ({ type, endpoint: url, api_key: KEY });
  house = await startHouse({
    providers: {
      mine: entry('openai-compatible'),
      gone: entry('openai-compatible', leaving),
      // One a format: a key that is refused closes its provider.
      ...Object.fromEntries(FORMATS.map(([type]) => [`by-${type}`, entry(type)])),
    },
    models: { default: 'mine/local-model' },
    auth: {
      tokens: [
        { token: 'the-owner-token-of-this', user_id: 'owner', permissions: ['admin:*'] },
        { token: 'a-debug-token-of-this', user_id: 'bo', permissions: ['admin:debug'] },
      ],
    },
  });
});
beforeEach(() => {
  vendor.requests.splice(0);
});
afterAll(async () => {
  await closeHouses();
  await Promise.all([vendor.close(), leaving.close()]);
});

const followed: Listener[] = [];
afterEach(() => {
  for (const listener of followed.splice(0)) listener.leave();
});
/** Follows the traffic; of those who went away some may not have been missed yet. */
async function follow(query = ''): Promise<Listener> {
  for (;;) {
    const listener = await house.owner.listen(`${PATH}${query}`);
    if (listener.status !== 200) continue;
    followed.push(listener);
    return listener;
  }
}

const read = new WeakMap<ServerEvent, WireEntry>();
/** What a listener was told, each of which is looked at once. */
const entriesOf = (listener: Listener): readonly WireEntry[] =>
  listener.events
    .filter(({ event }) => event === 'entry')
    .map((event) => {
      const entry = read.get(event) ?? WIRE_EVENTS.entry.parse(event.data);
      read.set(event, entry);
      return entry;
    });

/** The entries of one kind. */
function ofKind<K extends WireEntry['kind']>(entries: readonly WireEntry[], kind: K) {
  return entries.filter((entry): entry is Extract<WireEntry, { kind: K }> => entry.kind === kind);
}

/** All that was told once as many answers are over. */
async function told(listener: Listener, answers = 1): Promise<readonly WireEntry[]> {
  const ended = (): number =>
    ofKind(entriesOf(listener), 'answer_end').length + ofKind(entriesOf(listener), 'no_answer').length;
  await until(() => ended() >= answers && ofKind(entriesOf(listener), 'end').length > 0);
  return entriesOf(listener);
}

const bodyOf = (entries: readonly WireEntry[], kind: 'request_body' | 'answer_body', exchange = 1): string =>
  ofKind(entries, kind)
    .filter((entry) => entry.exchange === exchange)
    .map(({ text }) => text)
    .join('');

describe.each(FORMATS)('a call by %s', (type, format, model) => {
  it('is told whole: the request, every byte of the answer, and what was made of it', async () => {
    const answer = format.stream({ parts: [{ type: 'text', deltas: ['Grüße, ', '世界 👋'] }], finish: 'stop', usage });
    // Cut inside of every character, as a network may.
    vendor.answer({ ...answer, delivery: { bytewise: true } });
    const listener = await follow();
    const reply = await house.owner.chat('say hello', { model: `by-${type}/${model}` });
    expect(reply.body.content).toBe('Grüße, 世界 👋');
    const entries = await told(listener);

    const [sent] = vendor.requests;
    const [request] = ofKind(entries, 'request');
    expect(request).toMatchObject({ provider: `by-${type}`, exchange: 1, method: 'POST', turn_id: reply.body.turn_id });
    expect(new URL(request?.url ?? '').pathname).toBe(sent?.path.split('?')[0]);
    expect(JSON.parse(bodyOf(entries, 'request_body'))).toEqual(sent?.body);
    expect(request?.body_bytes).toBe(Number(sent?.headers['content-length']));
    const headers = new Map(request?.headers.map(([name, value]) => [name.toLowerCase(), value]));
    expect([...headers.keys()].toSorted()).toEqual(Object.keys(sent?.headers ?? {}).toSorted());
    for (const [name, value] of Object.entries(sent?.headers ?? {})) {
      const shown = String(value).includes(KEY) ? expect.stringMatching(/^(?:Bearer )?\*\*\*$/) : value;
      expect(headers.get(name), name).toEqual(shown);
    }

    expect(ofKind(entries, 'answer')).toMatchObject([{ status: 200, exchange: 1 }]);
    expect(bodyOf(entries, 'answer_body')).toBe(String(answer.body));
    expect(ofKind(entries, 'answer_end')).toMatchObject([
      { whole: true, why: '', body_bytes: Buffer.byteLength(String(answer.body)) },
    ]);
    const events = ofKind(entries, 'event').map(({ event }) => event);
    expect(events.map((event) => (event.type === 'text_delta' ? event['text'] : '')).join('')).toBe('Grüße, 世界 👋');
    expect(events).toContainEqual(expect.objectContaining({ type: 'usage', output_tokens: 5 }));
    expect(events.at(-1)).toEqual({ type: 'done', finish_reason: 'stop' });

    const [call] = ofKind(entries, 'call');
    expect(call).toMatchObject({ purpose: 'chat', model, n: 1 });
    expect(new Set(entries.map((entry) => entry.call)).size).toBe(1);
    expect(entries.map(({ n }) => n)).toEqual(entries.map((_, index) => index + 1));
    expect(JSON.stringify(listener.events)).not.toContain(KEY);
  });

  it('that is refused is told with the words of the vendor, the key it quotes left out', async () => {
    const body = JSON.stringify({ error: { message: `Incorrect API key provided: ${KEY}.`, quoted: KEY } });
    vendor.answer({
      status: 401,
      headers: { 'content-type': 'application/json', 'x-echo': `key ${KEY}`, 'set-cookie': 'sid=abc' },
      body,
      delivery: { bytewise: true },
    });
    const listener = await follow(`?provider=by-${type}`);
    await house.owner.chat('say hello', { model: `by-${type}/${model}` });
    const entries = await told(listener);
    expect(bodyOf(entries, 'answer_body')).toBe(body.replaceAll(KEY, '***'));
    const [answer] = ofKind(entries, 'answer');
    expect(answer).toMatchObject({ status: 401 });
    expect(answer?.headers).toEqual(
      expect.arrayContaining([
        ['x-echo', 'key ***'],
        ['set-cookie', '***'],
      ]),
    );
    expect(ofKind(entries, 'event').at(-1)?.event).toMatchObject({ type: 'error', code: 'provider_auth' });
    const everything = JSON.stringify(listener.events);
    expect(everything).not.toContain(KEY);
    // Nor in pieces that a reader would put together.
    expect(entries.map((entry) => ('text' in entry ? entry.text : '')).join('')).not.toContain(KEY);
  });
});

describe('traffic that is followed', () => {
  const answers = (deltas: readonly string[]): WireAnswer =>
    openAiChat.stream({ parts: [{ type: 'text', deltas }], finish: 'stop', usage });

  it('tells of an answer that breaks off how far it came, and of a server that is not there why', async () => {
    const whole = answers(['one ', 'two ', 'three']);
    const cutAt = Math.floor(String(whole.body).length / 2);
    leaving.answer({ ...whole, delivery: { cutAt } });
    const listener = await follow();
    await house.owner.chat('hello', { model: 'gone/local-model' });
    const cut = ofKind(await told(listener), 'call')[0]?.call;
    const entries = entriesOf(listener).filter((entry) => entry.call === cut);
    expect(bodyOf(entries, 'answer_body')).toBe(String(whole.body).slice(0, cutAt));
    expect(ofKind(entries, 'answer_end')[0]).toMatchObject({ whole: false, body_bytes: cutAt });
    expect(ofKind(entries, 'answer_end')[0]?.why).not.toBe('');
    await leaving.close();
    await house.owner.chat('anybody there?', { model: 'gone/local-model' });
    await until(() => ofKind(entriesOf(listener), 'no_answer').length > 0);
    expect(ofKind(entriesOf(listener), 'no_answer')[0]?.why).toContain('ECONNREFUSED');
  });

  it('is shown to those with admin:* only, of a provider there is, and to so many at once', async () => {
    const { owner, person } = house;
    expect(await person('a-debug-token-of-this').get(PATH)).toMatchObject({
      status: 403,
      body: { code: 'forbidden', detail: expect.stringContaining('admin:*') },
    });
    expect(await owner.get(`${PATH}?provider=none`)).toMatchObject({
      status: 404,
      body: {
        detail: expect.stringContaining(
          'Known providers: sigil, mine, gone, by-openai-compatible, by-anthropic, by-google.',
        ),
      },
    });
    const open = await Promise.all([1, 2, 3, 4].map(() => follow()));
    expect(open.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await owner.get(PATH)).toMatchObject({ status: 503, body: { code: 'overloaded' } });
    open[0]?.leave();
    await until(() => open[0]?.closed === true);
    const again = await follow();
    vendor.answer(answers(['Hello.']));
    expect((await owner.chat('hello')).body.content).toBe('Hello.');
    for (const listener of [...open.slice(1), again]) {
      expect(bodyOf(await told(listener), 'answer_body')).toContain('Hello.');
    }
  });

  it('comes in several entries when it is large, and is not UTF-8 where the vendor sends none', async () => {
    vendor.answer({
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: Buffer.from([0x47, 0x72, 0xfc, 0xdf]),
    });
    const listener = await follow();
    const text = 'A line that is long enough. '.repeat(3_000);
    await house.owner.chat(text);
    const all = await told(listener);
    // What is no stream may be one the next time: the call is made again.
    const entries = all.filter(({ call }) => call === all[0]?.call);
    const pieces = ofKind(entries, 'request_body');
    expect(pieces.length).toBeGreaterThan(20);
    expect(Math.max(...pieces.map((piece) => piece.text.length))).toBeLessThanOrEqual(4 * 1024);
    expect(JSON.parse(bodyOf(entries, 'request_body'))).toEqual(vendor.requests[0]?.body);
    expect(ofKind(entries, 'answer_body')).toMatchObject([{ encoding: 'latin1', text: 'Grüß' }]);
  });
});
