// SPDX-License-Identifier: Apache-2.0
// The main thread's actors: the root and the pull channels.

import { type ChannelEffect, type ChannelEvent, channelMachine } from '../actors/channel/machine.ts';
import type { RoutingTable } from '../actors/channel/place.ts';
import type { Inbound } from '../actors/channel/protocol.ts';
import { type GatewayEffect, gatewayMachine } from '../actors/gateway/machine.ts';
import type { Quarantined } from '../actors/gateway/protocol.ts';
import { type MachineActor, startMachineActor } from '../actors/machine-actor.ts';
import type { WorkspaceEvent } from '../actors/workspace/machine.ts';
import { type Address, address, idOf } from '../bus/address.ts';
import { placement, threadNames } from '../bus/layout.ts';
import type { Admission } from '../edge/admission.ts';
import { type Failure, failure } from '../errors.ts';
import { isDirectoryChange } from '../stores/directory-commands.ts';
import { Actors } from './actors.ts';
import { type Authorities, hostAuthorities } from './authorities.ts';
import { PULL_CHANNELS } from './channel-types.ts';
import type { ThreadContext } from './context.ts';
import { RefusedSenders } from './refused-senders.ts';
import { releaseEntries } from './released-entries.ts';
import type { RootDirectory } from './root-directory.ts';
import { routingOf } from './routing.ts';

/** How long a session may take to make a message durable, in milliseconds. */
const DELIVER_WITHIN = 60_000;

export interface MainOptions {
  /** What of the configuration is left out now. */
  readonly quarantined: () => readonly Quarantined[];
  /** The directory the root owns. */
  readonly directory: RootDirectory;
  /** Told once every lane has nothing left to finish, or its time is over; with how many turns are left, most for people to answer. */
  readonly drained: (turns_left: number) => void;
  /** What was let in and waits for its lane; everything is let in when not given. */
  readonly admission?: Admission;
  /** Told of each message on its way; null when nothing is taken of its sender. Not given: of everybody. */
  readonly enter?: (user_id: string) => (() => void) | null;
  /** A message is durable under this seq: what is read from now on must have seen it. */
  readonly acknowledged: (seq: number) => void;
}

/** A life of a thread has ended: whoever keeps count of what lives there is told. */
export function threadLost(context: ThreadContext, actors: Actors, thread: number): void {
  const name = threadNames(context.house.layout)[thread] ?? '';
  actors.tell<WorkspaceEvent>('workspace', { type: 'thread_lost', thread: name });
}

/** What lives on the main thread. */
export interface MainRole extends Authorities {
  readonly actors: Actors;
}

export function startMain(context: ThreadContext, options: MainOptions): MainRole {
  const { bus, world, residents, house } = context;
  const actors = new Actors(context);
  const root = address('gateway', 'root');
  const refused = new RefusedSenders(world, (note) => options.directory.note(note));
  actors.onStop(() => refused.stop());
  const routing = routingOf(house, options.directory.people);

  let lives = 0;
  actors.start('gateway', root, (fault) => {
    const actor = startMachineActor<GatewayEffect>({
      address: root,
      parent: null,
      machine: gatewayMachine,
      input: {
        quarantined: options.quarantined(),
        started_at: world.iso(world.now()),
        now: () => world.iso(world.now()),
      },
      world,
      residents,
      bus,
      fault,
      context: (inner) => {
        const { quarantined, restarts, started_at } = inner as Record<string, unknown>;
        return { quarantined, restarts, started_at };
      },
      perform: (effect, send) => {
        if (effect.type === 'tell') return context.tell(effect.change);
        actors.tell<ChannelEvent>('channel', { type: 'drain' });
        refused.flush();
        const { channels, gateway } = house.config;
        const until = world.monotonic() + gateway.drain_timeout;
        for (const name of Object.keys(channels))
          bus.send(address('channel', name), 'channel.drain', {}, { from: root });
        drainLanes(context, (turns_left) => {
          // What the last turns had to say goes out, as far as it goes now.
          drainThreads(context, chatThreads(context), Math.min(LAST_WORDS_MS, until - world.monotonic()), () => {
            send({ type: 'drained' });
            options.drained(turns_left);
          });
        });
      },
    });
    lives += 1;
    // Nobody tells it a second time that everything is up.
    if (lives > 1) actor.send({ type: 'gateway.started' });
    options.directory.begin();
    return {
      ...actor,
      receive: (envelope) => {
        if (!isDirectoryChange(envelope.type)) return actor.receive(envelope);
        const started = world.monotonic();
        options.directory.receive(envelope);
        actor.note(envelope.type, started);
      },
      stop: () => {
        options.directory.end();
        actor.stop();
      },
    };
  });
  for (const name of PULL_CHANNELS) {
    const self = address('channel', name);
    actors.start('channel', self, (fault) => startChannel({ ...options, context, self, routing, refused, fault }));
  }
  bus.host('gateway', (envelope) => actors.receive(envelope));
  const authorities = hostAuthorities(context, actors);
  bus.host('channel', (envelope) => actors.receive(envelope));
  return {
    actors,
    ...authorities,
    changed: (change) => {
      releaseEntries((told) => actors.tell('gateway', told), change);
      authorities.changed(change);
    },
  };
}

const NOBODY_WAITS = (): void => undefined;

interface ChannelParts extends Pick<MainOptions, 'acknowledged' | 'admission' | 'enter'> {
  readonly context: ThreadContext;
  readonly self: Address<'channel'>;
  readonly routing: () => RoutingTable;
  readonly refused: RefusedSenders;
  readonly fault: (whose: Address, error: Failure) => void;
}

function startChannel({
  context,
  self,
  routing,
  refused,
  fault,
  acknowledged,
  admission,
  enter,
}: ChannelParts): MachineActor {
  const { bus, world, residents, house } = context;
  const place = placement(house.layout);
  const names = threadNames(house.layout);
  return startMachineActor<ChannelEffect>({
    address: self,
    parent: address('gateway', 'root'),
    machine: channelMachine,
    input: { name: idOf(self), type: idOf(self), routing },
    world,
    residents,
    bus: {
      reply: (to, body) => bus.reply(to, body),
      fail: (to, error) => {
        bus.fail(to, error);
        if (to.type !== 'channel.receive') return;
        const { sender, workspace_id } = to.body as Inbound;
        refused.count(sender.user_id, workspace_id, error);
      },
    },
    fault,
    context: (inner) => {
      const { name, type, received, refused } = inner as Record<string, unknown>;
      return { name, type, received, refused };
    },
    perform: (effect, send) => {
      if (effect.type !== 'deliver') return;
      const { placed, to } = effect;
      const session = address('session', placed.session_id);
      const lane = names[place(session)] ?? '';
      const hand = (leave: () => void): void => {
        const options = { from: self, within: DELIVER_WITHIN, trace: to.trace };
        const { user_id } = placed.deliver;
        const arrived = enter === undefined ? NOBODY_WAITS : enter(user_id);
        if (arrived === null) {
          leave();
          const error = failure('conflict', `Everything about ${user_id} is being erased; nothing is taken meanwhile.`);
          return send({ type: 'delivered', to, answer: { ok: false, error } } as ChannelEvent);
        }
        bus.ask(session, 'session.deliver', placed.deliver, options, (answer) => {
          leave();
          arrived();
          if (answer.ok) acknowledged(answer.body.seq);
          send({ type: 'delivered', to, answer } as ChannelEvent);
        });
      };
      if (admission === undefined) return hand(() => undefined);
      const error = admission.pass(lane, placed.share, to.deadline ?? Number.POSITIVE_INFINITY, hand);
      if (error !== null) send({ type: 'delivered', to, answer: { ok: false, error } } as ChannelEvent);
    },
  });
}

/** Pause before an ask is made again that found too much waiting, in milliseconds. */
const AGAIN_MS = 50;

/** Asks the root to come to an end. Made again when it is refused: it is in an overload that this must get through. */
export function askToDrain(context: ThreadContext, reason: string): void {
  const { bus, house, world } = context;
  const options = { from: address('thread', 'main'), within: house.config.gateway.drain_timeout + 5_000 };
  bus.ask(address('gateway', 'root'), 'gateway.drain', { reason }, options, (answer) => {
    if (!answer.ok && answer.error.code === 'overloaded') world.after(AGAIN_MS, () => askToDrain(context, reason));
  });
}

/** How long chat channels get to say what the last turns came to, in milliseconds: what is left is said after the start. */
const LAST_WORDS_MS = 5_000;

/** The I/O threads on which chat channels live. */
function chatThreads({ house }: ThreadContext): readonly string[] {
  const names = threadNames(house.layout);
  const place = placement(house.layout);
  const there = Object.keys(house.config.channels).map((name) => names[place(address('channel', name))] ?? '');
  return [...new Set(there)];
}

/** Asks every lane to finish; those that do not within the drain timeout stay journaled and go on at the next start. */
function drainLanes(context: ThreadContext, done: (turns_left: number) => void): void {
  const { house, world } = context;
  const lanes = threadNames(house.layout).filter((name) => name.startsWith('lane-'));
  const within = house.config.gateway.drain_timeout;
  if (within === 0) return void world.soon(() => done(0));
  drainThreads(context, lanes, within, done);
}

function drainThreads(
  { bus, world }: ThreadContext,
  threads: readonly string[],
  within: number,
  done: (turns_left: number) => void,
): void {
  if (threads.length === 0 || within <= 0) return done(0);
  const until = world.monotonic() + within;
  let left = threads.length;
  let turns_left = 0;
  const drain = (name: string): void => {
    const options = { from: address('gateway', 'root'), within: Math.max(1, until - world.monotonic()) };
    bus.ask(address('thread', name), 'thread.drain', {}, options, (answer) => {
      if (!answer.ok && answer.error.code === 'overloaded' && world.monotonic() < until) {
        world.after(AGAIN_MS, () => drain(name));
        return;
      }
      left -= 1;
      if (answer.ok) turns_left += answer.body.turns_left;
      if (left === 0) done(turns_left);
    });
  };
  for (const name of threads) drain(name);
}
