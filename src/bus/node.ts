// SPDX-License-Identifier: Apache-2.0
// One thread's end of the bus: puts links, inboxes, mailboxes, asks, topics and watches together.

import { type Failure, failure } from '../errors.ts';
import type { World } from '../world.ts';
import { type Address, address, type Kind } from './address.ts';
import { Asks, type Pending } from './asks.ts';
import type { BusNode, BusOptions } from './bus-node.ts';
import type {
  Answer,
  AskOptions,
  BusFailure,
  Envelope,
  Protocols,
  SendOptions,
  SubscribeOptions,
  Subscriber,
  Topic,
} from './envelope.ts';
import { Loopback } from './inbox.ts';
import { Intake } from './intake.ts';
import { NOWHERE, placement, threadNames } from './layout.ts';
import { type BusStats, type DeadReason, Ledger } from './ledger.ts';
import type { Ended, Transport } from './link.ts';
import { Mailboxes, type MailboxView } from './mailbox.ts';
import type { Outgoing } from './outgoing.ts';
import { Peers } from './peers.ts';
import { type Receiver, Routes } from './routes.ts';
import { Signals } from './signals.ts';
import type { Carrier } from './topics.ts';
import { replaceUncloneable } from './uncloneable.ts';
import { type Batch, firstIdOf, isOwn, lifeOf } from './wire.ts';

export type { BusNode, BusOptions } from './bus-node.ts';
export type { Receiver } from './routes.ts';

/**
 * Most milliseconds of a turn. What a turn sends is posted when it is over: long ones make the threads work one after the
 * other, each on the whole of what all sessions wait for. From four to one a thousand busy sessions get a sixth more done.
 */
const SLICE_MS = 1;
/** How often gaps that no further event reports are retried. */
const GAP_RETRY_MS = 50;
/** How often bodies already taken are let go of on a link that has fallen silent. */
const SWEEP_MS = 1000;

/** Makes one thread's bus. */
export function createBusNode<P extends Protocols>(options: BusOptions): BusNode<P> {
  return new Node<P>(options);
}

class Node<P extends Protocols> implements BusNode<P>, Carrier {
  readonly thread: number;
  readonly life: number;
  private readonly world: World;
  private readonly options: BusOptions;
  private readonly doors: readonly Address[];
  private readonly routes: Routes;
  private readonly peers: Peers;
  private readonly loopback: Loopback;
  private readonly mailboxes: Mailboxes;
  private readonly intake: Intake;
  private readonly asks: Asks;
  private readonly signals: Signals;
  private readonly ledger = new Ledger();
  private readonly checkClone: ((envelope: Envelope) => readonly Envelope[]) | undefined;
  private lastId: number;
  private ticking = false;
  private sweeping = false;
  private retrying = false;
  private closed = false;
  private readonly cancels = new Set<() => void>();
  /** Threads nobody waits for. */
  private readonly lost = new Set<number>();

  constructor(options: BusOptions) {
    const { thread, life, layout, world, counter, window = 8192, mailboxCapacity = 1024 } = options;
    this.options = options;
    this.thread = thread;
    this.life = life;
    this.world = world;
    this.lastId = firstIdOf(life);
    const names = threadNames(layout);
    this.doors = names.map((name) => address('thread', name));
    this.routes = new Routes(placement(layout), this.ledger);
    this.peers = new Peers({
      ...{ thread, life, names, counter, window },
      // What a turn sends to other threads is posted when it is over.
      wake: () => {
        if (!this.intake.inTurn) this.wake();
      },
      uncloneable: (envelope, error) => this.uncloneable(envelope, error),
      greeting: (other) => this.signals.greeting(other).map(([type, body]) => this.own(other, type, body)),
      onUp: (other, itsLife) => options.onUp?.(other, itsLife),
      onDown: (other, itsLife, ended) => this.down(other, itsLife, ended),
    });
    this.loopback = new Loopback(thread, window, () => this.wake());
    this.checkClone = options.checkClone ? (envelope) => this.cloned(envelope) : undefined;
    this.mailboxes = new Mailboxes(mailboxCapacity);
    this.intake = new Intake({
      world,
      sources: [this.loopback, ...this.peers.sources],
      mailboxes: this.mailboxes,
      slice: options.slice ?? SLICE_MS,
      backlog: options.backlog ?? 16 * mailboxCapacity,
      handling: {
        arrived: (envelope, from) => this.arrived(envelope, from),
        deliver: (envelope) => this.deliver(envelope),
        refuse: (envelope) => this.refuse(envelope),
        turned: () => this.turned(),
      },
    });
    this.asks = new Asks(world, (ask) => this.expired(ask));
    this.signals = new Signals(this, (of) => this.routes.of(of).host.alive?.(of) ?? true);
  }

  send<K extends Kind & keyof P, T extends keyof P[K] & string>(
    to: Address<K>,
    type: T,
    body: P[K][T]['body'],
    { from, trace }: SendOptions,
  ): boolean {
    const route = this.routes.of(to);
    const id = ++this.lastId;
    const envelope: Envelope = trace === undefined ? { id, to, from, type, body } : { id, to, from, type, body, trace };
    route.counts.sent++;
    if (route.thread === NOWHERE) return this.dead(envelope, 'no_receiver');
    if (this.lost.has(route.thread)) return this.dead(envelope, 'thread_lost');
    return this.put(route.thread, envelope) || this.dead(envelope, this.closed ? 'closed' : 'overloaded');
  }

  ask<K extends Kind & keyof P, T extends keyof P[K] & string>(
    to: Address<K>,
    type: T,
    body: P[K][T]['body'],
    { from, within, trace }: AskOptions,
    answered: (answer: Answer<P[K][T]['reply']>) => void,
  ): void {
    const route = this.routes.of(to);
    const { thread, counts } = route;
    const id = ++this.lastId;
    const deadline = this.world.now() + within;
    const envelope: Envelope =
      trace === undefined ? { id, to, from, type, body, deadline } : { id, to, from, type, body, deadline, trace };
    counts.sent++;
    if (this.closed) {
      this.world.soon(() =>
        this.guarded(from, () => answered({ ok: false, error: failure('draining', 'The bus is closed.') })),
      );
      return;
    }
    counts.asks_in_flight++;
    this.asks.open({
      id,
      to,
      from,
      type,
      thread,
      within,
      counts,
      answered: answered as (answer: Answer<unknown>) => void,
    });
    if (thread === NOWHERE) this.settle(id, noReceiver(to));
    else if (this.lost.has(thread)) this.settle(id, this.threadLost(thread));
    else if (this.routes.of(from).thread !== this.thread) {
      this.settle(
        id,
        failure('internal', `${from} does not live on ${this.doors[this.thread]}: its answer would go elsewhere.`),
      );
    } else if (!this.put(thread, envelope)) {
      this.settle(id, failure('overloaded', `${this.doors[thread]} has too many messages waiting.`));
    }
  }

  reply(to: Envelope, body: unknown): void {
    this.answer(to, body, undefined);
  }

  fail(to: Envelope, error: Failure): void {
    this.answer(to, null, error);
  }

  senderLives({ from, id }: Envelope): boolean {
    return this.lives(this.place(from), id);
  }

  publish<E>(topic: Topic<E>, event: E): void {
    this.signals.topics.publish(topic as Topic<unknown>, event);
  }

  heard(topic: Topic<unknown>): boolean {
    return this.signals.topics.heard(topic);
  }

  subscribe<E>(topic: Topic<E>, subscriber: Subscriber<E>, options?: SubscribeOptions): () => void {
    return this.signals.topics.subscribe(topic, subscriber, options);
  }

  watch(of: Address, down: (reason: 'ended' | 'thread_lost') => void): () => void {
    const stop = this.signals.watches.watch(of, down);
    if (this.lost.has(this.place(of))) {
      this.world.soon(() => this.closed || this.signals.watches.tell(of, 'thread_lost'));
    }
    return stop;
  }

  attach(thread: number, life: number, transport: Transport): void {
    if (this.closed) return transport.close();
    this.lost.delete(thread);
    this.peers.attach(thread, life, transport);
  }

  receive(thread: number, batch: Batch): void {
    if (this.closed) return;
    this.peers.receive(thread, batch);
    this.intake.arrive();
  }

  detached(thread: number): void {
    if (this.closed) return;
    this.peers.detached(thread);
    this.intake.arrive();
  }

  gone(thread: number): void {
    const link = this.peers.link(thread);
    if (this.closed || link === undefined || this.lost.has(thread)) return;
    this.lost.add(thread);
    // While its last life is still attached, answers may lie here that its end must not overtake.
    if (link.up) return;
    this.abandon(thread);
    this.signals.down(thread);
  }

  host(kind: Kind, receiver: Receiver, alive?: (of: Address) => boolean): void {
    const host = this.routes.host(kind);
    host.receiver = receiver;
    host.alive = alive;
  }

  undeliverable(envelope: Envelope): void {
    this.dead(envelope, 'no_receiver');
    this.fail(envelope, noReceiver(envelope.to));
  }

  ended(of: Address): void {
    this.signals.watches.ended(of);
  }

  mailbox(of: Address): MailboxView {
    return this.mailboxes.view(of, this.world.monotonic());
  }

  stats(): BusStats {
    return {
      kinds: this.ledger.byKind(),
      dead_letters: this.ledger.deadLetters(),
      asks_in_flight: this.asks.size,
      backlog: this.mailboxes.depth,
      ...this.peers.stats(),
    };
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.asks.close();
    this.intake.close();
    for (const cancel of this.cancels) cancel();
    this.peers.close();
    for (const ask of [...this.asks.all()])
      this.answered(ask.id, { ok: false, error: failure('draining', 'The bus is closed.') });
  }

  // What topics and watches need.

  place(of: Address): number {
    return this.routes.of(of).thread;
  }

  connected(thread: number): boolean {
    return this.peers.link(thread)?.up === true;
  }

  outgoing(thread: number): Outgoing {
    return this.peers.link(thread) ?? this.loopback;
  }

  control(thread: number, type: string, body: unknown): void {
    if (this.closed) return;
    this.outgoing(thread).push(this.own(thread, type, body), true);
  }

  door(thread: number): Address {
    return this.doors[thread] ?? address('thread', String(thread));
  }

  nextId(): number {
    return ++this.lastId;
  }

  guarded(whose: Address, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.options.onFault?.(whose, error);
    }
  }

  gapsOpen(): void {
    if (this.retrying) return;
    this.retrying = true;
    this.later(GAP_RETRY_MS, () => {
      this.retrying = false;
      if (this.signals.topics.tellGaps()) this.gapsOpen();
    });
  }

  // Outwards.

  private put(thread: number, envelope: Envelope): boolean {
    return !this.closed && this.outgoing(thread).push(envelope, false);
  }

  private answer(to: Envelope, body: unknown, error: BusFailure | undefined): void {
    if (to.deadline === undefined) return;
    const envelope = this.replyTo(to, body, error);
    const thread = this.place(to.from);
    if (this.closed) this.dead(envelope, 'closed');
    else if (!this.lives(thread, to.id)) this.dead(envelope, 'life_over');
    else this.outgoing(thread).push(envelope, true);
  }

  /** Whether the life of a thread that gave out this id is there still. */
  private lives(thread: number, id: number): boolean {
    const link = this.peers.link(thread);
    return link === undefined ? thread === this.thread : link.up && link.life === lifeOf(id);
  }

  private replyTo(
    { id: reply_to, to: from, from: to, type, trace }: Envelope,
    body: unknown,
    error: BusFailure | undefined,
  ): Envelope {
    const id = ++this.lastId;
    if (error === undefined && trace === undefined) return { id, to, from, type, body, reply_to };
    return {
      id,
      to,
      from,
      type,
      body,
      reply_to,
      ...(error !== undefined && { error }),
      ...(trace !== undefined && { trace }),
    };
  }

  private own(thread: number, type: string, body: unknown): Envelope {
    return { id: ++this.lastId, to: this.door(thread), from: this.door(this.thread), type, body };
  }

  private wake(): void {
    if (this.ticking || this.closed) return;
    this.ticking = true;
    this.world.soon(() => this.tick());
  }

  private tick(): void {
    this.ticking = false;
    if (this.closed) return;
    this.flush();
    this.loopback.flush(this.checkClone);
    this.intake.arrive();
  }

  private turned(): void {
    if (!this.closed) this.flush();
    this.options.beat?.();
  }

  private flush(): void {
    this.peers.flush();
    if (!this.sweeping) this.sweep();
  }

  /** Lets go, after a while, of what has been taken on links that have nothing more to send. */
  private sweep(): void {
    this.sweeping = this.peers.trim();
    if (this.sweeping) this.later(SWEEP_MS, () => this.sweep());
  }

  private later(ms: number, run: () => void): void {
    const cancel = this.world.after(ms, () => {
      this.cancels.delete(cancel);
      if (!this.closed) run();
    });
    this.cancels.add(cancel);
  }

  private uncloneable(envelope: Envelope, error: unknown): readonly Envelope[] {
    const { instead, dead, failed } = replaceUncloneable(envelope, error, () => this.nextId());
    if (dead !== undefined) this.dead(dead, 'uncloneable');
    if (failed !== undefined) this.settle(envelope.id, failed);
    return instead;
  }

  private cloned(envelope: Envelope): readonly Envelope[] {
    try {
      const { body, error } = structuredClone({ body: envelope.body, error: envelope.error });
      return [error === undefined ? { ...envelope, body } : { ...envelope, body, error }];
    } catch (error) {
      return this.uncloneable(envelope, error).flatMap((instead) => this.cloned(instead));
    }
  }

  // Inwards.

  private arrived(envelope: Envelope, from: number): boolean {
    if (envelope.reply_to !== undefined) {
      this.replied(envelope, envelope.reply_to);
      return true;
    }
    if (!isOwn(envelope.type)) return false;
    if (!this.signals.arrived(envelope, from)) this.dead(envelope, 'no_receiver');
    return true;
  }

  private replied(envelope: Envelope, to: number): void {
    const { error } = envelope;
    const answer: Answer<unknown> = error === undefined ? { ok: true, body: envelope.body } : { ok: false, error };
    // A failure of the bus's own, id 0, may come after the answer.
    if (!this.answered(to, answer) && envelope.id !== 0) this.dead(envelope, 'late_reply');
  }

  private answered(id: number, answer: Answer<unknown>): boolean {
    const ask = this.asks.take(id);
    if (ask === undefined) return false;
    ask.counts.asks_in_flight--;
    const { mark } = this.routes.of(ask.from);
    if (mark !== 0) this.options.working?.(mark);
    try {
      ask.answered(answer);
    } catch (error) {
      this.options.onFault?.(ask.from, error);
    }
    if (mark !== 0) this.options.working?.(0);
    return true;
  }

  private deliver(envelope: Envelope): void {
    const { host, counts, mark } = this.routes.of(envelope.to);
    if (this.closed) return;
    if (host.receiver === undefined) {
      this.undeliverable(envelope);
      return;
    }
    counts.delivered++;
    if (mark !== 0) this.options.working?.(mark);
    try {
      host.receiver(envelope);
    } catch (error) {
      this.dead(envelope, 'fault');
      const why = error instanceof Error ? error.message : String(error);
      this.fail(envelope, failure('internal', `${envelope.to} failed on ${envelope.type}: ${why}`));
      this.options.onFault?.(envelope.to, error);
    }
    if (mark !== 0) this.options.working?.(0);
  }

  private refuse(envelope: Envelope): void {
    if (envelope.deadline === undefined) this.dead(envelope, 'mailbox_full');
    else this.fail(envelope, failure('overloaded', `${envelope.to} has too many messages waiting.`));
  }

  private expired(ask: Pending): void {
    ask.counts.timeouts++;
    const message = `${ask.to} did not answer ${ask.type} within ${ask.within} ms.`;
    this.settle(ask.id, { ...failure('deadline_exceeded', message), in_doubt: true });
  }

  /** Answers an ask of this thread with a failure, once the present work is done. */
  private settle(id: number, error: BusFailure): void {
    const here = this.door(this.thread);
    this.loopback.push({ id: 0, to: here, from: here, type: 'ask.settled', body: null, reply_to: id, error }, true);
  }

  private dead(envelope: Pick<Envelope, 'to' | 'from' | 'type'>, reason: DeadReason): false {
    this.ledger.dead(envelope, reason, this.world.now());
    return false;
  }

  // Lives.

  private down(thread: number, life: number, { inDoubtBefore, dropped }: Ended): void {
    for (const reply of dropped) this.dead(reply, 'life_over');
    for (const ask of this.asks.all()) {
      if (ask.thread !== thread || ask.id >= inDoubtBefore) continue;
      const message = `${this.door(thread)} ended before it answered ${ask.type}.`;
      this.settle(ask.id, { ...failure('thread_lost', message), in_doubt: true });
    }
    if (this.lost.has(thread)) this.abandon(thread);
    this.signals.down(thread);
    this.options.onDown?.(thread, life);
  }

  /** Nobody will take what was kept for a thread's next life. */
  private abandon(thread: number): void {
    for (const envelope of this.peers.link(thread)?.abandon() ?? []) {
      if (envelope.deadline === undefined) this.dead(envelope, 'thread_lost');
      else this.settle(envelope.id, this.threadLost(thread));
    }
  }

  /** Asking again soon does not help, unlike after a thread that is replaced at once. */
  private threadLost(thread: number): Failure {
    const message = `${this.door(thread)} ended too often and rests before it is tried again.`;
    return { ...failure('thread_lost', message), retryable: false };
  }
}

function noReceiver(to: Address): Failure {
  return failure('not_found', `Nobody receives messages for ${to}.`);
}
