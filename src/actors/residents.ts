// SPDX-License-Identifier: Apache-2.0
// The actors that live on one thread, as the inspector sees them: counted as they move, so that looking costs and nothing else does.

import { type Address, idOf, kindOf } from '../bus/address.ts';
import type { World } from '../world.ts';
import type { ActorDetail, ActorFilter, ActorStep, ActorTotals, ActorView, TraceLine } from './thread/protocol.ts';

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
  /** Whether somebody follows the trace. */
  readonly watched: () => boolean;
  readonly publish: (line: TraceLine) => void;
}

/** Steps an actor's ring keeps. */
const RING = 64;

interface Step {
  readonly at: number;
  readonly event: string;
  readonly from: string;
  readonly to: string;
  readonly took_us: number;
}

/** Numbers a step takes in a ring: when (since the actor began), event and states, microseconds. */
const STEP = 3;

/**
 * Names of events and states as small numbers: a ring of numbers holds nothing the collector has to follow, and every
 * actor notes several steps a turn. They are the charts' own and few.
 */
class Names {
  private readonly codes = new Map<string, number>();
  private readonly names: string[] = [];

  code(name: string): number {
    let code = this.codes.get(name);
    if (code === undefined) {
      code = this.names.length < NAMES_MOST ? this.names.push(name) - 1 : NAMES_MOST - 1;
      this.codes.set(name, code);
    }
    return code;
  }

  name(code: number): string {
    return this.names[code] ?? '';
  }
}

/** Ten bits each. */
const NAMES_MOST = 1_024;
const names = new Names();

/** One actor's entry. */
export class Resident {
  readonly address: Address;
  parent: string | null;
  readonly inspected: Inspected;
  readonly started_at: number;
  since: number;
  state_name: string;
  processed = 0;
  failed = 0;
  restarts = 0;
  private readonly steps: number[] = [];

  constructor(address: Address, parent: string | null, inspected: Inspected, now: number) {
    this.address = address;
    this.parent = parent;
    this.inspected = inspected;
    this.started_at = now;
    this.since = now;
    this.state_name = nameOf(inspected.state());
  }

  keep(at: number, event: string, from: string, to: string, took_us: number): void {
    const place = (this.processed % RING) * STEP;
    this.steps[place] = at - this.started_at;
    this.steps[place + 1] = (names.code(event) << 20) | (names.code(from) << 10) | names.code(to);
    this.steps[place + 2] = took_us;
    this.processed += 1;
  }

  get last(): Step | undefined {
    return this.processed === 0 ? undefined : this.step(this.processed - 1);
  }

  /** Oldest first. */
  get recent(): readonly Step[] {
    const steps: Step[] = [];
    for (let nth = Math.max(0, this.processed - RING); nth < this.processed; nth += 1) steps.push(this.step(nth));
    return steps;
  }

  private step(nth: number): Step {
    const place = (nth % RING) * STEP;
    const [since = 0, codes = 0, took_us = 0] = this.steps.slice(place, place + STEP);
    const name = (shift: number): string => names.name((codes >>> shift) & (NAMES_MOST - 1));
    return { at: this.started_at + since, event: name(20), from: name(10), to: name(0), took_us };
  }
}

export class Residents {
  private readonly options: ResidentsOptions;
  private readonly all = new Map<Address, Resident>();
  private readonly by_kind = new Map<string, number>();
  private readonly by_state = new Map<string, number>();

  constructor(options: ResidentsOptions) {
    this.options = options;
  }

  get size(): number {
    return this.all.size;
  }

  /** An actor begins to live here. */
  add(address: Address, parent: string | null, inspected: Inspected): Resident {
    const resident = new Resident(address, parent, inspected, this.options.world.now());
    this.all.set(address, resident);
    count(this.by_kind, kindOf(address), 1);
    count(this.by_state, resident.state_name, 1);
    return resident;
  }

  /** It lives here no more. */
  remove(resident: Resident): void {
    if (this.all.get(resident.address) !== resident) return;
    this.all.delete(resident.address);
    count(this.by_kind, kindOf(resident.address), -1);
    count(this.by_state, resident.state_name, -1);
  }

  /**
   * Notes one handled event.
   *
   * @param started when handling began, by the monotonic clock
   */
  moved(resident: Resident, event: string, to: unknown, started: number): void {
    const { world } = this.options;
    const from = resident.state_name;
    const name = nameOf(to);
    const at = world.now();
    if (name !== from) {
      count(this.by_state, from, -1);
      count(this.by_state, name, 1);
      resident.state_name = name;
      resident.since = at;
    }
    const took_us = Math.round((world.monotonic() - started) * 1_000);
    resident.keep(at, event, from, name, took_us);
    if (!this.options.watched()) return;
    this.options.publish({ address: resident.address, ...this.told({ at, event, from, to: name, took_us }) });
  }

  totals(): ActorTotals {
    return {
      actors: this.all.size,
      by_kind: Object.fromEntries(this.by_kind),
      by_state: Object.fromEntries(this.by_state),
    };
  }

  /** Actors in address order from after `cursor` on. */
  page(filter: ActorFilter, limit: number, cursor: string): { items: readonly ActorView[]; more: boolean } {
    const chosen: Resident[] = [];
    for (const resident of this.all.values())
      if (resident.address > cursor && matches(resident, filter)) chosen.push(resident);
    chosen.sort((a, b) => (a.address < b.address ? -1 : 1));
    return { items: chosen.slice(0, limit).map((resident) => this.view(resident)), more: chosen.length > limit };
  }

  /** One actor, or undefined when it does not live here. */
  detail(address: string, reveal: boolean): ActorDetail | undefined {
    const resident = this.all.get(address as Address);
    if (resident === undefined) return undefined;
    const children = [...this.all.values()].filter((other) => other.parent === address).map((other) => other.address);
    return {
      ...this.view(resident),
      context: resident.inspected.context(reveal),
      children,
      recent: resident.recent.map((step) => this.told(step)),
      machine: resident.inspected.machine(),
    };
  }

  private view(resident: Resident): ActorView {
    const { world, thread, mailbox_capacity } = this.options;
    const { depth, oldest_ms } = this.options.mailbox(resident.address);
    const { last } = resident;
    return {
      address: resident.address,
      kind: kindOf(resident.address),
      id: idOf(resident.address),
      parent: resident.parent,
      thread,
      state: resident.inspected.state(),
      since: world.iso(resident.since),
      uptime_s: Math.round((world.now() - resident.started_at) / 1_000),
      mailbox: { depth, capacity: mailbox_capacity, oldest_ms },
      processed: resident.processed,
      failed: resident.failed,
      restarts: resident.restarts,
      last_event: last === undefined ? null : { type: last.event, at: world.iso(last.at) },
      asleep: false,
    };
  }

  private told(step: Step): ActorStep {
    return {
      at: this.options.world.iso(step.at),
      event: step.event,
      from_state: step.from,
      to_state: step.to,
      took_us: step.took_us,
    };
  }
}

/** `turn.calling_model` for `{turn: 'calling_model'}`. */
export function nameOf(state: unknown): string {
  if (typeof state === 'string') return state;
  if (typeof state !== 'object' || state === null) return String(state);
  const entries = Object.entries(state);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined && typeof only[1] === 'string') return joined(only[0], only[1]);
  return entries.map(([name, inner]) => `${name}.${nameOf(inner)}`).join('+');
}

/** The names of nested states that were joined already: the same string each time is compared and hashed for nothing. */
const joinedNames = new Map<string, Map<string, string>>();

function joined(outer: string, inner: string): string {
  const known = joinedNames.get(outer)?.get(inner);
  if (known !== undefined) return known;
  const made = `${outer}.${inner}`;
  const inners = joinedNames.get(outer) ?? new Map<string, string>();
  joinedNames.set(outer, inners.set(inner, made));
  return made;
}

function matches(resident: Resident, filter: ActorFilter): boolean {
  if (filter.kind !== undefined && kindOf(resident.address) !== filter.kind) return false;
  // `turn` finds `turn.calling_model` as well.
  if (
    filter.state !== undefined &&
    resident.state_name !== filter.state &&
    !resident.state_name.startsWith(`${filter.state}.`)
  )
    return false;
  return filter.q === undefined || resident.address.includes(filter.q);
}

function count(totals: Map<string, number>, name: string, by: number): void {
  const next = (totals.get(name) ?? 0) + by;
  if (next === 0) totals.delete(name);
  else totals.set(name, next);
}
