// SPDX-License-Identifier: Apache-2.0
// Permits of one provider: how many calls run at once and in a minute, and who is next. Fair between workspaces, and between the sessions of each;
// what nobody waits for comes after all of them.

import type { Address } from '../../bus/address.ts';
import type { Envelope } from '../../bus/envelope.ts';
import type { World } from '../../world.ts';
import { Minute, type MinuteLimits } from './minute.ts';
import type { ProviderProtocol, WaitsFor } from './protocol.ts';
import { Rota } from './rota.ts';

export interface Permit {
  readonly id: number;
  readonly holder: Address;
  readonly turn_id: string;
  readonly model: string;
  /** Held against the minute's tokens, in the second it was granted in. */
  readonly tokens: number;
  readonly second: number;
  /** When it was granted, by the clock that never goes back. */
  readonly granted: number;
  readonly background: boolean;
  /** When a call that nobody waits for is over at the latest, by the wall clock: its holder may live on for long. */
  readonly until: number;
}

export interface Granted {
  readonly permit: Permit;
  readonly envelope: Envelope;
}

/** Why the next one is not served, and after how many milliseconds it may be; null: when somebody gives a permit back. */
export interface Blocked {
  readonly waits_for: WaitsFor;
  readonly ms: number | null;
}

export interface PermitsOptions extends MinuteLimits {
  /** Calls at once; 0: no limit. */
  readonly max_concurrency: number;
  readonly clock: Pick<World, 'now' | 'monotonic'>;
}

type Asked = ProviderProtocol['provider.request']['body'];
/** What one session has waiting, oldest first, by the envelopes' ids. */
type Pile = Rota<number, Envelope>;

const askedBy = ({ body }: Envelope): Asked => body as Asked;

/** Requests that may wait, over all sessions; and those that nobody waits for. */
const WAITING_MOST = 10_000;
const BACKGROUND_WAITING_MOST = 1_000;
/**
 * What nobody waits for has at most this share of the permits, though at least one: a call that has begun is not taken back
 * when somebody comes. Where there is no limit, so many at once.
 */
const BACKGROUND = { share: 0.25, most: 4 } as const;

export class Permits {
  private options: PermitsOptions;
  private readonly minute: Minute;
  private readonly held = new Map<number, Permit>();
  /** Those of each holder. */
  private readonly holders = new Map<Address, Map<number, Permit>>();
  /** Sessions that wait, each workspace's in a line of its own. */
  private readonly workspaces = new Rota<string, Rota<Address, Pile>>();
  private readonly piles = new Map<Address, { readonly workspace: string; readonly pile: Pile }>();
  private waitingCount = 0;
  /** Those nobody waits for, each workspace's in a line of its own. */
  private readonly behind = new Rota<string, Rota<Envelope, Envelope>>();
  /** The workspace of each. By themselves: two threads may give two of them the same number. */
  private readonly behindOf = new Map<Envelope, string>();
  private backgroundHeld = 0;
  private last = 0;
  private why: Blocked | null = null;

  constructor(options: PermitsOptions) {
    this.options = options;
    this.minute = new Minute(options);
  }

  /** Other limits hold from now on: calls under way go on, though they be more than may begin now. */
  follow(limits: Omit<PermitsOptions, 'clock'>): void {
    this.options = { ...limits, clock: this.options.clock };
    this.minute.follow(limits);
  }

  get inFlight(): number {
    return this.held.size;
  }

  get waiting(): number {
    return this.waitingCount + this.behindOf.size;
  }

  /** What the next one waits for; null when nobody waits. */
  get blocked(): Blocked | null {
    return this.waiting === 0 ? null : this.why;
  }

  /** Whether what the next one waits for must be looked up: nobody waited before, or nobody that comes first. */
  get begins(): boolean {
    return this.waitingCount === 1 || (this.waitingCount === 0 && this.behindOf.size === 1);
  }

  /** Whether it can ever be granted. */
  fits(envelope: Envelope): boolean {
    return this.minute.fits(askedBy(envelope).tokens);
  }

  /** A permit at once, null when the request must wait, `full` when too many wait already. */
  request(envelope: Envelope): Permit | null | 'full' {
    if (askedBy(envelope).background === true) return this.requestBehind(envelope);
    if (this.waitingCount === 0 && this.lacks(envelope) === null) return this.grant(envelope);
    if (this.waitingCount >= WAITING_MOST) return 'full';
    const { from } = envelope;
    const known = this.piles.get(from);
    if (known === undefined) {
      const workspace = askedBy(envelope).workspace_id;
      const pile: Pile = new Rota();
      pile.enter(envelope.id, envelope);
      this.piles.set(from, { workspace, pile });
      if (this.workspaces.get(workspace) === undefined) this.workspaces.enter(workspace, new Rota());
      this.workspaces.get(workspace)?.enter(from, pile);
    } else known.pile.enter(envelope.id, envelope);
    this.waitingCount += 1;
    return null;
  }

  /**
   * The next request that gets a permit, if one is free. Whose time is over waits no longer: it would never hear of it.
   * Nobody passes the one whose turn it is, though he needs more of what is short: a large request would wait for ever.
   */
  next(): Granted | null {
    const now = this.options.clock.now();
    for (;;) {
      const workspace = this.workspaces.next;
      const session = workspace?.value.next;
      const envelope = session?.value.next?.value;
      if (workspace == null || session == null || envelope === undefined) return this.nextBehind(now);
      if (envelope.deadline !== undefined && envelope.deadline <= now) {
        this.remove(envelope);
        continue;
      }
      this.why = this.lacks(envelope);
      if (this.why !== null) return null;
      this.remove(envelope);
      // Whoever was served goes behind the others.
      workspace.value.served(session.key);
      this.workspaces.served(workspace.key);
      return { permit: this.grant(envelope), envelope };
    }
  }

  /**
   * Gives a permit back; undefined when this holder does not have it (any more): an earlier life may have granted the
   * same id.
   *
   * @param tokens what the call used, where that is known
   */
  release(id: number, holder: Address, tokens?: number): Permit | undefined {
    const permit = this.held.get(id);
    if (permit === undefined || permit.holder !== holder) return undefined;
    this.held.delete(id);
    if (permit.background) this.backgroundHeld -= 1;
    const own = this.holders.get(holder);
    own?.delete(id);
    if (own?.size === 0) this.holders.delete(holder);
    if (tokens !== undefined && tokens !== permit.tokens)
      this.minute.used(permit.second, tokens - permit.tokens, this.options.clock.monotonic());
    return permit;
  }

  /** A holder's request and permits for a turn are void; its request, if it still waited. */
  withdraw(holder: Address, turn_id: string): Envelope | undefined {
    for (const permit of this.holders.get(holder)?.values() ?? [])
      if (permit.turn_id === turn_id) this.release(permit.id, holder);
    for (const envelope of this.piles.get(holder)?.pile.values() ?? []) {
      if (askedBy(envelope).turn_id !== turn_id) continue;
      this.remove(envelope);
      return envelope;
    }
    for (const envelope of this.allBehind()) {
      if (envelope.from !== holder || askedBy(envelope).turn_id !== turn_id) continue;
      this.removeBehind(envelope);
      return envelope;
    }
    return undefined;
  }

  /** The holder's life is over: its permits and requests are void. */
  drop(holder: Address): void {
    for (const { id } of this.holders.get(holder)?.values() ?? []) this.release(id, holder);
    for (const envelope of this.piles.get(holder)?.pile.values() ?? []) this.remove(envelope);
    for (const envelope of this.allBehind()) if (envelope.from === holder) this.removeBehind(envelope);
  }

  /** Whether this address holds or waits for anything. */
  knows(holder: Address): boolean {
    const waits = this.piles.has(holder) || this.allBehind().some(({ from }) => from === holder);
    return waits || this.holders.has(holder);
  }

  /** Everything that waits, or all of it for one model, taken out: for a circuit that opened. */
  refuse(model?: string): readonly Envelope[] {
    const all = [...this.piles.values()]
      .flatMap(({ pile }) => [...pile.values()])
      .filter((envelope) => model === undefined || askedBy(envelope).model === model);
    const behind = this.allBehind().filter((envelope) => model === undefined || askedBy(envelope).model === model);
    for (const envelope of all) this.remove(envelope);
    for (const envelope of behind) this.removeBehind(envelope);
    return [...all, ...behind];
  }

  /** How long a call beside the permits must wait for room in the minute, in milliseconds; it counts in it when there is. */
  beside(tokens: number): number {
    const now = this.options.clock.monotonic();
    const lacks = this.minute.fits(tokens) ? this.minute.lacks(tokens, now) : null;
    if (lacks === null) this.minute.take(tokens, now);
    return lacks?.ms ?? 0;
  }

  private requestBehind(envelope: Envelope): Permit | null | 'full' {
    if (this.waiting === 0 && this.lacksBehind(envelope) === null) return this.grant(envelope);
    if (this.behindOf.size >= BACKGROUND_WAITING_MOST) return 'full';
    const workspace = askedBy(envelope).workspace_id;
    if (this.behind.get(workspace) === undefined) this.behind.enter(workspace, new Rota());
    this.behind.get(workspace)?.enter(envelope, envelope);
    this.behindOf.set(envelope, workspace);
    return null;
  }

  private nextBehind(now: number): Granted | null {
    for (;;) {
      const workspace = this.behind.next;
      const envelope = workspace?.value.next?.value;
      if (workspace == null || envelope === undefined) return null;
      if ((envelope.deadline ?? Number.POSITIVE_INFINITY) <= now) {
        this.removeBehind(envelope);
        continue;
      }
      this.why = this.lacksBehind(envelope);
      if (this.why !== null) return null;
      this.removeBehind(envelope);
      this.behind.served(workspace.key);
      return { permit: this.grant(envelope), envelope };
    }
  }

  private lacksBehind(envelope: Envelope): Blocked | null {
    const { max_concurrency: most } = this.options;
    const room = most > 0 ? Math.max(1, Math.floor(most * BACKGROUND.share)) : BACKGROUND.most;
    if (this.backgroundHeld >= room) {
      const ms = this.reclaim();
      if (this.backgroundHeld >= room) return { waits_for: 'max_concurrency', ms };
    }
    return this.lacks(envelope);
  }

  /** Takes back what must be over, though nobody said so: a message may be lost. When the next is, in milliseconds. */
  private reclaim(): number | null {
    const now = this.options.clock.now();
    let soonest = Number.POSITIVE_INFINITY;
    for (const { background, until, id, holder } of this.held.values()) {
      if (!background) continue;
      if (until <= now) this.release(id, holder);
      else soonest = Math.min(soonest, until - now);
    }
    return Number.isFinite(soonest) ? soonest : null;
  }

  private allBehind(): readonly Envelope[] {
    return [...this.behind.values()].flatMap((pile) => [...pile.values()]);
  }

  private removeBehind(envelope: Envelope): void {
    const workspace = this.behindOf.get(envelope);
    if (workspace === undefined) return;
    this.behindOf.delete(envelope);
    const pile = this.behind.get(workspace);
    pile?.leave(envelope);
    if (pile?.size === 0) this.behind.leave(workspace);
  }

  private lacks(envelope: Envelope): Blocked | null {
    const { max_concurrency, clock } = this.options;
    if (max_concurrency > 0 && this.held.size >= max_concurrency) return { waits_for: 'max_concurrency', ms: null };
    const lacks = this.minute.lacks(askedBy(envelope).tokens, clock.monotonic());
    return lacks === null ? null : { waits_for: lacks.limit, ms: lacks.ms };
  }

  private remove({ id, from }: Envelope): void {
    const known = this.piles.get(from);
    if (known?.pile.get(id) === undefined) return;
    const { workspace, pile } = known;
    pile.leave(id);
    this.waitingCount -= 1;
    if (pile.size > 0) return;
    this.piles.delete(from);
    const sessions = this.workspaces.get(workspace);
    sessions?.leave(from);
    if (sessions?.size === 0) this.workspaces.leave(workspace);
  }

  private grant(envelope: Envelope): Permit {
    const { from: holder } = envelope;
    const { turn_id, model, tokens, background = false } = askedBy(envelope);
    const granted = this.options.clock.monotonic();
    this.last += 1;
    const second = this.minute.take(tokens, granted);
    const until = envelope.deadline ?? Number.POSITIVE_INFINITY;
    const permit = { id: this.last, holder, turn_id, model, tokens, second, granted, background, until };
    if (background) this.backgroundHeld += 1;
    this.held.set(permit.id, permit);
    const own = this.holders.get(holder);
    if (own === undefined) this.holders.set(holder, new Map([[permit.id, permit]]));
    else own.set(permit.id, permit);
    return permit;
  }
}
