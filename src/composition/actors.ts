// SPDX-License-Identifier: Apache-2.0
// The long-lived actors of a thread under supervision: one that fails is started again, one that keeps failing is quarantined.

import type { EventObject } from 'xstate';
import { type Address, address, kindOf } from '../bus/address.ts';
import type { Envelope } from '../bus/envelope.ts';
import { type History, NO_HISTORY, onExit } from '../bus/supervision.ts';
import { type Failure, failure } from '../errors.ts';
import { type Start, specOf } from '../tree.ts';
import type { ThreadContext } from './context.ts';

/** What supervision needs of an actor. */
export interface Supervised {
  receive(envelope: Envelope): void;
  send?(event: EventObject): void;
  stop(): void;
}

interface Child {
  readonly start: Start;
  readonly make: (fault: (whose: Address, error: Failure) => void) => Supervised;
  actor: Supervised | null;
  history: History;
  why: Failure | null;
}

export class Actors {
  private readonly context: ThreadContext;
  private readonly children = new Map<Address, Child>();
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

  has(of: Address): boolean {
    return this.children.has(of);
  }

  receive(envelope: Envelope): void {
    const child = this.children.get(envelope.to);
    if (child === undefined) return this.context.bus.undeliverable(envelope);
    if (child.actor !== null) return child.actor.receive(envelope);
    const why = child.why?.message ?? 'It is being started again.';
    this.context.bus.fail(envelope, failure('thread_lost', `${envelope.to} is not running. ${why}`));
  }

  /** Gives every actor of a kind the same event. */
  tell<E extends EventObject>(kind: Start, event: E): void {
    for (const child of this.children.values()) if (child.start === kind) child.actor?.send?.(event);
  }

  stop(): void {
    this.stopped = true;
    for (const { actor } of this.children.values()) actor?.stop();
    this.children.clear();
  }

  private begin(of: Address, child: Child): void {
    let failed = false;
    child.actor = child.make((whose, error) => {
      if (failed || this.stopped) return;
      failed = true;
      // The chart has stopped inside its own step; it is replaced once that step is over.
      this.context.world.soon(() => this.end(of, child, whose, error));
    });
  }

  private end(of: Address, child: Child, whose: Address, error: Failure): void {
    if (this.stopped) return;
    const { world, bus } = this.context;
    this.context.fault(whose, error);
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
      world.after(decision.after_ms, () => this.stopped || this.begin(of, child));
      return;
    }
    if (kindOf(of) === 'gateway') return;
    const advice = 'Correct what it names, then restart the gateway.';
    const part = { what: of, code: error.code, message: error.message, advice };
    bus.send(address('gateway', 'root'), 'gateway.quarantine', part, { from: address('thread', this.context.name) });
  }
}
