// SPDX-License-Identifier: Apache-2.0
// One thread's equipment, the same on main and in every worker: its bus, its residents, its door.

import { STATUS_TOPIC, type StatusChange, type StatusEvent } from '../actors/gateway/protocol.ts';
import type { SigilProtocols } from '../actors/protocols.ts';
import { Residents } from '../actors/residents.ts';
import { threadDoor, type VendorDoor } from '../actors/thread/door.ts';
import type { BusKindStats, BusStats, TraceEvent } from '../actors/thread/protocol.ts';
import { type Address, address, idOf, kindOf } from '../bus/address.ts';
import { SharedCounter } from '../bus/counter.ts';
import { topic } from '../bus/envelope.ts';
import { threadNames } from '../bus/layout.ts';
import { type BusNode, type BusOptions, createBusNode } from '../bus/node.ts';
import { Tally } from '../edge/metrics/tally.ts';
import { type Failure, toFailure } from '../errors.ts';
import type { World } from '../world.ts';
import type { House, LogLevel, Suspect } from './boot.ts';
import { type Heartbeat, startHeartbeat } from './heartbeat.ts';
import { HeldDirectory, type ThreadDirectory } from './held-directory.ts';
import type { KillPoint } from './kill-points.ts';
import { noSecrets, type ThreadSecrets } from './secrets.ts';
import { createSkillsHere, type SkillsHere } from './skills/here.ts';
import { threadMetrics } from './thread-metrics.ts';

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
  /** Something has changed about the gateway: whoever follows that is told, and nothing is done when nobody does. */
  readonly tell: (change: StatusChange) => void;
  /** What it counts for whoever scrapes. */
  readonly tally: Tally;
  /** Something failed that nobody waits for: it is logged, so that somebody sees it. */
  readonly fault: (whose: Address, error: Failure) => void;
  /** See {@link Boot.suspect}. */
  readonly suspect: Suspect | null;
  /** What the config's secrets stand for, asked when one is used; and what keeps them out of sight. */
  readonly secrets: ThreadSecrets;
  /** Who there is, and what they are. */
  readonly directory: ThreadDirectory;
  /** The skills of every workspace, on lanes. */
  readonly skills: SkillsHere;
  /** Tells the root of a process group that is to end with this thread, and when it has ended. */
  readonly child: (pid: number, lives: boolean) => void;
  /** Named places of the crash tests; does nothing elsewhere. */
  readonly point: (name: KillPoint) => void;
}

export interface ContextOptions {
  readonly house: House;
  readonly index: number;
  readonly life: number;
  readonly world: World;
  readonly log: Log;
  readonly point: (name: KillPoint) => void;
  readonly onDown?: (thread: number) => void;
  readonly onUp?: (thread: number) => void;
  readonly suspect?: Suspect | null;
  readonly secrets?: ThreadSecrets;
  /** Nobody is known where none is given. */
  readonly directory?: ThreadDirectory;
  readonly skills?: SkillsHere;
  /** See {@link ThreadContext.child}; nobody is told when not given. */
  readonly child?: ThreadContext['child'];
  /** Calls back once nothing of this thread is left to finish. */
  readonly drain: (done: (turns_left?: number) => void) => void;
  /** See {@link ThreadDoorOptions.vendors}; nothing is asked of models where it is not given. */
  readonly vendors?: () => VendorDoor | undefined;
  /** The thread's pulse; the loop's own when not given. */
  readonly heartbeat?: Heartbeat;
  /** Other bounds of the bus than its own. */
  readonly bounds?: Pick<BusOptions, 'window' | 'backlog' | 'slice' | 'checkClone'>;
}

export function createContext(options: ContextOptions): ThreadContext {
  const { house, index, life, world, log } = options;
  const names = threadNames(house.layout);
  const name = names[index] ?? `thread-${index}`;
  const heartbeat = options.heartbeat ?? startHeartbeat(house.beats, index);
  const working = new Int32Array(house.working);
  const fault = (whose: Address, error: Failure): void =>
    log('error', { actor: whose, ...placeOf(whose), error }, 'an actor failed');
  const bus = createBusNode<SigilProtocols>({
    thread: index,
    life,
    layout: house.layout,
    world,
    counter: new SharedCounter(names.length, house.counters),
    mailboxCapacity: house.config.gateway.mailbox_capacity,
    ...options.bounds,
    beat: heartbeat.beat,
    working: (mark) => Atomics.store(working, index, mark),
    onFault: (whose, error) => fault(whose, toFailure(error)),
    ...(options.onDown === undefined ? {} : { onDown: options.onDown }),
    ...(options.onUp === undefined ? {} : { onUp: options.onUp }),
  });
  const self = address('thread', name);
  const trace = (wish: string) => topic<TraceEvent>(self, wish);
  const status = topic<StatusEvent>(self, STATUS_TOPIC);
  const tell = (change: StatusChange): void => {
    if (bus.heard(status)) bus.publish(status, { ...change, at: world.iso(world.now()) });
  };
  const residents = new Residents({
    thread: name,
    world,
    mailbox_capacity: house.config.gateway.mailbox_capacity,
    mailbox: (of) => bus.mailbox(of),
    trace: {
      heard: (wish) => bus.heard(trace(wish)),
      publish: (wish, event) => bus.publish(trace(wish), event),
    },
    changed: (of, from, to) => {
      const change = stateChange(of, from, to);
      if (change !== undefined) tell(change);
    },
  });
  const tally = new Tally();
  const pace = paceOf(bus, world, heartbeat);
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
      metrics: () => threadMetrics({ name, life, bus, residents, heartbeat, tally }),
      drain: options.drain,
      vendors: options.vendors ?? (() => undefined),
    }),
  );
  const {
    suspect = null,
    secrets = noSecrets(),
    skills = createSkillsHere(),
    child = () => undefined,
    point,
  } = options;
  const { directory = new HeldDirectory(null, () => undefined) } = options;
  const own = { tally, bus, residents, heartbeat, log, tell, fault, suspect, secrets, directory, skills, child, point };
  return { house, index, life, name, world, ...own };
}

/** What an actor is of, as a line of the log names it. */
function placeOf(whose: Address): { readonly session_id?: string; readonly workspace_id?: string } {
  const kind = kindOf(whose);
  return kind === 'session' ? { session_id: idOf(whose) } : kind === 'workspace' ? { workspace_id: idOf(whose) } : {};
}

/** A step of an actor's chart as the status tells it; undefined for those it says nothing of. */
function stateChange(of: Address, from: string, to: string): StatusChange | undefined {
  const name = idOf(of);
  switch (kindOf(of)) {
    case 'gateway':
      return { type: 'gateway_state', data: { from, to } };
    case 'channel':
      return { type: 'channel_state', data: { channel: name, from, to } };
    case 'provider':
      return { type: 'provider_circuit', data: { provider: name, from, to } };
    case 'mcp':
      return { type: 'mcp_state', data: { server: name, from, to } };
    default:
      return undefined;
  }
}

interface Pace {
  readonly messages_in_per_s: number;
  readonly messages_out_per_s: number;
}

/** Messages a second in the last second: a look tells what goes on now, not what went on since somebody looked before. */
function paceOf(bus: BusNode<SigilProtocols>, world: World, heartbeat: Heartbeat): () => Pace {
  let at = world.monotonic();
  let before = { messages_in: 0, messages_out: 0 };
  let pace: Pace = { messages_in_per_s: 0, messages_out_per_s: 0 };
  heartbeat.everySecond?.(() => {
    const now = world.monotonic();
    const seconds = (now - at) / 1_000;
    const { messages_in, messages_out } = bus.stats();
    pace = {
      messages_in_per_s: Math.round((messages_in - before.messages_in) / seconds),
      messages_out_per_s: Math.round((messages_out - before.messages_out) / seconds),
    };
    before = { messages_in, messages_out };
    at = now;
  });
  return () => pace;
}

function busStats(bus: BusNode<SigilProtocols>, world: World): BusStats {
  const { kinds, dead_letters } = bus.stats();
  const by_kind: Record<string, BusKindStats> = { ...kinds };
  return { by_kind, dead_letters: dead_letters.map((letter) => ({ ...letter, at: world.iso(letter.at) })) };
}
