// SPDX-License-Identifier: Apache-2.0
// Permits of one provider: how many calls run at once, and who is next. Fair between sessions: each takes its turn.

import type { Address } from '../../bus/address.ts';
import type { Envelope } from '../../bus/envelope.ts';
import type { ProviderProtocol } from './protocol.ts';

export interface Permit {
  readonly id: number;
  readonly holder: Address;
  readonly turn_id: string;
}

/** The turn a request is for. */
const turnOf = ({ body }: Envelope): string => (body as ProviderProtocol['provider.request']['body']).turn_id;

/** Requests that may wait, over all sessions. */
const WAITING_MOST = 10_000;

export class Permits {
  private readonly most: number;
  private readonly held = new Map<number, Permit>();
  /** How many each holder has. */
  private readonly holders = new Map<Address, number>();
  /** One queue a session, in the order in which the sessions take turns. */
  private readonly queues = new Map<Address, Envelope[]>();
  private waitingCount = 0;
  private last = 0;

  /** @param most calls at once; 0: no limit */
  constructor(most: number) {
    this.most = most;
  }

  get inFlight(): number {
    return this.held.size;
  }

  get waiting(): number {
    return this.waitingCount;
  }

  /** A permit at once, null when the request must wait, `full` when too many wait already. */
  request(envelope: Envelope): Permit | null | 'full' {
    if (this.free && this.waitingCount === 0) return this.grant(envelope);
    if (this.waitingCount >= WAITING_MOST) return 'full';
    const queue = this.queues.get(envelope.from);
    if (queue === undefined) this.queues.set(envelope.from, [envelope]);
    else queue.push(envelope);
    this.waitingCount += 1;
    return null;
  }

  /** Gives a permit back; false when this holder does not have it (any more): an earlier life may have granted the same id. */
  release(id: number, holder: Address): boolean {
    const permit = this.held.get(id);
    if (permit === undefined || permit.holder !== holder) return false;
    this.held.delete(id);
    const left = (this.holders.get(permit.holder) ?? 1) - 1;
    if (left === 0) this.holders.delete(permit.holder);
    else this.holders.set(permit.holder, left);
    return true;
  }

  /**
   * The next request that gets a permit, if one is free. Whose time is over waits no longer: it would never hear of it.
   *
   * @param now epoch milliseconds
   */
  next(now: number): { readonly permit: Permit; readonly envelope: Envelope } | null {
    if (!this.free) return null;
    for (const [session, queue] of this.queues) {
      const envelope = queue.shift();
      // Whoever was served goes behind the others.
      this.queues.delete(session);
      if (queue.length > 0) this.queues.set(session, queue);
      if (envelope === undefined) continue;
      this.waitingCount -= 1;
      if (envelope.deadline !== undefined && envelope.deadline <= now) continue;
      return { permit: this.grant(envelope), envelope };
    }
    return null;
  }

  /** A holder's request and permits for a turn are void; its request, if it still waited. */
  withdraw(holder: Address, turn_id: string): Envelope | undefined {
    for (const permit of this.held.values())
      if (permit.holder === holder && permit.turn_id === turn_id) this.release(permit.id, holder);
    const queue = this.queues.get(holder);
    const at = queue?.findIndex((envelope) => turnOf(envelope) === turn_id) ?? -1;
    if (queue === undefined || at < 0) return undefined;
    const [withdrawn] = queue.splice(at, 1);
    this.waitingCount -= 1;
    if (queue.length === 0) this.queues.delete(holder);
    return withdrawn;
  }

  /** The holder's life is over: its permits and requests are void. */
  drop(holder: Address): void {
    for (const permit of this.held.values()) if (permit.holder === holder) this.release(permit.id, holder);
    this.waitingCount -= this.queues.get(holder)?.length ?? 0;
    this.queues.delete(holder);
  }

  /** Whether this address holds or waits for anything. */
  knows(holder: Address): boolean {
    return this.holders.has(holder) || this.queues.has(holder);
  }

  /** Everything that waits, taken out: for a circuit that opened. */
  refuseAll(): readonly Envelope[] {
    const all = [...this.queues.values()].flat();
    this.queues.clear();
    this.waitingCount = 0;
    return all;
  }

  private get free(): boolean {
    return this.most === 0 || this.held.size < this.most;
  }

  private grant(envelope: Envelope): Permit {
    const { from: holder } = envelope;
    this.last += 1;
    const permit = { id: this.last, holder, turn_id: turnOf(envelope) };
    this.held.set(permit.id, permit);
    this.holders.set(holder, (this.holders.get(holder) ?? 0) + 1);
    return permit;
  }
}
