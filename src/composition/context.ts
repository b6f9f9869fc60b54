// SPDX-License-Identifier: Apache-2.0
// One thread's equipment, the same on main and in every worker: its bus, its residents, its door.

import type { SigilProtocols } from '../actors/protocols.ts';
import { Residents } from '../actors/residents.ts';
import { threadDoor } from '../actors/thread/door.ts';
import { type BusKindStats, type BusStats, TRACE_TOPIC, type TraceLine } from '../actors/thread/protocol.ts';
import type { Address } from '../bus/address.ts';
import { address } from '../bus/address.ts';
import { SharedCounter } from '../bus/counter.ts';
import { topic } from '../bus/envelope.ts';
import { threadNames } from '../bus/layout.ts';
import { type BusNode, createBusNode } from '../bus/node.ts';
import { type Failure, toFailure } from '../errors.ts';
import type { World } from '../world.ts';
import type { House, LogLevel } from './boot.ts';
import { type Heartbeat, startHeartbeat } from './heartbeat.ts';

export type Log = (level: LogLevel, fields: Readonly<Record<string, unknown>>, message: string) => void;

export interface ThreadContext {
  readonly house: House;
  readonly index: number;
  readonly life: number;
  readonly name: string;
  readonly world: World;
  readonly bus: BusNode<SigilProtocols>;
  readonly residents: Residents;
  readonly heartbeat: Heartbeat;
  readonly log: Log;
  /** Something failed that nobody waits for: it is logged, so that somebody sees it. */
  readonly fault: (whose: Address, error: Failure) => void;
  /** Named places of the crash tests; does nothing elsewhere. */
  readonly point: (name: string) => void;
}

export interface ContextOptions {
  readonly house: House;
  readonly index: number;
  readonly life: number;
  readonly world: World;
  readonly log: Log;
  readonly point: (name: string) => void;
  readonly onDown?: (thread: number) => void;
  readonly onUp?: (thread: number) => void;
  /** Calls back once nothing of this thread is left to finish. */
  readonly drain: (done: () => void) => void;
}

export function createContext(options: ContextOptions): ThreadContext {
  const { house, index, life, world, log } = options;
  const names = threadNames(house.layout);
  const name = names[index] ?? `thread-${index}`;
  const heartbeat = startHeartbeat(house.beats, index);
  const fault = (whose: Address, error: Failure): void => log('error', { actor: whose, error }, 'an actor failed');
  const bus = createBusNode<SigilProtocols>({
    thread: index,
    life,
    layout: house.layout,
    world,
    counter: new SharedCounter(names.length, house.counters),
    mailboxCapacity: house.config.gateway.mailbox_capacity,
    beat: heartbeat.beat,
    onFault: (whose, error) => fault(whose, toFailure(error)),
    ...(options.onDown === undefined ? {} : { onDown: options.onDown }),
    ...(options.onUp === undefined ? {} : { onUp: options.onUp }),
  });
  const self = address('thread', name);
  const trace = topic<TraceLine>(self, TRACE_TOPIC);
  const residents = new Residents({
    thread: name,
    world,
    mailbox_capacity: house.config.gateway.mailbox_capacity,
    mailbox: (of) => bus.mailbox(of),
    watched: () => bus.heard(trace),
    publish: (line) => bus.publish(trace, line),
  });
  const pace = paceOf(bus, world);
  bus.host(
    'thread',
    threadDoor({
      thread: name,
      bus,
      residents,
      stats: () => ({
        thread: name,
        role: name.replace(/-\d+$/, ''),
        life,
        ...pace(),
        loop_delay_ms: heartbeat.delay(),
        heap_bytes: process.memoryUsage().heapUsed,
        utilisation: heartbeat.utilisation(),
      }),
      busStats: () => busStats(bus, world),
      drain: options.drain,
    }),
  );
  return { house, index, life, name, world, bus, residents, heartbeat, log, fault, point: options.point };
}

/** Messages a second between two looks, at least a second apart to mean something. */
function paceOf(
  bus: BusNode<SigilProtocols>,
  world: World,
): () => { messages_in_per_s: number; messages_out_per_s: number } {
  let at = world.monotonic();
  let before = { in: 0, out: 0 };
  let pace = { messages_in_per_s: 0, messages_out_per_s: 0 };
  return () => {
    const seconds = (world.monotonic() - at) / 1_000;
    if (seconds < 1) return pace;
    const { messages_in, messages_out } = bus.stats();
    pace = {
      messages_in_per_s: Math.round((messages_in - before.in) / seconds),
      messages_out_per_s: Math.round((messages_out - before.out) / seconds),
    };
    before = { in: messages_in, out: messages_out };
    at = world.monotonic();
    return pace;
  };
}

function busStats(bus: BusNode<SigilProtocols>, world: World): BusStats {
  const { kinds, dead_letters } = bus.stats();
  const by_kind: Record<string, BusKindStats> = { ...kinds };
  return { by_kind, dead_letters: dead_letters.map((letter) => ({ ...letter, at: world.iso(letter.at) })) };
}
