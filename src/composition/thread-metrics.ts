// SPDX-License-Identifier: Apache-2.0
// What a thread says when somebody scrapes: of its bus, its actors, its heap and its loop, and what its role has counted.

import type { SigilProtocols } from '../actors/protocols.ts';
import type { Residents } from '../actors/residents.ts';
import type { MetricSample, ThreadMetrics } from '../actors/thread/protocol.ts';
import type { BusNode } from '../bus/node.ts';
import type { MetricName } from '../edge/metrics/definitions.ts';
import type { Tally } from '../edge/metrics/tally.ts';
import type { Heartbeat } from './heartbeat.ts';

export interface ThreadParts {
  readonly name: string;
  readonly life: number;
  readonly bus: BusNode<SigilProtocols>;
  readonly residents: Residents;
  readonly heartbeat: Heartbeat;
  readonly tally: Tally;
}

/** A turn's place in a session's chart begins with this. */
const TURN = 'turn.';
const ASKED = 'turn.waiting_for_approval';

export function threadMetrics({ name: thread, life, bus, residents, heartbeat, tally }: ThreadParts): ThreadMetrics {
  const of = (name: MetricName, value: number, labels: MetricSample['labels'] = {}): MetricSample => {
    return { name, labels, value };
  };
  const { kinds, messages_in, messages_out, backlog } = bus.stats();
  const { by_kind, by_state } = residents.totals();
  const { heapUsed, external } = process.memoryUsage();
  const { p50, p99 } = heartbeat.delay();
  const counters = Object.entries(kinds).flatMap(([kind, counts]) => [
    of('sigil_bus_sent_total', counts.sent, { kind }),
    of('sigil_bus_delivered_total', counts.delivered, { kind }),
    of('sigil_bus_timeouts_total', counts.timeouts, { kind }),
    of('sigil_bus_dead_letters_total', counts.dead_letters, { kind }),
  ]);
  const working = Object.entries(by_state).filter(([state]) => state.startsWith(TURN));
  return {
    life,
    counters: [
      ...counters,
      of('sigil_thread_messages_total', messages_in, { thread, direction: 'in' }),
      of('sigil_thread_messages_total', messages_out, { thread, direction: 'out' }),
      ...tally.samples(),
    ],
    gauges: [
      of('sigil_thread_heap_bytes', heapUsed, { thread }),
      of('sigil_thread_external_bytes', external, { thread }),
      of('sigil_thread_loop_delay_seconds', p50 / 1_000, { thread, quantile: '0.5' }),
      of('sigil_thread_loop_delay_seconds', p99 / 1_000, { thread, quantile: '0.99' }),
      of('sigil_thread_utilisation_ratio', heartbeat.utilisation(), { thread }),
      of('sigil_thread_mailbox_messages', backlog, { thread }),
      ...Object.entries(kinds).map(([kind, counts]) => of('sigil_bus_asks_in_flight', counts.asks_in_flight, { kind })),
      ...Object.entries(by_kind).map(([kind, value]) => of('sigil_actors', value, { kind })),
      ...working.map(([state, value]) => of('sigil_sessions_working', value, { state: state.slice(TURN.length) })),
      of('sigil_approvals_pending', by_state[ASKED] ?? 0),
    ],
  };
}
