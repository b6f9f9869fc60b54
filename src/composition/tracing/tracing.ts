// SPDX-License-Identifier: Apache-2.0
// Traces for a collector that speaks OTLP, made on main alone: of requests as they end, of turns from the facts their lanes tell.
// Loaded only where `telemetry.otlp_endpoint` is set.

import {
  type Context,
  type HrTime,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { RandomIdGenerator, TracerProvider } from '@opentelemetry/sdk-trace';
import type { RequestTracing } from '../../edge/ports.ts';
import { toFailure } from '../../errors.ts';
import type { ThreadContext } from '../context.ts';
import type { TurnOrigins } from '../turn-origins.ts';
import { samplerOf } from './sampler.ts';
import { SpanQueue } from './span-queue.ts';
import { type TurnFact, turnFactsOf } from './turn-facts.ts';
import { type Stretch, turnTimeline } from './turn-timeline.ts';

/** Requests that are remembered, turns whose facts are gathered, and facts of one turn. */
const REQUESTS_MOST = 4_096;
const TURNS_MOST = 4_096;
const FACTS_MOST = 512;
/** How long one attempt to send may take, in milliseconds. */
const SEND_MS = 10_000;
/** The clock that never goes back is set after the other when they are so far apart, in milliseconds. */
const APART_MS = 50;
/** OpenTelemetry's own name for how long spans are gathered. */
const DELAY = 'OTEL_BSP_SCHEDULE_DELAY';
const TRACES = '/v1/traces';
const PARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const NO_TRACE = /^0+$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Names vendors go by in the conventions, where they are others than ours. */
const VENDORS: Readonly<Record<string, string>> = { google: 'gcp.gemini', sigil: 'sigil' };

interface Request {
  readonly context: SpanContext;
  /** What is told once it is over; undefined when it is. */
  ended: ((at: number) => void)[] | undefined;
}

export interface TracingOptions {
  readonly context: Pick<ThreadContext, 'bus' | 'world' | 'house' | 'tally' | 'log'>;
  readonly lanes: readonly string[];
  readonly origins: TurnOrigins;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Tracing extends RequestTracing {
  /** Sends what is left, for as long as that may take. */
  close(): Promise<void>;
}

/** Where traces are posted to: what is configured is a collector's address, or the whole path. */
export function tracesUrl(endpoint: string): string {
  const url = new URL(endpoint);
  const path = url.pathname.replace(/\/+$/, '');
  if (!path.endsWith(TRACES)) url.pathname = `${path}${TRACES}`;
  return url.href;
}

export function startTracing({ context, lanes, origins, version, env }: TracingOptions): Tracing {
  const { bus, world, house, tally, log } = context;
  const url = tracesUrl(house.config.telemetry.otlp_endpoint);
  const { host } = new URL(url);
  const dropped = (spans: number, reason: string): void =>
    tally.add('sigil_trace_spans_dropped_total', spans, { reason });
  const queue = new SpanQueue({
    exporter: new OTLPTraceExporter({ url, timeoutMillis: SEND_MS }),
    world,
    gather_ms: /^\d{1,6}$/.test(env[DELAY] ?? '') ? Number(env[DELAY]) : undefined,
    sent: (spans) => tally.add('sigil_trace_spans_sent_total', spans),
    dropped,
    failing: (error) =>
      log(
        'warn',
        { collector: host, error: toFailure(error) },
        'traces are not taken by their collector: they are dropped until it does',
      ),
    recovered: () => log('info', { collector: host }, 'traces are taken by their collector again'),
  });
  const ids = new TurnIds();
  const provider = new TracerProvider({
    // What the operator says of it in OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME comes before what we say.
    resource: defaultResource()
      .merge(
        resourceFromAttributes({
          'service.name': 'sigil',
          'service.version': version,
          'service.instance.id': world.uuid(),
        }),
      )
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(env, (what) => log('warn', {}, `${what}; every trace is made`)),
    idGenerator: ids,
    spanProcessors: [queue],
  });
  const tracer = provider.getTracer('sigil', version);
  const now = (): number => world.origin + world.monotonic();
  let shift = 0;
  const time = (at: number): HrTime => {
    const apart = world.now() - now();
    if (Math.abs(apart - shift) > APART_MS) shift = apart;
    const millis = at + shift;
    const seconds = Math.floor(millis / 1_000);
    return [seconds, Math.round((millis - seconds * 1_000) * 1e6)];
  };

  const requests = new Map<string, Request>();
  const turns = new Map<string, TurnFact[]>();
  const requestOf = (turn_id: string | undefined, request_id: string | undefined): Request | undefined => {
    const id = request_id ?? (turn_id === undefined ? undefined : origins.requestOf(turn_id));
    return id === undefined ? undefined : requests.get(id);
  };
  origins.traceOf = (turn_id, request_id) =>
    requestOf(turn_id, request_id)?.context.traceId ?? (turn_id === undefined ? undefined : traceIdOf(turn_id));

  const tell = (facts: readonly TurnFact[], turn_id: string, request: Request | undefined, answered?: number): void => {
    const vendor = (name: string): string => {
      const type = house.config.providers[name]?.type ?? name;
      return VENDORS[type] ?? type;
    };
    const timeline = turnTimeline(facts, vendor, answered);
    if (timeline === undefined) return;
    ids.next = request === undefined ? traceIdOf(turn_id) : undefined;
    const parent = request === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, request.context);
    const own = begin(tracer, timeline, parent, time);
    ids.next = undefined;
    const inside = trace.setSpan(ROOT_CONTEXT, own);
    for (const part of timeline.parts) begin(tracer, part, inside, time).end(time(part.to));
    own.end(time(timeline.to));
  };

  const heard = (fact: TurnFact): void => {
    const { turn_id, happened } = fact;
    let facts = turns.get(turn_id);
    if (facts === undefined) {
      // A turn whose beginning nobody told of here has no trace worth reading.
      if (happened.type !== 'started' && happened.type !== 'resumed') return;
      facts = [];
      turns.set(turn_id, facts);
      if (turns.size > TURNS_MOST) forgetOldest(turns, () => dropped(1, 'turns'));
    }
    if (facts.length < FACTS_MOST || happened.type === 'ended') facts.push(fact);
    else dropped(1, 'turns');
    if (happened.type !== 'ended') return;
    turns.delete(turn_id);
    const gathered = facts;
    const request = requestOf(turn_id, undefined);
    // Whoever waits for the answer has it when the request is over.
    if (request?.ended === undefined) tell(gathered, turn_id, request);
    else request.ended.push((at) => tell(gathered, turn_id, request, at));
  };
  const stops = lanes.map((lane) =>
    bus.subscribe(turnFactsOf(lane), {
      events: (facts) => {
        for (const fact of facts) heard(fact);
      },
      gap: (lost) => dropped(lost, 'link'),
    }),
  );

  return {
    begin: ({ method = 'GET', headers }, requestId) => {
      const parent = remoteParent(headers['traceparent']);
      const from = now();
      const span = tracer.startSpan(
        method,
        {
          kind: SpanKind.SERVER,
          startTime: time(from),
          attributes: { 'http.request.method': method, 'sigil.request.id': requestId },
        },
        parent,
      );
      const request: Request = { context: span.spanContext(), ended: [] };
      requests.delete(requestId);
      requests.set(requestId, request);
      if (requests.size > REQUESTS_MOST) forgetOldest(requests);
      return (route, status) => {
        if (route !== undefined) {
          span.updateName(`${method} ${route}`);
          span.setAttribute('http.route', route);
        }
        span.setAttribute('http.response.status_code', status);
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        const at = now();
        span.end(time(at));
        const waiting = request.ended ?? [];
        request.ended = undefined;
        for (const run of waiting) run(at);
      };
    },
    close: async () => {
      for (const stop of stops) stop();
      origins.traceOf = undefined;
      await provider.shutdown();
    },
  };
}

function begin(tracer: Tracer, stretch: Stretch, parent: Context, time: (at: number) => HrTime): Span {
  const { name, kind, from, attributes, error } = stretch;
  const span = tracer.startSpan(
    name,
    {
      kind: kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL,
      startTime: time(from),
      attributes: Object.fromEntries(
        Object.entries(attributes).map(([key, value]) => [key, typeof value === 'object' ? [...value] : value]),
      ),
    },
    parent,
  );
  if (error !== undefined) {
    span.setAttribute('error.type', error);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  return span;
}

/** The caller's span, as W3C writes it; one that cannot be read is none. */
function remoteParent(header: string | readonly string[] | undefined): Context {
  const [, traceId, spanId, flags] = (typeof header === 'string' && PARENT.exec(header.trim())) || [];
  if (traceId === undefined || spanId === undefined || NO_TRACE.test(traceId) || NO_TRACE.test(spanId))
    return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags ?? '0', 16) & 1,
    isRemote: true,
  });
}

/** A turn nobody's request began has its own id as that of its trace, so that lines of the log know it beforehand. */
function traceIdOf(turn_id: string): string | undefined {
  return UUID.test(turn_id) ? turn_id.replaceAll('-', '') : undefined;
}

class TurnIds extends RandomIdGenerator {
  /** The trace that begins next. */
  next: string | undefined;
  readonly #random = new RandomIdGenerator();
  override generateTraceId = (): string => this.next ?? this.#random.generateTraceId();
}

function forgetOldest<V>(of: Map<string, V>, forgotten: () => void = () => undefined): void {
  for (const oldest of of.keys()) {
    of.delete(oldest);
    forgotten();
    return;
  }
}
