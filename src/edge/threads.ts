// SPDX-License-Identifier: Apache-2.0
// Asking all threads at once and putting what they say together; one that does not answer only leaves a gap with its name.

import type {
  ActorFilter,
  ActorTotals,
  ActorView,
  BusKindStats,
  DeadLetter,
  ThreadStats,
} from '../actors/thread/protocol.ts';
import { address } from '../bus/address.ts';
import type { PageRequest } from '../stores/session-store.ts';
import { type Asked, tryAsk } from './ask.ts';
import { openCursor, sealCursor } from './cursor.ts';
import type { EdgePorts } from './ports.ts';
import type { ActorsAnswer, BusAnswer } from './schemas/debug.ts';
import type { ThreadItem } from './schemas/system.ts';

/** Dead letters shown. */
const MOST_LETTERS = 100;

async function ofAll<R>(
  threads: readonly string[],
  asking: (thread: string) => Promise<Asked<R>>,
): Promise<{ readonly answers: readonly (readonly [string, R])[]; readonly unreachable: readonly string[] }> {
  const asked = await Promise.all(threads.map(async (thread) => [thread, await asking(thread)] as const));
  return {
    answers: asked.flatMap(([thread, answer]) => (answer.ok ? [[thread, answer.answer] as const] : [])),
    unreachable: asked.flatMap(([thread, answer]) => (answer.ok ? [] : [thread])),
  };
}

/** Every thread with its figures. */
export async function threadItems(ports: EdgePorts): Promise<readonly ThreadItem[]> {
  const [stats, root] = await Promise.all([
    ofAll(ports.threads, (thread) => tryAsk(ports.bus, address('thread', thread), 'thread.stats', {})),
    tryAsk(ports.bus, address('gateway', 'root'), 'gateway.status', {}),
  ]);
  const byName = new Map(stats.answers);
  const restarts = new Map(root.ok ? root.answer.restarts.map((restart) => [restart.thread, restart.count]) : []);
  return [
    ...ports.threads.map((name) => threadItem(name, byName.get(name), restarts.get(name) ?? 0)),
    ...ports.resting.map((name) => ({ ...threadItem(name, undefined, 0), state: 'resting' as const })),
  ];
}

function threadItem(name: string, stats: ThreadStats | undefined, restarts: number): ThreadItem {
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
    restarts,
  };
}

/** What all threads host, counted. */
export async function threadTotals(ports: EdgePorts, filter: ActorFilter): Promise<ActorsAnswer['totals']> {
  const page = await actorPage(ports, ports.threads, filter, { limit: 1 });
  return page.totals;
}

/**
 * A page of the actors of these threads, in the order of their addresses. Each thread is asked from where its own items
 * ended, so that one that did not answer goes on later where it stood.
 */
export async function actorPage(
  ports: EdgePorts,
  threads: readonly string[],
  filter: ActorFilter,
  page: PageRequest,
): Promise<ActorsAnswer> {
  const { limit } = page;
  const cursors: Record<string, string> = page.cursor === undefined ? {} : { ...openCursor(page.cursor) };
  const { answers, unreachable } = await ofAll(threads, (thread) =>
    tryAsk(ports.bus, address('thread', thread), 'thread.actors', { filter, limit, cursor: cursors[thread] ?? '' }),
  );
  const found = answers.flatMap(([thread, { items }]) => items.map((item) => ({ thread, item })));
  found.sort((one, other) =>
    one.item.address < other.item.address ? -1 : one.item.address > other.item.address ? 1 : 0,
  );
  const shown = found.slice(0, limit);
  for (const { thread, item } of shown) cursors[thread] = item.address;
  const more = found.length > limit || answers.some(([, answer]) => answer.more);
  return {
    items: shown.map(({ item }): ActorView => item),
    next_cursor: more ? sealCursor(cursors) : null,
    totals: {
      actors: answers.reduce((sum, [, { totals }]) => sum + totals.actors, 0),
      by_kind: summed(answers.map(([, { totals }]) => totals.by_kind)),
      by_thread: Object.fromEntries(answers.map(([thread, { totals }]) => [thread, totals.actors])),
      by_state: summed(answers.map(([, { totals }]) => totals.by_state)),
    },
    ...(unreachable.length > 0 ? { unreachable } : {}),
  };
}

function summed(counts: readonly ActorTotals['by_kind'][]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const count of counts)
    for (const [name, value] of Object.entries(count)) sums.set(name, (sums.get(name) ?? 0) + value);
  return Object.fromEntries(sums);
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
