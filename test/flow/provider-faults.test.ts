// SPDX-License-Identifier: Apache-2.0
// Every fault of every vendor, through the whole gateway: the turn ends with a code, and nothing of it stays behind.

import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { anthropicMessages } from '../wire/anthropic.ts';
import type { WireFormat, WirePart, WireReply } from '../wire/format.ts';
import { geminiContent } from '../wire/google.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { openAiResponses } from '../wire/openai-responses.ts';
import { startWireServer, type WireAnswer, type WireServer } from '../wire/server.ts';
import { closeHouses, type Person, startHouse } from './house.ts';

const VENDORS: Readonly<
  Record<string, { readonly format: WireFormat; readonly model: string; readonly path: string }>
> = {
  anthropic: { format: anthropicMessages, model: 'claude-sonnet-4-5', path: '' },
  google: { format: geminiContent, model: 'gemini-2.5-flash', path: '' },
  openai: { format: openAiResponses, model: 'gpt-5', path: '/v1' },
  openrouter: { format: openAiChat, model: 'openai/gpt-4-turbo', path: '/api/v1' },
  'openai-compatible': { format: openAiChat, model: 'local-model', path: '/v1' },
};

const usage = { inputTokens: 30, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0 };
const text = (...deltas: string[]): WirePart => ({ type: 'text', deltas });
const reply = (...parts: WirePart[]): WireReply => ({ parts, finish: 'stop', usage });
/** One that is said without end comes soon to more than an answer may hold. */
const LONG_WORD = 'Once '.repeat(400);
const good = ({ stream }: WireFormat): WireAnswer => stream(reply(text('Once', ' upon')));

/** The offset after a word of an answer. */
function after({ body }: WireAnswer, word: string): number {
  const bytes = Buffer.from(body);
  const at = bytes.indexOf(word);
  if (at < 0) throw new Error(`${word} is not in the answer`);
  return at + word.length;
}

/** Says its first word again and again. */
function endless(answer: WireAnswer): WireAnswer {
  const body = Buffer.from(answer.body).toString();
  const events = body.split(/(?<=\r?\n\r?\n)/);
  const word = events.findIndex((event) => event.includes('Once'));
  const before = events.slice(0, word).join('');
  return { ...answer, body: before + (events[word] ?? ''), delivery: { endlessFrom: Buffer.byteLength(before) } };
}

/** How each goes wrong, and the code that a turn must end with, alone or as the reason why no model could answer. */
const FAULTS: Readonly<Record<string, readonly [(format: WireFormat) => WireAnswer, code: string]>> = {
  'refuses-key': [({ refuse }) => refuse('bad_key'), 'provider_auth'],
  forbids: [({ refuse }) => refuse('forbidden'), 'provider_auth'],
  'has-no-such-model': [({ refuse }) => refuse('no_model'), 'provider_model_unknown'],
  'took-too-long': [({ refuse }) => refuse('timeout'), 'provider_timeout'],
  'finds-it-too-large': [({ refuse }) => refuse('too_large'), 'provider_too_large'],
  'finds-it-too-long': [({ refuse }) => refuse('context_length'), 'provider_too_large'],
  'finds-it-wrong': [({ refuse }) => refuse('bad_request'), 'provider_bad_request'],
  'is-limited': [({ refuse }) => refuse('rate_limit'), 'provider_rate_limited'],
  'is-limited-a-while': [({ refuse }) => refuse('rate_limit', { 'retry-after': '30' }), 'provider_rate_limited'],
  fails: [({ refuse }) => refuse('internal'), 'provider_error'],
  'is-not-there': [({ refuse }) => refuse('unavailable'), 'provider_overloaded'],
  'has-too-much-to-do': [({ refuse }) => refuse('overloaded'), 'provider_overloaded'],
  'says-nothing': [(format) => ({ ...good(format), delivery: { silent: true } }), 'provider_timeout'],
  'says-nothing-more': [
    (format) => ({ ...good(format), delivery: { hangAt: after(good(format), 'Once') } }),
    'provider_timeout',
  ],
  'breaks-off': [
    (format) => ({ ...good(format), delivery: { cutAt: after(good(format), 'Once') } }),
    'provider_ended_early',
  ],
  'ends-too-soon': [
    (format) => ({ ...good(format), body: Buffer.from(good(format).body).subarray(0, after(good(format), 'Once')) }),
    'provider_ended_early',
  ],
  'ends-at-once': [(format) => ({ ...good(format), body: '' }), 'provider_ended_early'],
  'gives-up': [
    ({ stream }) => stream(reply(text('Once'), { type: 'error', kind: 'overloaded', message: 'It is too much' })),
    'provider_',
  ],
  raves: [({ stream }) => stream(reply(text('Once'), { type: 'garbage' }, text(' upon'))), 'provider_error'],
  // Cut where it has said more than any answer may hold: that is an end like another.
  'never-ends': [({ stream }) => endless(stream(reply(text(LONG_WORD, ' upon')))), ''],
  'is-a-page': [
    () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Log in</html>' }),
    'provider_error',
  ],
  moved: [() => ({ status: 302, headers: { location: 'http://127.0.0.1:9/' }, body: '' }), 'provider_bad_request'],
};

const cases = Object.keys(VENDORS).flatMap((vendor) => Object.keys(FAULTS).map((fault) => ({ vendor, fault })));
const nameOf = ({ vendor, fault }: { vendor: string; fault: string }): string => `${vendor}-${fault}`;

let server: WireServer;
let owner: Person;
/** Whether vendors are well again. */
let well = false;

beforeAll(async () => {
  server = await startWireServer();
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const address = gone.address();
  await new Promise((resolve) => gone.close(resolve));
  const nobody = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  // Its key tells which entry asks.
  server.answer((asked) => {
    for (const { format } of Object.values(VENDORS)) {
      if (!format.isChat(asked)) continue;
      const { key } = format.sent(asked);
      const found = cases.find((one) => `key-${nameOf(one)}` === key);
      if (found === undefined) continue;
      const used = VENDORS[found.vendor]?.format ?? format;
      return well ? good(used) : (FAULTS[found.fault]?.[0](used) ?? good(used));
    }
    return { status: 404, body: '' };
  });
  const entry = (vendor: string, name: string, url: string) => ({
    type: vendor,
    endpoint: `${url}${VENDORS[vendor]?.path ?? ''}`,
    api_key: `key-${name}`,
    max_retries: 0,
    timeouts: { first_event: '3s', gap: '3s' },
  });
  const entries = cases.map((one) => [nameOf(one), entry(one.vendor, nameOf(one), server.url)]);
  const unreachable = Object.keys(VENDORS).map((vendor) => [`${vendor}-away`, entry(vendor, `${vendor}-away`, nobody)]);
  ({ owner } = await startHouse({
    providers: Object.fromEntries([...entries, ...unreachable]),
    agent: { turn_timeout: '30s' },
    models: { budgets: { per_hour_tokens: 1_000_000_000, per_hour_usd: 0, per_day_usd: 0 } },
  }));
});
afterAll(async () => {
  await closeHouses();
  await server.close();
});

const ask = async (vendor: string, name: string) =>
  await owner.chat('hello', { model: `${name}/${VENDORS[vendor]?.model ?? ''}` });

it.each(Object.keys(VENDORS))('%s: every fault ends the turn with its code', async (vendor) => {
  const ended = Object.entries(FAULTS).map(async ([fault, [, code]]) => {
    const { status, body } = await ask(vendor, nameOf({ vendor, fault }));
    if (code === '') return expect([fault, body.finish_reason ?? body.code]).toEqual([fault, 'length']);
    expect([fault, status >= 400, `${body.code}: ${body.detail}`]).toEqual([
      fault,
      true,
      expect.stringMatching(new RegExp(`\\b${code}`)),
    ]);
  });
  const away = ask(vendor, `${vendor}-away`).then(({ body }) => expect(body.detail).toContain('provider_network'));
  await Promise.all([...ended, away]);
});

it('leaves no permit, no reservation and no turn behind, and whoever may be asked again answers', async () => {
  const { items } = (await owner.get('/api/v1/providers?limit=200')).body;
  expect(items).toHaveLength(cases.length + Object.keys(VENDORS).length + 1);
  for (const { name, in_flight, waiting } of items) expect([name, in_flight, waiting]).toEqual([name, 0, 0]);
  const { budgets } = (await owner.get('/api/v1/status')).body;
  for (const { reserved } of budgets) expect(reserved).toEqual({ tokens: 0, cost_usd: 0 });
  const { totals } = (await owner.get('/debug/actors?kind=session&state=turn')).body;
  expect(Object.keys(totals.by_state).filter((state) => state.startsWith('turn'))).toEqual([]);
  well = true;
  const closed = new Set(
    items.filter(({ state }: { state: string }) => state === 'closed').map(({ name }: { name: string }) => name),
  );
  expect(closed.size).toBeGreaterThan(cases.length / 2);
  const again = cases.filter((one) => closed.has(nameOf(one)) && one.fault !== 'has-no-such-model');
  await Promise.all(
    again.map(async (one) => {
      const { body } = await ask(one.vendor, nameOf(one));
      expect([nameOf(one), body.content]).toEqual([nameOf(one), 'Once upon']);
    }),
  );
});
