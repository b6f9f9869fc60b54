// SPDX-License-Identifier: Apache-2.0
// One scrape: every part is asked at once and for a second at most; one that does not answer leaves its own figures out.

import type { MetricSample } from '../../actors/thread/protocol.ts';
import { address } from '../../bus/address.ts';
import { ofAll } from '../all-threads.ts';
import { tryAsk } from '../ask.ts';
import { allChannels } from '../channel-view.ts';
import type { EdgeContext } from '../context.ts';
import type { EdgePorts } from '../ports.ts';
import { runningProviders } from '../provider-view.ts';
import type { MetricName } from './definitions.ts';
import { metricsText } from './text.ts';
import { keyOf, Totals } from './totals.ts';

const of = (name: MetricName, value: number, labels: MetricSample['labels'] = {}): MetricSample => {
  return { name, labels, value };
};

interface Part {
  readonly counters?: readonly MetricSample[];
  readonly gauges?: readonly MetricSample[];
}

/** Made with the first scrape. */
export class Scrapes {
  readonly #edge: EdgeContext;
  readonly #totals = new Totals();
  /** One at a time: they share what was seen last. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(edge: EdgeContext) {
    this.#edge = edge;
  }

  /** The page a scraper reads. */
  text(): Promise<string> {
    const text = this.#last.then(() => this.#gather());
    this.#last = text.catch(() => undefined);
    return text;
  }

  async #gather(): Promise<string> {
    const edge = this.#edge;
    const { ports } = edge;
    const [threads, ...parts] = await Promise.all([
      ofAll(ports.threads, (name) => tryAsk(ports.bus, address('thread', name), 'thread.metrics', {})),
      root(ports),
      stores(ports),
      providers(ports),
      budgets(ports),
      channels(ports),
    ]);
    const gauges: MetricSample[] = own(edge);
    for (const name of ports.threads) gauges.push(of('sigil_thread_up', 0, { thread: name }));
    for (const [thread, { life, counters, gauges: more }] of threads.answers) {
      this.#totals.take(`thread/${thread}`, life, counters);
      gauges.push(of('sigil_thread_up', 1, { thread }), ...more);
    }
    for (const [at, part] of parts.entries()) {
      this.#totals.take(`part/${at}`, 1, part.counters ?? []);
      gauges.push(...(part.gauges ?? []));
    }
    this.#totals.take('edge', 1, [...(edge.requests?.samples() ?? []), ...cpu()]);
    return metricsText([...this.#totals.samples(), ...summed(gauges)]);
  }
}

/** What several threads tell of the same thing is one figure. */
function summed(gauges: readonly MetricSample[]): Iterable<MetricSample> {
  const sums = new Map<string, MetricSample>();
  for (const sample of gauges) {
    const key = keyOf(sample);
    const known = sums.get(key);
    sums.set(key, known === undefined ? sample : { ...sample, value: known.value + sample.value });
  }
  return sums.values();
}

function own(edge: EdgeContext): MetricSample[] {
  const { version, commit, agent, state } = edge.ports;
  return [
    of('sigil_build_info', 1, { version, commit }),
    of('sigil_uptime_seconds', edge.uptime),
    of('sigil_up', state() === 'running' ? 1 : 0),
    of('sigil_agent_paused', agent.paused === null ? 0 : 1),
    of('sigil_process_resident_memory_bytes', process.memoryUsage.rss()),
    of('sigil_http_streams_open', edge.streamsOpen),
  ];
}

function cpu(): readonly MetricSample[] {
  const { user, system } = process.cpuUsage();
  return [
    of('sigil_process_cpu_seconds_total', user / 1e6, { mode: 'user' }),
    of('sigil_process_cpu_seconds_total', system / 1e6, { mode: 'system' }),
  ];
}

async function root({ bus, threads, quarantined: left }: EdgePorts): Promise<Part> {
  const asked = await tryAsk(bus, address('gateway', 'root'), 'gateway.status', {});
  if (!asked.ok) return {};
  const { restarts, quarantined } = asked.answer;
  const what = new Set([...left, ...quarantined].map((part) => part.what));
  const count = new Map(restarts.map((one) => [one.thread, one.count]));
  return {
    counters: threads.map((thread) => of('sigil_thread_restarts_total', count.get(thread) ?? 0, { thread })),
    gauges: [of('sigil_quarantined_parts', what.size)],
  };
}

async function stores({ bus }: EdgePorts): Promise<Part> {
  const [journal, views] = await Promise.all([
    tryAsk(bus, address('store', 'journal'), 'journal.stats', {}),
    tryAsk(bus, address('store', 'views'), 'views.stats', {}),
  ]);
  const behind = (projection: string, rows: number): MetricSample =>
    of('sigil_views_behind_rows', rows, { projection });
  return {
    ...(journal.ok && {
      counters: [
        of('sigil_journal_rows_total', journal.answer.rows),
        of('sigil_journal_commits_total', journal.answer.commits),
        of('sigil_journal_conflicts_total', journal.answer.conflicts),
      ],
    }),
    ...(views.ok && {
      gauges: [behind('sessions', views.answer.behind), behind('memory', views.answer.memory.behind)],
    }),
  };
}

async function providers(ports: EdgePorts): Promise<Part> {
  const counters: MetricSample[] = [];
  const gauges: MetricSample[] = [];
  for (const { name: provider, state, calls, failures, in_flight, waiting, latency } of await runningProviders(ports)) {
    counters.push(of('sigil_provider_calls_total', calls, { provider }));
    counters.push(of('sigil_provider_failures_total', failures, { provider }));
    gauges.push(of('sigil_provider_in_flight', in_flight, { provider }));
    gauges.push(of('sigil_provider_waiting', waiting, { provider }));
    gauges.push(of('sigil_provider_circuit_open', state === 'closed' ? 0 : 1, { provider }));
    for (const [phase, times] of [
      ['first_event', latency.first_event_ms],
      ['whole', latency.took_ms],
    ] as const) {
      if (times === null) continue;
      const named = { '0.5': times.p50, '0.95': times.p95, '0.99': times.p99 };
      for (const [quantile, ms] of Object.entries(named))
        gauges.push(of('sigil_provider_latency_seconds', ms / 1_000, { provider, phase, quantile }));
    }
  }
  return { counters, gauges };
}

async function budgets({ bus, budgets: scopes }: EdgePorts): Promise<Part> {
  const gauges = await Promise.all(
    scopes.map(async (scope) => {
      const asked = await tryAsk(bus, address('budget', scope), 'budget.status', {});
      if (!asked.ok) return [];
      const { used, limits, reserved } = asked.answer;
      const units = [
        ['tokens', 'tokens'],
        ['usd', 'cost_usd'],
      ] as const;
      return units.flatMap(([unit, field]) => [
        ...(['hour', 'day'] as const).flatMap((span) => [
          of('sigil_budget_used', used[span][field], { scope, span, unit }),
          ...(limits[span][field] > 0 ? [of('sigil_budget_limit', limits[span][field], { scope, span, unit })] : []),
        ]),
        of('sigil_budget_reserved', reserved[field], { scope, unit }),
      ]);
    }),
  );
  return { gauges: gauges.flat() };
}

async function channels(ports: EdgePorts): Promise<Part> {
  const counters: MetricSample[] = [];
  const gauges: MetricSample[] = [];
  for (const { name: channel, type, state, ...one } of await allChannels(ports)) {
    counters.push(of('sigil_channel_received_total', one.received, { channel }));
    counters.push(of('sigil_channel_refused_total', one.refused, { channel }));
    counters.push(of('sigil_channel_sent_total', one.sent, { channel }));
    counters.push(of('sigil_channel_dead_letters_total', one.dead_letters, { channel }));
    gauges.push(of('sigil_channel_up', state === 'online' ? 1 : 0, { channel, type }));
    gauges.push(of('sigil_channel_outbox_messages', one.waiting, { channel }));
    gauges.push(of('sigil_channel_outbox_oldest_seconds', one.oldest_ms / 1_000, { channel }));
  }
  return { counters, gauges };
}
