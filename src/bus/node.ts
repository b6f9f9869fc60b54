// SPDX-License-Identifier: Apache-2.0
// One thread's end of the bus: puts links, inboxes, mailboxes, asks, topics and watches together.

import { ERRORS, type Failure, failure } from '../errors.ts';
import type { World } from '../world.ts';
import { type Address, address, type Kind, kindOf } from './address.ts';
import { Asks, type Pending } from './asks.ts';
import type { Counter } from './counter.ts';
import type {
  Answer,
  AskOptions,
  Bus,
  BusFailure,
  Envelope,
  Protocols,
  SendOptions,
  SubscribeOptions,
  Subscriber,
  Topic,
} from './envelope.ts';
import { topicOwner } from './envelope.ts';
import { Inbox, Loopback, type Source } from './inbox.ts';
import { Intake } from './intake.ts';
import { type Layout, NOWHERE, placement, threadNames } from './layout.ts';
import { type DeadLetter, type DeadReason, type KindCounts, Ledger } from './ledger.ts';
import { Link, type Transport } from './link.ts';
import { Mailboxes, type MailboxView } from './mailbox.ts';
import type { Outgoing } from './outgoing.ts';
import { type Carrier, Topics } from './topics.ts';
import { Watches } from './watches.ts';
import {
  type Batch,
  ENDED,
  EVENTS,
  type EventsBody,
  firstIdOf,
  isOwn,
  lifeOf,
  RENEWED,
  SUBSCRIBE,
  type SubscribeBody,
  UNSUBSCRIBE,
  UNWATCH,
  WATCH,
} from './wire.ts';

/** Takes the messages for the actors of one kind. It must not throw; when it does the ask fails and the thread goes on. */
export type Receiver = (envelope: Envelope) => void;

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
  /** Most milliseconds of handling before the loop turns; default 4. */
  readonly slice?: number;
  /**
   * Clones every body sent within the thread too, so that in one thread, too, what cannot be cloned fails and nothing
   * is shared. For tests and the simulator.
   */
  readonly checkClone?: boolean;
  /** Called after every turn, so also between batches: a busy thread is not a hung one. */
  readonly beat?: () => void;
  /** A receiver, a subscriber or an answer's callback threw. */
  readonly onFault?: (whose: Address, error: unknown) => void;
  /** A life of another thread is over; its asks have failed, its subscriptions and watches are released. */
  readonly onDown?: (thread: number, life: number) => void;
  /** A life of another thread is attached. */
  readonly onUp?: (thread: number, life: number) => void;
}

/** One link as `/debug/bus` shows it. */
export interface LinkStats {
  readonly thread: string;
  readonly life: number;
  readonly up: boolean;
  /** Envelopes not yet taken by that thread. */
  readonly untaken: number;
}

export interface BusStats {
  readonly kinds: Readonly<Record<Kind, Readonly<KindCounts>>>;
  /** The last 100, oldest first. */
  readonly dead_letters: readonly DeadLetter[];
  /** Messages from and to other threads since the start. */
  readonly messages_in: number;
  readonly messages_out: number;
  readonly asks_in_flight: number;
  /** Messages in mailboxes. */
  readonly backlog: number;
  readonly links: readonly LinkStats[];
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

/** Makes one thread's bus. */
export function createBusNode<P extends Protocols>(options: BusOptions): BusNode<P> {
  return new Node<P>(options);
}

/** Where an address is, and what is counted for its kind. */
interface Route {
  readonly thread: number;
  readonly counts: KindCounts;
  readonly host: Host;
}

interface Host {
  receiver: Receiver | undefined;
  alive: ((of: Address) => boolean) | undefined;
}

/** The other thread as seen from this one. */
interface Peer {
  readonly link: Link;
  readonly inbox: Inbox;
  /** Ends of lives that lie in the inbox, behind what those lives have sent. */
  ending: number;
  /** The lives after those, oldest first. */
  readonly lives: { readonly life: number; readonly transport: Transport }[];
}

/** Routes remembered; addresses repeat, and a route costs two look-ups and a hash. */
const MOST_ROUTES = 8192;
/** How often gaps that no further event reports are retried. */
const GAP_RETRY_MS = 50;
/** How often bodies already taken are let go of on a link that has fallen silent. */
const SWEEP_MS = 1000;

class Node<P extends Protocols> implements BusNode<P>, Carrier {
  readonly thread: number;
  readonly life: number;
  private readonly world: World;
  private readonly options: BusOptions;
  private readonly placed: (of: Address) => number;
  private readonly doors: readonly Address[];
  private readonly routes = new Map<Address, Route>();
  private readonly hosts = new Map<Kind, Host>();
  private readonly peers: (Peer | undefined)[];
  private readonly loopback: Loopback;
  private readonly mailboxes: Mailboxes;
  private readonly intake: Intake;
  private readonly asks: Asks;
  private readonly topics: Topics;
  private readonly watches: Watches;
  private readonly ledger = new Ledger();
  private readonly checkClone: ((envelope: Envelope) => readonly Envelope[]) | undefined;
  private lastId: number;
  private ticking = false;
  private sweeping = false;
  private retrying = false;
  private closed = false;
  private readonly cancels = new Set<() => void>();

  constructor(options: BusOptions) {
    const { thread, life, layout, world, counter, window = 8192, mailboxCapacity = 1024 } = options;
    this.options = options;
    this.thread = thread;
    this.life = life;
    this.world = world;
    this.lastId = firstIdOf(life);
    this.placed = placement(layout);
    this.doors = threadNames(layout).map((name) => address('thread', name));
    const wake = () => this.wake();
    // What a turn sends to other threads is posted when it is over.
    const wakeLink = () => {
      if (!this.intake.inTurn) this.wake();
    };
    this.peers = this.doors.map((_, other) =>
      other === thread
        ? undefined
        : {
            link: new Link({
              ...{ from: thread, life, to: other, counter, window, wake: wakeLink },
              uncloneable: (envelope, error) => this.uncloneable(envelope, error),
            }),
            inbox: new Inbox(other, thread, counter, () => this.down(other)),
            ending: 0,
            lives: [],
          },
    );
    this.loopback = new Loopback(thread, window, wake);
    this.checkClone = options.checkClone ? (envelope) => this.cloned(envelope) : undefined;
    this.mailboxes = new Mailboxes(mailboxCapacity);
    const inboxes: Source[] = this.peers.flatMap((peer) => (peer === undefined ? [] : [peer.inbox]));
    this.intake = new Intake({
      world,
      sources: [this.loopback, ...inboxes],
      mailboxes: this.mailboxes,
      slice: options.slice ?? 4,
      backlog: options.backlog ?? 16 * mailboxCapacity,
      handling: {
        arrived: (envelope, from) => this.arrived(envelope, from),
        deliver: (envelope) => this.deliver(envelope),
        refuse: (envelope) => this.refuse(envelope),
        turned: () => this.turned(),
      },
    });
    this.asks = new Asks(world, (ask) => this.expired(ask));
    this.topics = new Topics(this);
    this.watches = new Watches(this, (of) => this.route(of).host.alive?.(of) ?? true);
  }

  send<K extends Kind & keyof P, T extends keyof P[K] & string>(
    to: Address<K>,
    type: T,
    body: P[K][T]['body'],
    { from, trace }: SendOptions,
  ): boolean {
    const route = this.route(to);
    const id = ++this.lastId;
    const envelope: Envelope = trace === undefined ? { id, to, from, type, body } : { id, to, from, type, body, trace };
    route.counts.sent++;
    if (route.thread === NOWHERE) return this.dead(envelope, 'no_receiver');
    return this.put(route.thread, envelope) || this.dead(envelope, this.closed ? 'closed' : 'overloaded');
  }

  ask<K extends Kind & keyof P, T extends keyof P[K] & string>(
    to: Address<K>,
    type: T,
    body: P[K][T]['body'],
    { from, within, trace }: AskOptions,
    answered: (answer: Answer<P[K][T]['reply']>) => void,
  ): void {
    const route = this.route(to);
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
    this.asks.open({ id, to, from, type, thread, within, answered: answered as (answer: Answer<unknown>) => void });
    if (thread === NOWHERE) this.settle(id, noReceiver(to));
    else if (this.route(from).thread !== this.thread) {
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

  publish<E>(topic: Topic<E>, event: E): void {
    this.topics.publish(topic as Topic<unknown>, event);
  }

  heard(topic: Topic<unknown>): boolean {
    return this.topics.heard(topic);
  }

  subscribe<E>(topic: Topic<E>, subscriber: Subscriber<E>, options?: SubscribeOptions): () => void {
    return this.topics.subscribe(topic, subscriber, options);
  }

  watch(of: Address, down: (reason: 'ended' | 'thread_lost') => void): () => void {
    return this.watches.watch(of, down);
  }

  attach(thread: number, life: number, transport: Transport): void {
    const peer = this.peers[thread];
    if (peer === undefined || this.closed) transport.close();
    else if (peer.ending > 0) peer.lives.push({ life, transport });
    else this.up(thread, peer, life, transport);
  }

  receive(thread: number, batch: Batch): void {
    if (this.closed) return;
    this.peers[thread]?.inbox.add(batch);
    this.intake.arrive();
  }

  detached(thread: number): void {
    const peer = this.peers[thread];
    if (peer === undefined || this.closed) return;
    if (peer.ending >= peer.lives.length + (peer.link.up ? 1 : 0)) return;
    // In order with what has come in: an answer that is here already is not to be overtaken by its thread's end.
    peer.ending++;
    peer.inbox.close();
    this.intake.arrive();
  }

  host(kind: Kind, receiver: Receiver, alive?: (of: Address) => boolean): void {
    const host = this.hostOf(kind);
    host.receiver = receiver;
    host.alive = alive;
  }

  undeliverable(envelope: Envelope): void {
    this.dead(envelope, 'no_receiver');
    this.fail(envelope, noReceiver(envelope.to));
  }

  ended(of: Address): void {
    this.watches.ended(of);
  }

  mailbox(of: Address): MailboxView {
    return this.mailboxes.view(of, this.world.monotonic());
  }

  stats(): BusStats {
    const peers = this.peers.flatMap((peer, at) => (peer === undefined ? [] : [{ peer, at }]));
    return {
      kinds: this.ledger.byKind(),
      dead_letters: this.ledger.deadLetters(),
      messages_in: peers.reduce((sum, { peer }) => sum + peer.inbox.received, 0),
      messages_out: peers.reduce((sum, { peer }) => sum + peer.link.posted, 0),
      asks_in_flight: this.asks.size,
      backlog: this.mailboxes.depth,
      links: peers.map(({ peer: { link }, at }) => {
        link.trim();
        const name = this.doors[at] ?? '';
        return { thread: name.slice(name.indexOf('/') + 1), life: link.life, up: link.up, untaken: link.untaken };
      }),
    };
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.asks.close();
    for (const cancel of this.cancels) cancel();
    for (const peer of this.peers) peer?.link.close();
    for (const ask of [...this.asks.all()])
      this.answered(ask.id, { ok: false, error: failure('draining', 'The bus is closed.') });
  }

  // What topics and watches need.

  place(of: Address): number {
    return this.route(of).thread;
  }

  connected(thread: number): boolean {
    return this.peers[thread]?.link.up === true;
  }

  outgoing(thread: number): Outgoing {
    return this.peers[thread]?.link ?? this.loopback;
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
      if (this.topics.tellGaps()) this.gapsOpen();
    });
  }

  // Outwards.

  private put(thread: number, envelope: Envelope): boolean {
    return !this.closed && this.outgoing(thread).push(envelope, false);
  }

  private answer(to: Envelope, body: unknown, error: BusFailure | undefined): void {
    if (to.deadline === undefined) return;
    const envelope = this.replyTo(to, body, error);
    const { thread } = this.route(to.from);
    const link = this.peers[thread]?.link;
    if (this.closed) this.dead(envelope, 'closed');
    else if (link === undefined ? thread !== this.thread : !link.up || link.life !== lifeOf(to.id)) {
      this.dead(envelope, 'life_over');
    } else (link ?? this.loopback).push(envelope, true);
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
    for (const peer of this.peers) peer?.link.flush();
    if (!this.sweeping) this.sweep();
  }

  /** Lets go, after a while, of what has been taken on links that have nothing more to send. */
  private sweep(): void {
    this.sweeping = this.peers.some((peer) => peer?.link.up === true && peer.link.untaken > 0);
    if (!this.sweeping) return;
    this.later(SWEEP_MS, () => {
      for (const peer of this.peers) peer?.link.trim();
      this.sweep();
    });
  }

  private later(ms: number, run: () => void): void {
    const cancel = this.world.after(ms, () => {
      this.cancels.delete(cancel);
      if (!this.closed) run();
    });
    this.cancels.add(cancel);
  }

  /** What goes in the place of something that could not be cloned. */
  private uncloneable(envelope: Envelope, error: unknown): readonly Envelope[] {
    if (envelope.type === EVENTS) return this.separated(envelope);
    const why = error instanceof Error ? error.message : String(error);
    const message = `The body of ${envelope.type} from ${envelope.from} could not be cloned: ${why}`;
    this.dead(envelope, 'uncloneable');
    if (envelope.reply_to !== undefined) {
      const { id, to, from, type, reply_to } = envelope;
      return [{ id, to, from, type, body: null, reply_to, error: failure('internal', message) }];
    }
    if (envelope.deadline !== undefined) this.settle(envelope.id, failure('internal', message));
    return [];
  }

  /** Every event of an envelope on its own, so that only the one that cannot be cloned is lost. */
  private separated(envelope: Envelope): readonly Envelope[] {
    const body = envelope.body as EventsBody;
    const alone: Envelope[] = [];
    for (let at = 0; at < body.length; at += 3) {
      const [topic, dropped, events] = body.slice(at, at + 3) as [Topic<unknown>, number, readonly unknown[]];
      events.forEach((event, nth) => {
        alone.push({ ...envelope, id: ++this.lastId, body: [topic, nth === 0 ? dropped : 0, [event]] });
      });
      if (events.length === 0) alone.push({ ...envelope, id: ++this.lastId, body: [topic, dropped, []] });
    }
    if (alone.length > 1) return alone;
    const [topic, dropped] = body as [Topic<unknown>, number];
    this.dead({ ...envelope, from: topicOwner(topic) }, 'uncloneable');
    // The subscriber is told that it misses one.
    return [{ ...envelope, body: [topic, dropped + 1, []] }];
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
    switch (envelope.type) {
      case EVENTS:
        this.topics.arrived(envelope.body as EventsBody);
        break;
      case SUBSCRIBE:
        this.topics.subscribed(envelope.body as SubscribeBody, from);
        break;
      case UNSUBSCRIBE:
        this.topics.unsubscribed(envelope.body as Topic<unknown>, from);
        break;
      case RENEWED:
        this.topics.renewed(envelope.body as Topic<unknown>);
        break;
      case WATCH:
        this.watches.watchedBy(envelope.body as Address, from);
        break;
      case UNWATCH:
        this.watches.unwatchedBy(envelope.body as Address, from);
        break;
      case ENDED:
        this.watches.tell(envelope.body as Address, 'ended');
        break;
      default:
        this.dead(envelope, 'no_receiver');
    }
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
    this.route(ask.to).counts.asks_in_flight--;
    try {
      ask.answered(answer);
    } catch (error) {
      this.options.onFault?.(ask.from, error);
    }
    return true;
  }

  private deliver(envelope: Envelope): void {
    const { host, counts } = this.route(envelope.to);
    if (this.closed) return;
    if (host.receiver === undefined) {
      this.undeliverable(envelope);
      return;
    }
    counts.delivered++;
    try {
      host.receiver(envelope);
    } catch (error) {
      this.dead(envelope, 'fault');
      const why = error instanceof Error ? error.message : String(error);
      this.fail(envelope, failure('internal', `${envelope.to} failed on ${envelope.type}: ${why}`));
      this.options.onFault?.(envelope.to, error);
    }
  }

  private refuse(envelope: Envelope): void {
    if (envelope.deadline === undefined) this.dead(envelope, 'mailbox_full');
    else this.fail(envelope, failure('overloaded', `${envelope.to} has too many messages waiting.`));
  }

  private expired(ask: Pending): void {
    this.route(ask.to).counts.timeouts++;
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

  private up(thread: number, peer: Peer, life: number, transport: Transport): void {
    peer.inbox.begin(life);
    const subscriptions = this.topics.subscriptionsTo(thread).map((body) => this.own(thread, SUBSCRIBE, body));
    const watches = this.watches.watchedOn(thread).map((of) => this.own(thread, WATCH, of));
    peer.link.attach(life, transport, [...subscriptions, ...watches]);
    this.options.onUp?.(thread, life);
  }

  private down(thread: number): void {
    const peer = this.peers[thread];
    if (peer === undefined) return;
    const { life } = peer.link;
    const { inDoubtBefore, dropped } = peer.link.down();
    peer.ending--;
    for (const reply of dropped) this.dead(reply, 'life_over');
    for (const ask of this.asks.all()) {
      if (ask.thread !== thread || ask.id >= inDoubtBefore) continue;
      const message = `${this.door(thread)} ended before it answered ${ask.type}; ${ERRORS.thread_lost.advice}`;
      this.settle(ask.id, { ...failure('thread_lost', message), in_doubt: true });
    }
    this.topics.down(thread);
    this.watches.down(thread);
    this.options.onDown?.(thread, life);
    const next = peer.lives.shift();
    if (next !== undefined) this.up(thread, peer, next.life, next.transport);
  }

  // Addresses.

  private route(of: Address): Route {
    const known = this.routes.get(of);
    if (known !== undefined) return known;
    if (this.routes.size >= MOST_ROUTES) this.routes.clear();
    const route = { thread: this.placed(of), counts: this.ledger.of(of), host: this.hostOf(kindOf(of)) };
    this.routes.set(of, route);
    return route;
  }

  private hostOf(kind: Kind): Host {
    let host = this.hosts.get(kind);
    if (host === undefined) {
      host = { receiver: undefined, alive: undefined };
      this.hosts.set(kind, host);
    }
    return host;
  }
}

function noReceiver(to: Address): Failure {
  return failure('not_found', `Nobody receives messages for ${to}.`);
}
