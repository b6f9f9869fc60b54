// SPDX-License-Identifier: Apache-2.0
// The figures of all threads and of the bus between them, put together.

import type { BusKindStats, DeadLetter, ThreadStats } from '../actors/thread/protocol.ts';
import { address } from '../bus/address.ts';
import { ofAll } from './all-threads.ts';
import { tryAsk } from './ask.ts';
import type { EdgePorts } from './ports.ts';
import type { BusAnswer } from './schemas/debug.ts';
import type { ThreadItem } from './schemas/system.ts';

/** Dead letters shown. */
const MOST_LETTERS = 100;

/** Every thread with its figures. */
export async function threadItems(ports: EdgePorts): Promise<readonly ThreadItem[]> {
  const [stats, root] = await Promise.all([
    ofAll(ports.threads, (thread) => tryAsk(ports.bus, address('thread', thread), 'thread.stats', {})),
    tryAsk(ports.bus, address('gateway', 'root'), 'gateway.status', {}),
  ]);
  const byName = new Map(stats.answers);
  const restarts = new Map(root.ok ? root.answer.restarts.map((restart) => [restart.thread, restart]) : []);
  const quarantined = new Set(root.ok ? root.answer.quarantined.map(({ what }) => what) : []);
  return [
    ...ports.threads.map((name) => {
      const item = threadItem(name, byName.get(name), restarts.get(name));
      return item.state === 'unreachable' && quarantined.has(`thread/${name}`)
        ? { ...item, state: 'quarantined' as const }
        : item;
    }),
    ...ports.resting.map((name) => ({ ...threadItem(name, undefined, undefined), state: 'resting' as const })),
  ];
}

interface Restarts {
  readonly count: number;
  readonly last_at: string;
  readonly reason: string;
}

function threadItem(name: string, stats: ThreadStats | undefined, restarts: Restarts | undefined): ThreadItem {
  return {
    name,
    state: stats === undefined ? 'unreachable' : 'up',
    role: name.replace(/-\d+$/, ''),
    life: stats?.life ?? 0,
    actors: stats?.actors ?? 0,
    messages_in_per_s: stats?.messages_in_per_s ?? 0,
    messages_out_per_s: stats?.messages_out_per_s ?? 0,
    loop_delay_ms: stats?.loop_delay_ms ?? { p50: 0, p99: 0 },
    heap_bytes: stats?.heap_bytes ?? 0,
    utilisation: stats?.utilisation ?? 0,
    restarts: restarts?.count ?? 0,
    last_restart: restarts === undefined ? null : { at: restarts.last_at, reason: restarts.reason },
  };
}

const NO_STATS: BusKindStats = { sent: 0, delivered: 0, asks_in_flight: 0, timeouts: 0, dead_letters: 0 };

/** What travelled, over all threads. */
export async function busFigures(ports: EdgePorts): Promise<BusAnswer> {
  const { answers, unreachable } = await ofAll(ports.threads, (thread) =>
    tryAsk(ports.bus, address('thread', thread), 'thread.bus', {}),
  );
  const byKind = new Map<string, BusKindStats>();
  const letters: DeadLetter[] = [];
  for (const [, stats] of answers) {
    letters.push(...stats.dead_letters);
    for (const [kind, add] of Object.entries(stats.by_kind)) {
      const sum = byKind.get(kind) ?? NO_STATS;
      byKind.set(kind, {
        sent: sum.sent + add.sent,
        delivered: sum.delivered + add.delivered,
        asks_in_flight: sum.asks_in_flight + add.asks_in_flight,
        timeouts: sum.timeouts + add.timeouts,
        dead_letters: sum.dead_letters + add.dead_letters,
      });
    }
  }
  letters.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
  return {
    by_kind: Object.fromEntries(byKind),
    dead_letters: letters.slice(-MOST_LETTERS),
    ...(unreachable.length > 0 ? { unreachable } : {}),
  };
}
