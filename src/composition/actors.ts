// SPDX-License-Identifier: Apache-2.0
// The long-lived actors of a thread under supervision: one that fails is started again, one that keeps failing is quarantined.

import type { EventObject } from 'xstate';
import { type Address, address } from '../bus/address.ts';
import type { Envelope } from '../bus/envelope.ts';
import { type History, NO_HISTORY, onExit } from '../bus/supervision.ts';
import { type Failure, failure, toFailure } from '../errors.ts';
import { type Start, specOf } from '../tree.ts';
import type { ThreadContext } from './context.ts';

/** What supervision needs of an actor. */
export interface Supervised {
  receive(envelope: Envelope): void;
  send?(event: EventObject): void;
  /** Whether it has nothing to keep: it ends then, and the next message for it starts it anew. */
  idle?(): boolean;
  stop(): void;
}

interface Child {
  readonly start: Start;
  /** `rested` is called by an actor that has done the last it had to do, outside of any message. */
  readonly make: (fault: (whose: Address, error: Failure) => void, rested: () => void) => Supervised;
  actor: Supervised | null;
  history: History;
  why: Failure | null;
}

export class Actors {
  private readonly context: ThreadContext;
  private readonly children = new Map<Address, Child>();
  private readonly stops: (() => void)[] = [];
  private stopped = false;

  constructor(context: ThreadContext) {
    this.context = context;
  }

  /** Starts an actor under the spec of its kind. */
  start(start: Start, of: Address, make: Child['make']): void {
    const child: Child = { start, make, actor: null, history: NO_HISTORY, why: null };
    this.children.set(of, child);
    this.begin(of, child);
  }

  /** Ends one for good: it is not in the configuration any more. */
  end(of: Address): void {
    const child = this.children.get(of);
    if (child === undefined) return;
    this.children.delete(of);
    child.actor?.stop();
    const { bus, name } = this.context;
    bus.ended(of);
    // It may have been left out when it failed too often.
    if (child.actor === null)
      bus.send(address('gateway', 'root'), 'gateway.released', { what: of }, { from: address('thread', name) });
  }

  has(of: Address): boolean {
    return this.children.has(of);
  }

  receive(envelope: Envelope): void {
    const child = this.children.get(envelope.to);
    if (child === undefined) return this.context.bus.undeliverable(envelope);
    if (child.actor !== null) {
      child.actor.receive(envelope);
      return this.retire(envelope.to, child);
    }
    const why = child.why?.message ?? 'It is being started again.';
    this.context.bus.fail(envelope, failure('thread_lost', `${envelope.to} is not running. ${why}`));
  }

  /** Gives every actor of a kind the same event. */
  tell<E extends EventObject>(kind: Start, event: E): void {
    for (const [of, child] of this.children) {
      if (child.start !== kind) continue;
      child.actor?.send?.(event);
      this.retire(of, child);
    }
  }

  /** Is called when they all end. */
  onStop(stop: () => void): void {
    this.stops.push(stop);
  }

  stop(): void {
    this.stopped = true;
    for (const stop of this.stops.splice(0)) stop();
    for (const { actor } of this.children.values()) actor?.stop();
    this.children.clear();
  }

  private gone(of: Address, child: Child): boolean {
    return this.stopped || this.children.get(of) !== child;
  }

  /** There may be one for everybody who ever wrote: one with nothing to keep must not stay. */
  private retire(of: Address, child: Child): void {
    if (child.actor?.idle?.() !== true || this.children.get(of) !== child) return;
    child.actor.stop();
    this.children.delete(of);
    this.context.bus.ended(of);
  }

  private begin(of: Address, child: Child): void {
    let failed = false;
    const fault = (whose: Address, error: Failure): void => {
      if (failed || this.stopped) return;
      failed = true;
      // The chart has stopped inside its own step; it is replaced once that step is over.
      this.context.world.soon(() => this.failed(of, child, whose, error));
    };
    try {
      child.actor = child.make(fault, () => this.retire(of, child));
    } catch (cause) {
      fault(of, toFailure(cause));
    }
  }

  private failed(of: Address, child: Child, whose: Address, error: Failure): void {
    if (this.stopped) return;
    const { world, bus } = this.context;
    this.context.fault(whose, error);
    if (this.children.get(of) !== child) return;
    child.actor?.stop();
    child.actor = null;
    child.why = error;
    bus.ended(of);
    const { decision, history } = onExit(
      specOf(child.start).restart,
      child.history,
      world.now(),
      world.random(),
      'error',
    );
    child.history = history;
    if (decision.do === 'restart') {
      this.context.residents.restarted(of);
      world.after(decision.after_ms, () => this.gone(of, child) || this.begin(of, child));
      return;
    }
    if (decision.do === 'done') return;
    const root = address('gateway', 'root');
    const from = address('thread', this.context.name);
    const again = world.iso(world.now() + decision.rest_ms);
    const advice = `It is tried again at ${again}; correct what it names.`;
    bus.send(root, 'gateway.quarantine', { what: of, code: error.code, message: error.message, advice }, { from });
    world.after(decision.rest_ms, () => {
      if (this.gone(of, child)) return;
      this.begin(of, child);
      bus.send(root, 'gateway.released', { what: of }, { from });
    });
  }
}
