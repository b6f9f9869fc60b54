// SPDX-License-Identifier: Apache-2.0
// The actors that live on one thread, as the inspector sees them: counted and put in order as they come, go and move, so that looking at a hundred thousand costs no more than what is shown.

import { type Address, idOf, kindOf } from '../bus/address.ts';
import type { World } from '../world.ts';
import { AddressOrder } from './address-order.ts';
import { codeOf, nameOf, stateCode } from './step-names.ts';
import { type Step, StepRings } from './step-rings.ts';
import {
  type ActorFilter,
  type ActorInside,
  type ActorSlice,
  type ActorStep,
  type ActorTotals,
  type ActorView,
  CHILDREN_MOST,
  type Children,
} from './thread/protocol.ts';
import { TraceFeed, type TraceFeedOptions } from './trace-feed.ts';

/** What an actor tells about itself when somebody looks. */
export interface Inspected {
  /** The state chart's state value. */
  state(): unknown;
  /** Its context as plain data; message text and secrets only when `reveal`. */
  context(reveal: boolean): unknown;
  /** The state chart's definition, or null. */
  machine(): unknown;
}

export interface ResidentsOptions {
  readonly thread: string;
  readonly world: World;
  readonly mailbox_capacity: number;
  readonly mailbox: (of: Address) => { readonly depth: number; readonly oldest_ms: number };
  readonly trace: Omit<TraceFeedOptions, 'world'>;
  /** Told when an actor with a chart of its own goes from one state to another; names are written with dots. */
  readonly changed?: (of: Address, from: string, to: string) => void;
}

/** Actors one question looks at; a longer way is gone in several, between which the thread does its work. */
export const LOOKS_MOST = 4_096;
/** Actors whose restarts are counted. */
const RESTARTS_MOST = 10_000;
/** A wall clock this far from where it was has been set, in milliseconds. */
const CLOCK_SET = 1_000;

/** One actor's entry. Its times are of the monotonic clock, in whole milliseconds: a fraction would take an object. */
export class Resident {
  readonly address: Address;
  parent: string | null;
  readonly inspected: Inspected;
  readonly started: number;
  since: number;
  /** The number of its state's name. */
  state: number;
  processed = 0;
  failed = 0;
  restarts = 0;
  ring = 0;
  room = 0;
  /** It lives nowhere any more; what it still does is nobody's. */
  gone = false;

  constructor(address: Address, parent: string | null, inspected: Inspected, now: number) {
    this.address = address;
    this.parent = parent;
    this.inspected = inspected;
    this.started = now;
    this.since = now;
    this.state = stateCode(inspected.state());
  }

  /** The state it is in, written with dots. */
  get state_name(): string {
    return nameOf(this.state);
  }
}

export class Residents {
  readonly trace: TraceFeed;
  private readonly options: ResidentsOptions;
  private readonly world: World;
  private readonly all = new Map<string, Resident>();
  private readonly order = new AddressOrder<Resident>();
  private readonly below = new Map<string, AddressOrder<Resident>>();
  private readonly steps = new StepRings();
  private readonly by_kind = new Map<string, number>();
  /** By the number of the state's name. */
  private readonly by_state: number[] = [];
  /** How often an actor was started again; only those that were. */
  private readonly restarts = new Map<string, number>();
  /**
   * What the wall clock is ahead of the monotonic one: one clock is enough for every step. At first it is the world's own
   * figure, the same moment on every thread: measured here it would be off by the wall clock's millisecond, and of two
   * threads the one would seem to hear what the other had not yet said.
   */
  private ahead: number;

  constructor(options: ResidentsOptions) {
    const { world } = options;
    this.options = options;
    this.world = world;
    this.ahead = world.origin;
    this.trace = new TraceFeed({ ...options.trace, world });
  }

  get size(): number {
    return this.all.size;
  }

  /** An actor begins to live here. */
  add(address: Address, parent: string | null, inspected: Inspected): Resident {
    const resident = new Resident(address, parent, inspected, Math.floor(this.world.monotonic()));
    resident.restarts = this.restarts.get(address) ?? 0;
    const known = this.all.get(address);
    if (known !== undefined) this.remove(known);
    this.all.set(address, resident);
    this.order.add(resident);
    this.enter(resident);
    count(this.by_kind, kindOf(address), 1);
    this.by_state[resident.state] = (this.by_state[resident.state] ?? 0) + 1;
    return resident;
  }

  /** It lives here no more. */
  remove(resident: Resident): void {
    if (this.all.get(resident.address) !== resident) return;
    resident.gone = true;
    this.all.delete(resident.address);
    this.order.remove(resident);
    this.leave(resident);
    this.steps.free(resident);
    count(this.by_kind, kindOf(resident.address), -1);
    this.by_state[resident.state] = (this.by_state[resident.state] ?? 0) - 1;
  }

  /** It has another parent from now on. */
  adopt(resident: Resident, parent: string): void {
    if (this.all.get(resident.address) !== resident) return;
    this.leave(resident);
    resident.parent = parent;
    this.enter(resident);
  }

  /** An actor ended otherwise than it should, and whoever lives at its address next is that actor again. */
  restarted(address: Address): void {
    const times = (this.restarts.get(address) ?? 0) + 1;
    // Set anew, so that the one that was restarted longest ago comes first, and is forgotten first.
    this.restarts.delete(address);
    this.restarts.set(address, times);
    for (const oldest of this.restarts.keys()) {
      if (this.restarts.size <= RESTARTS_MOST) break;
      this.restarts.delete(oldest);
    }
  }

  /**
   * Notes one handled event.
   *
   * @param started when handling began, by the monotonic clock
   */
  moved(resident: Resident, event: string, to: unknown, started: number): void {
    if (resident.gone) return;
    const now = this.world.monotonic();
    const { by_state } = this;
    const from = resident.state;
    const state = stateCode(to);
    if (state !== from) {
      by_state[from] = (by_state[from] ?? 0) - 1;
      by_state[state] = (by_state[state] ?? 0) + 1;
      resident.state = state;
      resident.since = Math.floor(now);
    }
    const took_us = Math.round((now - started) * 1_000);
    this.steps.keep(resident, now, codeOf(event), from, state, took_us);
    if (!this.trace.idle)
      this.show(resident.address, { at: now, event, from: nameOf(from), to: nameOf(state), took_us });
  }

  /** An actor that is one of few went from one state to another: whoever looks after the whole may want to know. */
  changed(resident: Resident, from: number): void {
    this.options.changed?.(resident.address, nameOf(from), resident.state_name);
  }

  totals(): ActorTotals {
    const by_state: Record<string, number> = {};
    for (const [code, number] of this.by_state.entries()) if (number > 0) by_state[nameOf(code)] = number;
    return { actors: this.all.size, by_kind: Object.fromEntries(this.by_kind), by_state };
  }

  /** The next actors in address order from after `cursor` on, as far as one question looks. */
  page(filter: ActorFilter, limit: number, cursor: string): ActorSlice {
    const { kind, q } = filter;
    const wanted = filter.state === undefined ? undefined : this.statesLike(filter.state);
    if (limit === 0 || wanted?.size === 0) return { items: [], reached: null };
    const first = kind === undefined ? '' : `${kind}/`;
    const chosen: Resident[] = [];
    let looks = LOOKS_MOST;
    let reached = '';
    const whole = this.order.visitAfter(cursor > first ? cursor : first, (resident) => {
      const { address } = resident;
      if (!address.startsWith(first)) {
        reached = '';
        return false;
      }
      if (looks === 0 || chosen.length === limit) return false;
      looks -= 1;
      reached = address;
      if (wanted !== undefined && !wanted.has(resident.state)) return true;
      if (q === undefined || address.includes(q)) chosen.push(resident);
      return true;
    });
    return { items: chosen.map((resident) => this.view(resident)), reached: whole || reached === '' ? null : reached };
  }

  /** One actor, or undefined when it does not live here. */
  inside(address: string, reveal: boolean): ActorInside | undefined {
    const resident = this.all.get(address);
    if (resident === undefined) return undefined;
    return {
      ...this.view(resident),
      context: resident.inspected.context(reveal),
      recent: this.steps.recent(resident).map((step) => this.told(step)),
      machine: resident.inspected.machine(),
    };
  }

  /** Those here whose parent this is. */
  children(address: string): Children {
    const below = this.below.get(address);
    const addresses: string[] = [];
    below?.visitAfter('', (child) => addresses.push(child.address) < CHILDREN_MOST);
    return { addresses, count: below?.size ?? 0 };
  }

  /** The numbers of states that go by this name: `turn` is `turn.calling_model` as well. Only those somebody is in. */
  private statesLike(name: string): ReadonlySet<number> {
    const like = new Set<number>();
    for (const [code, number] of this.by_state.entries()) {
      const known = nameOf(code);
      if (number > 0 && (known === name || known.startsWith(`${name}.`))) like.add(code);
    }
    return like;
  }

  private enter(resident: Resident): void {
    if (resident.parent === null) return;
    const siblings = this.below.get(resident.parent) ?? new AddressOrder<Resident>();
    if (siblings.size === 0) this.below.set(resident.parent, siblings);
    siblings.add(resident);
  }

  private leave(resident: Resident): void {
    if (resident.parent === null) return;
    const siblings = this.below.get(resident.parent);
    siblings?.remove(resident);
    if (siblings?.size === 0) this.below.delete(resident.parent);
  }

  private view(resident: Resident): ActorView {
    const { thread, mailbox_capacity } = this.options;
    const { depth, oldest_ms } = this.options.mailbox(resident.address);
    const last = this.steps.last(resident);
    return {
      address: resident.address,
      kind: kindOf(resident.address),
      id: idOf(resident.address),
      parent: resident.parent,
      thread,
      state: resident.inspected.state(),
      since: this.iso(resident.since),
      uptime_s: Math.round((this.world.monotonic() - resident.started) / 1_000),
      mailbox: { depth, capacity: mailbox_capacity, oldest_ms },
      processed: resident.processed,
      failed: resident.failed,
      restarts: resident.restarts,
      last_event: last === undefined ? null : { type: last.event, at: this.iso(last.at) },
      asleep: false,
    };
  }

  private show(address: Address, step: Step): void {
    this.trace.step(address, step.at, () => ({ address, ...this.told(step) }));
  }

  private told(step: Step): ActorStep {
    return {
      at: this.iso(step.at),
      event: step.event,
      from_state: step.from,
      to_state: step.to,
      took_us: step.took_us,
    };
  }

  /** A time of the monotonic clock as the wall clock had it. */
  private iso(at: number): string {
    const { world } = this;
    const ahead = world.now() - world.monotonic();
    // Kept as long as it is true enough: two looks at one step tell the same time.
    if (Math.abs(ahead - this.ahead) > CLOCK_SET) this.ahead = ahead;
    return world.iso(Math.round(this.ahead + at));
  }
}

function count(totals: Map<string, number>, name: string, by: number): void {
  const next = (totals.get(name) ?? 0) + by;
  if (next === 0) totals.delete(name);
  else totals.set(name, next);
}
