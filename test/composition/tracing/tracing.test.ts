// SPDX-License-Identifier: Apache-2.0
// Traces without a gateway: turns that do not go smoothly, spans that find no room, which traces are made, and where they are sent.

import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import { type ReadableSpan, SamplingDecision, type SpanExporter } from '@opentelemetry/sdk-trace';
import { expect, it } from 'vitest';
import { samplerOf } from '../../../src/composition/tracing/sampler.ts';
import { SpanQueue, WAITING_MOST } from '../../../src/composition/tracing/span-queue.ts';
import { tracesUrl } from '../../../src/composition/tracing/tracing.ts';
import type { Happened, TurnFact } from '../../../src/composition/tracing/turn-facts.ts';
import { turnTimeline } from '../../../src/composition/tracing/turn-timeline.ts';

const facts = (...all: readonly (readonly [number, Happened])[]): readonly TurnFact[] =>
  all.map(([at, happened]) => ({ turn_id: 't', at, happened }));
const started = { type: 'started', session_id: 's', workspace_id: 'w', model: 'a/b/c', queued_ms: 5 } as const;

it('shows a model that failed, a person who was waited for, and a turn that failed', () => {
  const timeline = turnTimeline(
    facts(
      [100, started],
      [110, { type: 'called', call: 1, model: 'a/b/c' }],
      [150, { type: 'replaced', model: 'a/b/c', code: 'provider_overloaded' }],
      [160, { type: 'called', call: 2, model: 'd/e' }],
      [200, { type: 'replied', finish: 'tool_calls', input_tokens: 3, output_tokens: 4 }],
      [205, { type: 'asked', id: 'q', tool: 'web' }],
      [905, { type: 'decided', id: 'q', decision: 'deny' }],
      [910, { type: 'tool', call_id: 'k', name: 'web', is_error: true, took_ms: 2 }],
      [920, { type: 'called', call: 3, model: 'd/e' }],
      [990, { type: 'ended', outcome: 'provider_timeout', failed: true }],
    ),
    (provider) => `vendor of ${provider}`,
  );
  expect(timeline).toMatchObject({ from: 95, to: 990, error: 'provider_timeout' });
  expect(timeline?.parts.map(({ name, from, to, error }) => [name, from, to, error])).toEqual([
    ['queue', 95, 100, undefined],
    ['prepare', 100, 110, undefined],
    ['chat b/c', 110, 150, 'provider_overloaded'],
    ['prepare', 150, 160, undefined],
    ['chat e', 160, 200, undefined],
    ['approval', 205, 905, undefined],
    ['execute_tool web', 908, 910, 'tool_error'],
    ['prepare', 910, 920, undefined],
    ['chat e', 920, 990, 'provider_timeout'],
    ['respond', 920, 990, undefined],
  ]);
  expect(timeline?.parts[2]?.attributes).toMatchObject({
    ...{ 'gen_ai.request.model': 'b/c', 'gen_ai.provider.name': 'vendor of a', 'gen_ai.system': 'vendor of a' },
  });
});

it('shows that a thread died over a call, and how long the answer took to its reader', () => {
  const timeline = turnTimeline(
    facts(
      [100, started],
      [110, { type: 'called', call: 1, model: 'a/b' }],
      [500, { type: 'resumed', session_id: 's', workspace_id: 'w', attempt: 2 }],
      [510, { type: 'called', call: 1, model: 'a/b' }],
      [600, { type: 'replied', finish: 'stop', input_tokens: 1, output_tokens: 1 }],
      [601, { type: 'ended', outcome: 'stop', failed: false }],
    ),
    (provider) => provider,
    700,
  );
  expect(timeline).toMatchObject({ to: 700, attributes: { 'sigil.turn.attempt': 2 } });
  expect(timeline?.parts.map(({ name, to, error }) => [name, to, error])).toEqual([
    ['queue', 100, undefined],
    ['prepare', 110, undefined],
    ['chat b', 500, 'interrupted'],
    ['prepare', 510, undefined],
    ['chat b', 600, undefined],
    ['respond', 700, undefined],
  ]);
  expect(turnTimeline(facts([1, started]), String)).toBeUndefined();
});

it('holds so many spans while its collector is slow, and counts the others', async () => {
  const told = { sent: 0, queue_full: 0, not_taken: 0, failing: 0, recovered: 0 };
  let answer: (code: number) => void = () => undefined;
  const exporter: SpanExporter = {
    export: (_, done) => {
      answer = (code) => done({ code });
    },
    shutdown: () => Promise.resolve(),
  };
  const queue = new SpanQueue({
    exporter,
    world: { after: () => () => undefined },
    sent: (spans) => (told.sent += spans),
    dropped: (spans, reason) => (told[reason] += spans),
    failing: () => (told.failing += 1),
    recovered: () => (told.recovered += 1),
  });
  const span = (traceFlags = 1) => ({ spanContext: () => ({ traceFlags }) }) as unknown as ReadableSpan;
  queue.onEnd(span(0));
  for (let n = 0; n < WAITING_MOST + 512 + 3; n += 1) queue.onEnd(span());
  expect(told).toMatchObject({ sent: 0, queue_full: 3 });
  const flushed = queue.forceFlush();
  for (const code of [1, 1, 0, 0, 0]) {
    answer(code);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await flushed;
  expect(told).toEqual({ sent: 3 * 512, queue_full: 3, not_taken: 2 * 512, failing: 1, recovered: 1 });
});

it('sends what ended while others were being sent, however long that took', async () => {
  const timers: (() => void)[] = [];
  const answers: ((code: number) => void)[] = [];
  let sent = 0;
  const queue = new SpanQueue({
    exporter: {
      export: (_, done) => void answers.push((code) => done({ code })),
      shutdown: () => Promise.resolve(),
    },
    world: {
      after: (_, run) => {
        timers.push(run);
        return () => void timers.splice(0, timers.length, ...timers.filter((timer) => timer !== run));
      },
    },
    sent: (spans) => {
      sent += spans;
    },
    ...{ dropped: () => undefined, failing: () => undefined, recovered: () => undefined },
  });
  const span = { spanContext: () => ({ traceFlags: 1 }) } as unknown as ReadableSpan;
  const timesOut = (): void => timers.shift()?.();
  queue.onEnd(span);
  timesOut();
  queue.onEnd(span);
  // The collector is slower than others are waited for.
  timesOut();
  queue.onEnd(span);
  answers.shift()?.(0);
  await new Promise((resolve) => setImmediate(resolve));
  expect([sent, timers.length]).toEqual([1, 1]);
  timesOut();
  answers.shift()?.(0);
  expect(sent).toBe(3);
});

it('makes the traces that OTEL_TRACES_SAMPLER asks for, and all of them where it asks for nonsense', () => {
  const odd: string[] = [];
  const wants = (name: string, argument = ''): boolean => {
    const sampler = samplerOf({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument }, (what) =>
      odd.push(what),
    );
    const { decision } = sampler.shouldSample(ROOT_CONTEXT, 'a'.repeat(32), 'x', SpanKind.SERVER, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  };
  expect(['', 'always_on', 'parentbased_always_on'].map((name) => wants(name))).toEqual([true, true, true]);
  expect([wants('always_off'), wants('parentbased_traceidratio', '0'), wants('traceidratio', '1')]).toEqual([
    false,
    false,
    true,
  ]);
  expect(odd).toEqual([]);
  expect([wants('sometimes'), wants('traceidratio', '7'), odd.length]).toEqual([true, true, 2]);
});

it('posts to the path of traces, whether it is named or not', () => {
  expect(['http://c:4318', 'http://c:4318/', 'https://c/otlp/', 'https://c/v1/traces'].map(tracesUrl)).toEqual([
    ...['http://c:4318/v1/traces', 'http://c:4318/v1/traces', 'https://c/otlp/v1/traces', 'https://c/v1/traces'],
  ]);
});
