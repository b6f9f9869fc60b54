// SPDX-License-Identifier: Apache-2.0
// What the composition root gives a thread's bus, and what it sees of it beside the face every room knows.

import type { World } from '../world.ts';
import type { Address, Kind } from './address.ts';
import type { Counter } from './counter.ts';
import type { Bus, Envelope, Protocols } from './envelope.ts';
import type { Layout } from './layout.ts';
import type { BusStats } from './ledger.ts';
import type { Transport } from './link.ts';
import type { MailboxView } from './mailbox.ts';
import type { Receiver } from './routes.ts';
import type { Batch } from './wire.ts';

export interface BusOptions {
  /** This thread's index in the layout. */
  readonly thread: number;
  /** This thread's life, from 1. */
  readonly life: number;
  readonly layout: Layout;
  readonly world: World;
  readonly counter: Counter;
  /** Most messages and events to one thread that it has not taken; default 8192. */
  readonly window?: number;
  /** Most messages that wait for one actor; default 1024. */
  readonly mailboxCapacity?: number;
  /** Most messages that wait for all actors together; default 16 mailboxes' worth. */
  readonly backlog?: number;
  /** Most milliseconds of handling before the loop turns; default 1. */
  readonly slice?: number;
  /**
   * Clones every body sent within the thread too, so that in one thread, too, what cannot be cloned fails and nothing
   * is shared. For tests and the simulator.
   */
  readonly checkClone?: boolean;
  /** Called after every turn, so also between batches: a busy thread is not a hung one. */
  readonly beat?: () => void;
  /**
   * Told on whose behalf code runs from now on, as {@link markOf} marks an actor that may do great harm; 0: nobody's. What
   * hangs a thread can tell nobody itself, but this was told before.
   */
  readonly working?: (mark: number) => void;
  /** A receiver, a subscriber or an answer's callback threw. */
  readonly onFault?: (whose: Address, error: unknown) => void;
  /** A life of another thread is over; its asks have failed, its subscriptions and watches are released. */
  readonly onDown?: (thread: number, life: number) => void;
  /** A life of another thread is attached. */
  readonly onUp?: (thread: number, life: number) => void;
}

/** What the composition root sees of a thread's bus, beside {@link Bus}. */
export interface BusNode<P extends Protocols> extends Bus<P> {
  readonly thread: number;
  readonly life: number;
  /** The next life of another thread; waits until everything of the last one has been taken. */
  attach(thread: number, life: number, transport: Transport): void;
  /** A batch from another thread's present life. */
  receive(thread: number, batch: Batch): void;
  /** Nothing more comes from another thread's present life. */
  detached(thread: number): void;
  /**
   * Nobody waits for another thread any more: what waits for it and what is sent to it from now on fails `thread_lost` at
   * once. What its last life has sent is taken first. The next life that is attached ends this.
   */
  gone(thread: number): void;
  /** Hosts the actors of a kind on this thread. Without `alive` every address of the kind counts as living. */
  host(kind: Kind, receiver: Receiver, alive?: (of: Address) => boolean): void;
  /** A host found no actor for this message: its ask fails `not_found`, a send is a dead letter. */
  undeliverable(envelope: Envelope): void;
  /** An actor of this thread has ended: its watchers are told. */
  ended(of: Address): void;
  mailbox(of: Address): MailboxView;
  stats(): BusStats;
  /** Stops: open asks fail `draining`, transports are closed, nothing is sent or delivered any more. */
  close(): void;
}
