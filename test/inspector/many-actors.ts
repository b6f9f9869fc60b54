// SPDX-License-Identifier: Apache-2.0
// An edge before thousands of actors that exist only as answers, and steps of theirs to tell.

import type { ActorView, TraceEvent } from '../../src/actors/thread/protocol.ts';
import { address } from '../../src/bus/address.ts';
import { topic } from '../../src/bus/envelope.ts';
import { inspectorFiles } from '../../src/composition/inspector-files.ts';
import { createEdge, type Edge } from '../../src/edge/server.ts';
import { type Door, FakeHouse } from '../edge/fake-house.ts';

const THREADS = ['main', 'lane-1', 'lane-2'] as const;
const STATES = ['idle', 'turn.calling_model', 'turn.running_tools', 'turn.waiting_for_approval'] as const;

export interface ManyActors {
  readonly url: string;
  readonly edge: Edge;
  /** The last in the list. */
  readonly last: string;
  /** Tells of so many steps. */
  steps(count: number): void;
}

/** @param port where it listens; 0 lets the system choose */
export async function manyActors(count: number, port = 0): Promise<ManyActors> {
  const house = new FakeHouse();
  const at = new Date().toISOString();
  const actors = Array.from({ length: count }, (_, nth): ActorView => {
    const id = `01a1fd40-${String(nth).padStart(4, '0')}-7000-8000-000000000000`;
    return {
      ...{ address: `session/${id}`, kind: 'session', id, parent: 'workspace/home', thread: `lane-${1 + (nth % 2)}` },
      ...{ state: STATES[nth % 7] ?? 'idle', since: at, uptime_s: nth, processed: nth, failed: 0, restarts: 0 },
      mailbox: { depth: nth % 11 === 0 ? nth % 9 : 0, capacity: 1024, oldest_ms: 1 },
      last_event: { type: 'written', at },
      asleep: false,
    };
  });
  const byThread = new Map(THREADS.map((thread) => [thread as string, actors.filter((one) => one.thread === thread)]));
  for (const [thread, own] of byThread) {
    const totals = { actors: own.length, by_kind: { session: own.length }, by_state: { idle: own.length } };
    house.doors.set(`thread/${thread} thread.actors`, ((body: {
      limit: number;
      cursor: string;
      filter: { q?: string };
    }) => {
      const { q = '' } = body.filter;
      const left = own.filter((one) => one.address > body.cursor && one.address.includes(q));
      const items = left.slice(0, body.limit);
      return { items, reached: left.length > items.length ? (items.at(-1)?.address ?? null) : null, totals };
    }) as Door);
  }
  const figures = { sent: 9, delivered: 8, asks_in_flight: 0, timeouts: 1, dead_letters: 1 };
  const letter = { at, to: 'session/gone', from: 'channel/http', type: 'session.deliver', reason: 'mailbox_full' };
  house.doors.set('thread/lane-1 thread.bus', () => ({ by_kind: { session: figures }, dead_letters: [letter] }));
  const edge = createEdge(
    house.ports(
      { auth: { mode: 'none' }, networking: { listen: '127.0.0.1:0' } },
      { threads: [...THREADS], inspector: () => Promise.resolve(inspectorFiles()) },
    ),
  );
  const { url } = await edge.listenTcp('127.0.0.1', port);
  let nth = 0;
  return {
    url,
    edge,
    last: byThread.get('lane-2')?.at(-1)?.address ?? '',
    steps: (number) => {
      for (let left = number; left > 0; left -= 1) {
        nth = (nth + 7) % actors.length;
        const of = actors[nth];
        if (of === undefined) continue;
        const line = { at: new Date().toISOString(), address: of.address, event: 'written', took_us: 9 };
        const event = { ...line, from_state: 'idle', to_state: STATES[left % STATES.length] ?? 'idle' };
        house.bus.publish(topic<TraceEvent>(address('thread', of.thread), 'trace::'), event);
      }
    },
  };
}
