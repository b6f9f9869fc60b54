// SPDX-License-Identifier: Apache-2.0
// The small parts adapters are made of: calls from pieces, waiting times, refusals, base URLs, lists, one call's last event.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baseUrl } from '../../src/providers/base-url.ts';
import { providerFailure, refusalFailure, retryAfter } from '../../src/providers/failures.ts';
import { createModelList, type KnownModel, UNKNOWN_CAPABILITIES } from '../../src/providers/model-list.ts';
import { ToolCalls } from '../../src/providers/openai/tool-calls.ts';
import type { ChatEvent } from '../../src/providers/provider.ts';
import { type ReplyReader, streamCall } from '../../src/providers/stream-call.ts';
import { TIMEOUTS, testTimers } from '../wire/timers.ts';

describe('tool calls', () => {
  const call = fc.record({ name: fc.stringMatching(/^[a-z_]{1,12}$/), arguments: fc.json() });

  it('come out as they were, however they are cut and mixed', () => {
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 6 }), fc.infiniteStream(fc.nat()), (made, chance) => {
        const next = (below: number): number => (chance.next().value ?? 0) % below;
        const calls = new ToolCalls(() => 'never', String);
        const rest = made.map((one, place) => {
          calls.add(place, { id: `id-${place}`, name: one.name, arguments: '' });
          return { place, text: one.arguments };
        });
        while (rest.length > 0) {
          const at = next(rest.length);
          const { place, text } = rest[at] ?? { place: 0, text: '' };
          const taken = 1 + next(8);
          calls.add(place, { arguments: text.slice(0, taken) });
          if (text.length > taken) rest[at] = { place, text: text.slice(taken) };
          else rest.splice(at, 1);
        }
        expect(calls.events()).toEqual(made.map((one, place) => ({ type: 'tool_call', id: `id-${place}`, ...one })));
      }),
    );
  });

  it('are no more than a model could mean', () => {
    const calls = new ToolCalls(() => 'never', String);
    for (let place = 0; place < 512; place += 1) calls.add(place, { id: `${place}`, name: 'x' });
    expect(() => calls.add(512, { id: '512', name: 'x' })).toThrow(/512/);
    expect(() => calls.add(0, { arguments: 'x'.repeat(5_000_000) })).toThrow(/characters/);
  });
});

describe('how long a vendor asks to be left alone', () => {
  const now = Date.UTC(2026, 0, 1);
  const table: readonly (readonly [Record<string, string>, number | undefined])[] = [
    [{}, undefined],
    [{ 'retry-after': '3' }, 3_000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '1.25' }, 1_250],
    [{ 'retry-after': '-1' }, undefined],
    [{ 'retry-after': 'Infinity' }, undefined],
    [{ 'retry-after': '99999999' }, 86_400_000],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT' }, 9_000],
    [{ 'retry-after': 'Wed, 31 Dec 2025 23:59:00 GMT' }, 0],
    [{ 'retry-after': 'tomorrow' }, undefined],
    [{ 'retry-after': '' }, undefined],
    [{ 'retry-after-ms': '1234', 'retry-after': '60' }, 1_234],
    [{ 'retry-after-ms': 'x' }, undefined],
  ];
  it.each(table)('%j: %s', (headers, ms) => {
    expect(retryAfter(new Headers(headers), now)).toBe(ms);
  });

  it('is a sane number whatever the header says', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]*$/), (written) => {
        const ms = retryAfter(new Headers({ 'retry-after': written }), now) ?? 0;
        expect(Number.isSafeInteger(ms) && ms >= 0 && ms <= 86_400_000).toBe(true);
      }),
    );
  });
});

describe('a refusal', () => {
  it('has a code whatever its status and words, and shows little of them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 599 }), fc.string({ maxLength: 3_000 }), (status, message) => {
        const refused = refusalFailure({ provider: 'x', model: 'm' }, { status, headers: new Headers(), message }, 0);
        expect(refused.code).toMatch(/^provider_/);
        expect(refused.message.length).toBeLessThan(700);
        expect(refused.message.isWellFormed()).toBe(true);
        expect(['request', 'model', 'key', 'provider']).toContain(refused.details?.['about']);
      }),
    );
  });

  it('leaves out what is not known', () => {
    expect(providerFailure('provider_auth', { provider: 'x' }, 'No.', { status: undefined }).details).toEqual({
      provider: 'x',
      about: 'key',
    });
  });
});

describe('a base URL', () => {
  it.each([
    [undefined, 'https://a.example/v1'],
    ['', 'https://a.example/v1'],
    ['http://b.example:8000', 'http://b.example:8000/v1'],
    ['http://b.example/', 'http://b.example/v1'],
    ['http://b.example/api/v2/', 'http://b.example/api/v2'],
  ])('from %s is %s', (endpoint, expected) => {
    expect(baseUrl(endpoint, 'https://a.example/v1')).toBe(expected);
  });
});

describe('a list of models', () => {
  const known: KnownModel = { id: 'old', name: 'Old', capabilities: { ...UNKNOWN_CAPABILITIES, vision: true } };

  it('is asked for once by many, again after a while, and sooner after it failed', async () => {
    const timers = testTimers();
    let asked = 0;
    let fails = false;
    const list = createModelList({
      name: 'x',
      table: [known],
      now: timers.world.now,
      live: async () => {
        asked += 1;
        if (fails) throw new Error('no network');
        return [{ id: 'old', capabilities: { maxContextTokens: 7 } }, { id: 'new' }, { id: '' }];
      },
    });
    const [models] = await Promise.all([list.read(), list.read()]);
    expect(asked).toBe(1);
    expect(models).toEqual([
      { ...known, provider: 'x', capabilities: { ...known.capabilities, maxContextTokens: 7 } },
      { id: 'new', name: 'new', provider: 'x', capabilities: UNKNOWN_CAPABILITIES },
    ]);
    timers.pass(299_999);
    await list.read();
    expect(asked).toBe(1);
    fails = true;
    timers.pass(1);
    expect(await list.read()).toEqual(models);
    expect(list.problem()).toBe('no network');
    timers.pass(30_000);
    fails = false;
    await list.read();
    expect([asked, list.problem()]).toEqual([3, undefined]);
  });
});

describe('one call', () => {
  const reader: ReplyReader<ChatEvent> = { read: (event) => [event], close: () => [] };
  const run = async (batches: readonly (readonly ChatEvent[])[]): Promise<readonly ChatEvent[]> => {
    const events: ChatEvent[] = [];
    const { world } = testTimers();
    const call = streamCall<ChatEvent>(
      {
        asked: { provider: 'x' },
        timeouts: TIMEOUTS,
        after: world.after,
        monotonic: world.monotonic,
        open: async () =>
          (async function* all() {
            yield* batches;
          })(),
        reader,
        failureOf: () => undefined,
      },
      new AbortController().signal,
    );
    for await (const batch of call) events.push(...batch);
    return events;
  };
  const event: fc.Arbitrary<ChatEvent> = fc.oneof(
    fc.constant<ChatEvent>({ type: 'done', finishReason: 'stop' }),
    fc.string().map((text): ChatEvent => ({ type: 'text_delta', text })),
  );

  it('has exactly one last event, whatever a vendor sends after it or instead of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(event, { maxLength: 4 }), { maxLength: 4 }), async (batches) => {
        const events = await run(batches);
        const all = batches.flat();
        const end = all.findIndex(({ type }) => type === 'done');
        const whole = end < 0 ? all : all.slice(0, end + 1);
        expect(events.slice(0, whole.length)).toEqual(whole);
        expect(events.length).toBe(end < 0 ? whole.length + 1 : whole.length);
        if (end < 0) expect(events.at(-1)).toMatchObject({ type: 'error', error: { code: 'provider_ended_early' } });
      }),
    );
  });

  it('may be silent for as long as it may after each sign of life, and no longer', async () => {
    const timers = testTimers();
    const sent = new TransformStream<readonly ChatEvent[], readonly ChatEvent[]>();
    const vendor = sent.writable.getWriter();
    const call = streamCall<ChatEvent>(
      {
        ...{ asked: { provider: 'x' }, timeouts: TIMEOUTS, reader, failureOf: () => undefined },
        ...{ after: timers.world.after, monotonic: timers.world.monotonic },
        open: async (signal) => {
          signal.addEventListener('abort', () => void vendor.abort(signal.reason).catch(() => undefined));
          return sent.readable;
        },
      },
      new AbortController().signal,
    )[Symbol.asyncIterator]();
    const word: ChatEvent = { type: 'text_delta', text: 'word' };
    const heard = async (): Promise<unknown> => (await call.next()).value;
    for (const passed of [0, TIMEOUTS.first_event - 1, TIMEOUTS.gap - 1]) {
      const next = heard();
      timers.pass(passed);
      void vendor.write([word]);
      expect(await next).toEqual([word]);
    }
    const next = heard();
    // The one timer there is goes off when the gap since the first of them is over; what it waits for then is what is left.
    timers.pass(1 - TIMEOUTS.gap);
    await timers.fire(TIMEOUTS.gap);
    expect(timers.running).toEqual([TIMEOUTS.gap - 1]);
    await timers.fire(TIMEOUTS.gap - 1);
    expect(await next).toMatchObject([{ type: 'error', error: { code: 'provider_timeout' } }]);
    expect(await call.next()).toEqual({ done: true, value: undefined });
    expect(timers.running).toEqual([]);
  });
});
