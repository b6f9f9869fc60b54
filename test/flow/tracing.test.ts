// SPDX-License-Identifier: Apache-2.0
// Traces of a whole gateway, followed by a collector: a turn with a tool call through its threads.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../edge/client.ts';
import { Metrics } from '../edge/prometheus.ts';
import { closeHouses, type House, startHouse } from './house.ts';
import { type CollectedSpan, type Collector, startCollector } from './otlp-collector.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const traceparent = `00-${TRACE}-${PARENT}-01`;
const SAID = 'what is 2+2? words-of-mine-5d1a';

let house: House;
let collector: Collector;

beforeAll(async () => {
  process.env['OTEL_BSP_SCHEDULE_DELAY'] = '20';
  collector = await startCollector();
  house = await startHouse({
    gateway: { threads: 1 },
    logging: { level: 'info' },
    telemetry: { otlp_endpoint: collector.url },
  });
});
afterAll(async () => {
  await closeHouses();
  await collector.close();
});

const say = async (headers: Record<string, string> = {}): Promise<{ turn_id: string; session_id: string }> =>
  (await house.owner.post('/api/v1/chat', { content: SAID, model: 'sigil/offline' }, { headers })).body;

/** The span of a turn and what lies under it, once it came. */
async function turnOf(turn_id: string): Promise<readonly [CollectedSpan, readonly CollectedSpan[]]> {
  const find = () => collector.spans.find(({ attributes }) => attributes['sigil.turn.id'] === turn_id);
  await until(() => find() !== undefined);
  const turn = find();
  if (turn === undefined) throw new Error('there is none');
  return [turn, collector.spans.filter(({ parentSpanId }) => parentSpanId === turn.spanId)];
}

it('shows a turn under the request it came by, in the trace of its caller, and nothing that was said', async () => {
  const { turn_id, session_id } = await say({ traceparent });
  const [turn, parts] = await turnOf(turn_id);
  const request = collector.spans.find(({ spanId }) => spanId === turn.parentSpanId);
  expect(request).toMatchObject({
    ...{ name: 'POST /api/v1/chat', traceId: TRACE, parentSpanId: PARENT, kind: 2 },
    attributes: { 'http.request.method': 'POST', 'http.route': '/api/v1/chat', 'http.response.status_code': 200 },
  });
  expect(turn).toMatchObject({
    ...{ name: 'invoke_agent', traceId: TRACE },
    attributes: {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.conversation.id': session_id,
      'sigil.workspace.id': 'personal:owner',
      'sigil.turn.outcome': 'stop',
    },
  });
  const inOrder = parts.toSorted((a, b) => Number(a.startTimeUnixNano - b.startTimeUnixNano));
  expect(inOrder.map(({ name }) => name)).toEqual([
    ...['queue', 'prepare', 'chat offline', 'execute_tool calculator', 'prepare', 'chat offline', 'respond'],
  ]);
  const [, , called, tool, , answered] = inOrder;
  expect(called).toMatchObject({
    ...{ kind: 3, traceId: TRACE },
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.system': 'sigil',
      'gen_ai.request.model': 'offline',
      'gen_ai.usage.input_tokens': expect.any(Number),
      'gen_ai.usage.output_tokens': expect.any(Number),
      'gen_ai.response.finish_reasons': ['tool_calls'],
    },
  });
  expect(answered?.attributes['gen_ai.response.finish_reasons']).toEqual(['stop']);
  expect(tool?.attributes).toMatchObject({ 'gen_ai.tool.name': 'calculator', 'sigil.tool.outcome': 'ok' });
  // Each lies within what it is part of, and they came from one clock.
  for (const part of parts) {
    expect(part.endTimeUnixNano >= part.startTimeUnixNano, part.name).toBe(true);
    expect(part.startTimeUnixNano >= turn.startTimeUnixNano, part.name).toBe(true);
    expect(part.endTimeUnixNano <= turn.endTimeUnixNano, part.name).toBe(true);
  }
  const { resource } = turn;
  expect(resource).toMatchObject({ 'service.name': 'sigil', 'service.version': '0.1.0' });
  expect(resource['service.instance.id']).toMatch(/^[0-9a-f-]{36}$/);
  const all = collector.bodies.join('');
  for (const text of ['words-of-mine', '2+2', 'owner.token', 'Bearer']) expect(all.includes(text), text).toBe(false);
});

it('names the trace in the lines of the log', async () => {
  const { turn_id } = await say({ traceparent: `00-${TRACE.replace('0af7', '1bf7')}-${PARENT}-01` });
  const lines = async () => (await house.owner.get(`/api/v1/logs?turn=${turn_id}`)).body.items;
  await until(async () => (await lines()).length > 0);
  expect(await lines()).toMatchObject([{ message: 'a turn is over', trace_id: TRACE.replace('0af7', '1bf7') }]);
});

it('begins a trace of its own where the caller has none, or one that cannot be read, and leaves out what they do not want', async () => {
  for (const headers of [{}, { traceparent: `00-${'0'.repeat(32)}-${PARENT}-01` }, { traceparent: 'nonsense' }]) {
    const [turn, parts] = await turnOf((await say(headers as Record<string, string>)).turn_id);
    const request = collector.spans.find(({ spanId }) => spanId === turn.parentSpanId);
    expect([request?.parentSpanId, request?.traceId === TRACE, parts.length]).toEqual(['', false, 7]);
  }
  const unwanted = 'c'.repeat(32);
  await say({ traceparent: `00-${unwanted}-${PARENT}-00` });
  await turnOf((await say()).turn_id);
  expect(collector.spans.some(({ traceId }) => traceId === unwanted)).toBe(false);
});

it('drops and counts what the collector does not take, says so once, and goes on when it does', async () => {
  const logged = async (q: string) => (await house.owner.get(`/api/v1/logs?q=${encodeURIComponent(q)}`)).body.items;
  const dropped = async () =>
    new Metrics((await house.owner.get('/metrics')).text).get('sigil_trace_spans_dropped_total', {
      reason: 'not_taken',
    }) ?? 0;
  collector.status = 400;
  await say();
  await until(async () => (await dropped()) > 0);
  const before = await dropped();
  await say();
  await until(async () => (await dropped()) > before);
  expect(await logged('traces are not taken')).toHaveLength(1);
  collector.status = 200;
  const [, parts] = await turnOf((await say()).turn_id);
  expect(parts).toHaveLength(7);
  await until(async () => (await logged('taken by their collector again')).length === 1);
});
