// SPDX-License-Identifier: Apache-2.0
// One chat channel: its chart with its connection, what comes in by it and what goes out.

import { admit } from '../actors/channel/admit.ts';
import { ChatHouse, type HousePorts } from '../actors/channel/chat-house.ts';
import { type ChatEffect, type ChatEvent, chatMachine } from '../actors/channel/chat-machine.ts';
import type { ChatSettings, ChatStatus } from '../actors/channel/chat-protocol.ts';
import { channelDoor } from '../actors/channel/door.ts';
import { Inlet } from '../actors/channel/inlet.ts';
import { Outbox } from '../actors/channel/outbox.ts';
import { startMachineActor } from '../actors/machine-actor.ts';
import { type Address, address } from '../bus/address.ts';
import { placement, threadNames } from '../bus/layout.ts';
import type { Config } from '../config/schema.ts';
import { ERRORS, type Failure, failure } from '../errors.ts';
import { packAppendOf } from '../stores/remote/append-wire.ts';
import { unpackTail } from '../stores/remote/tail-wire.ts';
import type { Supervised } from './actors.ts';
import type { MakeAdapter } from './channel-adapters.ts';
import { ChannelConnection } from './channel-connection.ts';
import type { ChatTurns } from './chat-turns.ts';
import type { ThreadContext } from './context.ts';
import { housePorts } from './house-ports.ts';
import { keptByChannel } from './kept-by-channels.ts';
import { type MessageFilesOptions, messageFiles } from './message-files.ts';
import { routingOf } from './routing.ts';
import { followTurns } from './turn-following.ts';

export type Entry = Config['channels'][string];

/** How long a session may take to make a message durable, in milliseconds; it is asked again. */
const DELIVER_WITHIN = 30_000;
/** How long the journal may take. A slow disk is waited for; a lost thread is told at once. */
const JOURNAL_WITHIN = 60_000;
/** Pause before the journal is asked again for what a channel is still to say. */
const LOAD_AGAIN = 1_000;
/** How long a channel is to be online for its losses to be forgotten. */
const STEADY_MS = 60_000;
/** How long another channel may take to take on what somebody is told there, in milliseconds. */
const NOTICE_WITHIN = 15_000;
/** How often it is logged that strangers are not heard, in milliseconds. */
const UNHEARD_EVERY = 60_000;
/** How long a connection that is to be made anew is kept for what is on its way to the platform, in milliseconds. */
const SETTLE_WITHIN = 20_000;
/** How long a channel that is taken out stays for the answers of turns it began, and how often it looks, in milliseconds. */
const RETIRE_WITHIN = 30_000;
const RETIRE_LOOK = 50;
/** Turns of which a channel knows that they have no answer yet. */
const OPEN_MOST = 1_024;
/** How long a platform's request may take that did not say. */
const WEBHOOK_WITHIN = 10_000;

export interface ChatChannelParts {
  readonly context: ThreadContext;
  readonly name: string;
  readonly entry: Entry;
  readonly make: MakeAdapter;
  readonly turns: ChatTurns;
  readonly kept: Pick<MessageFilesOptions, 'taking' | 'files'>;
  readonly fault: (whose: Address, error: Failure) => void;
}

export interface ChatChannel extends Supervised {
  /** Takes no messages any more; `done` once nothing is on its way out that could go now. */
  settled(done: () => void): void;
  /**
   * Takes no messages any more; `done` once it has said what the turns come to that it began, as far as it can and within
   * half a minute. What is left then is durable.
   */
  retire(done: () => void): void;
  /** What is left to be said is for its next life, which is waited for: only what is on its way comes to its end. */
  hurry(): void;
  /** How much it has still to say. */
  waiting(): number;
  /** Once it is stopped: ends when nothing is left of its connection, or what is left is left alone. */
  ended(): Promise<void>;
}

export function startChatChannel({
  context,
  name,
  entry: first,
  make,
  turns,
  kept,
  fault,
}: ChatChannelParts): ChatChannel {
  const { bus, world, residents, secrets, log, house } = context;
  const self = address('channel', name);
  const names = threadNames(house.layout);
  const place = placement(house.layout);
  const laneOf = (session: Address): string => names[place(session)] ?? '';
  const root = address('gateway', 'root');
  const journal = address('store', 'journal');
  const what = `channels.${name}`;
  const type = first.type ?? name;
  const hide = (text: string): string => secrets.redactor.text(text);
  const routing = routingOf(house, context.directory);
  let entry = first;
  let door = channelDoor(name, entry);
  const notify: HousePorts['notify'] = ({ channel, channel_id, user_id }, key, content) => {
    const to = { channel_id, message_id: '', direct: true };
    const say = { key, kind: 'notice', session_id: '', user_id, to, content } as const;
    bus.ask(address('channel', channel), 'channel.deliver', say, { from: self, within: NOTICE_WITHIN }, (answer) => {
      if (!answer.ok) log('warn', { channel, user_id, error: answer.error }, 'somebody could not be told of a request');
    });
  };
  let unheard_at = Number.NEGATIVE_INFINITY;
  const unheard = (error: Failure): void => {
    if (world.monotonic() - unheard_at < UNHEARD_EVERY) return;
    unheard_at = world.monotonic();
    log('warn', { channel: name, error }, 'strangers are not heard: there is no room for more of them');
  };
  const chatPorts = housePorts(context, self, notify, unheard);
  const chatHouse = new ChatHouse(door, chatPorts);
  let draining = false;
  let stopped = false;
  const ends = new AbortController();
  let since = world.now();
  let cancelTimer = (): void => undefined;
  let said_failed = false;
  /** Turns that it began and has not the answer of; past the bound it forgets which came first. */
  const open = new Set<string>();
  let settling = 0;
  let leaving = false;
  /** Ends what waits for it to have said what it can. */
  let retired = (): void => undefined;
  let hurry = (): void => undefined;
  let hurried = false;

  const position = keptByChannel(house.data_dir, name, (error) =>
    log(
      'warn',
      { channel: name, error },
      'how far a channel came could not be kept: what a crash cuts off may be lost',
    ),
  );
  const connection = new ChannelConnection({
    ...{ name, type, world, hide },
    make: (of) => make(type, of, { world, kept: position, resolve: (written) => secrets.resolve(written) }),
    connected: () => send({ type: 'connected' }),
    lost: (error) => send({ type: 'lost', error, at: world.now(), chance: world.random() }),
    received: (message, done) => inlet.receive(message, done),
    odd: (error, doing) => log('warn', { channel: name, doing, error }, 'an adapter did not behave'),
  });
  const outbox = new Outbox(
    name,
    {
      world,
      append: (append, answered) =>
        bus.ask(
          journal,
          'journal.append',
          packAppendOf(append, (record) => record),
          { from: self, within: JOURNAL_WITHIN },
          answered,
        ),
      tail: (stream, answered) =>
        bus.ask(journal, 'journal.tail', { stream }, { from: self, within: JOURNAL_WITHIN }, (answer) =>
          answered(answer.ok ? { ok: true, body: unpackTail(answer.body) } : answer),
        ),
      platform: () => connection.platform,
      send: ({ key, to, content, answers, idempotency_key }, answered) => {
        turns.said(key);
        connection.send(
          {
            channelId: to.channel_id,
            ...(to.thread_id === undefined ? {} : { threadId: to.thread_id }),
            ...(answers && to.message_id !== '' ? { replyTo: to.message_id } : {}),
            content,
            attachments: [],
            idempotencyKey: idempotency_key,
          },
          answered,
        );
      },
      edit: ({ to }, id, content, answered) => connection.edit(to.channel_id, id, content, answered),
      remove: ({ to }, id, answered) => connection.remove(to.channel_id, id, answered),
      lookup: ({ to }, key, answered) => connection.lookup(to.channel_id, key, answered),
      typing: ({ to }) => connection.typing(to.channel_id, to.thread_id),
      follow: followTurns(context, self),
      dead: (letter) =>
        log(
          'error',
          { channel: name, session_id: letter.session_id, letter: { ...letter } },
          'something could not be said and is given up',
        ),
      point: context.point,
    },
    {
      get max_age() {
        return house.config.outbox.max_age;
      },
      redeliver: () => entry.redeliver,
    },
  );
  const inlet = new Inlet(name, {
    world,
    admit: (message) => admit(message, door, routing()),
    files: messageFiles({ context, from: self, ...kept, signal: ends.signal }),
    deliver: (session_id, deliver, share, answered) => {
      const session = address('session', session_id);
      turns.pass(
        laneOf(session),
        share,
        (began) =>
          bus.ask(session, 'session.deliver', deliver, { from: self, within: DELIVER_WITHIN }, (answer) => {
            began(answer.ok && answer.body.status !== 'ended' ? answer.body.turn_id : null);
            answered(answer);
          }),
        (error) => answered({ ok: false, error }),
      );
    },
    settle: (admission, message, answered) => chatHouse.settle(admission, message, answered),
    say: (say, answered) => outbox.take(say, answered),
    said: (key, answered) => outbox.knows(key, answered),
    began: ({ session_id, turn_id, status }, admitted, to) => {
      chatHouse.learn(admitted);
      if (status === 'ended') return;
      for (const oldest of open) {
        if (open.size < OPEN_MOST) break;
        open.delete(oldest);
      }
      open.add(turn_id);
      outbox.show({ session_id, turn_id, user_id: admitted.user_id, to });
    },
    draining: () => draining,
    point: context.point,
  });
  const load = (): void => {
    outbox.load((error) => {
      if (error === null || stopped) return;
      log('error', { channel: name, error }, 'what a channel is still to say cannot be read; it is tried again');
      world.after(LOAD_AGAIN, () => stopped || load());
    });
  };

  const perform = (effect: ChatEffect): void => {
    switch (effect.type) {
      case 'connect':
        cancelTimer();
        // Not at once: a thread that starts is ready first.
        return world.soon(() => stopped || connection.connect(effect.entry));
      case 'disconnect':
        cancelTimer();
        return connection.disconnect();
      case 'wait':
        cancelTimer();
        connection.disconnect();
        log('warn', { channel: name, retry_in_ms: effect.ms }, 'a channel lost its connection');
        cancelTimer = world.after(effect.ms, () => stopped || send({ type: 'retry' }));
        return;
      case 'settle': {
        cancelTimer();
        settling += 1;
        const mine = settling;
        const settled = (): void => {
          if (mine !== settling) return;
          settling += 1;
          cancelTimer();
          send({ type: 'settled' });
        };
        cancelTimer = world.after(SETTLE_WITHIN, settled);
        return outbox.still(settled);
      }
      case 'online':
        log('info', { channel: name, type }, 'a channel is online');
        cancelTimer();
        cancelTimer = world.after(STEADY_MS, () => stopped || send({ type: 'steady' }));
        return outbox.online();
      case 'offline':
        return outbox.offline();
      case 'failed': {
        const { code, message } = effect.error;
        log('error', { channel: name, error: effect.error }, 'a channel failed');
        // Of one that is taken out nobody needs to see that it failed.
        if (leaving) return;
        said_failed = true;
        bus.send(root, 'gateway.quarantine', { what, code, message, advice: adviceOf(name, code) }, { from: self });
        return;
      }
      case 'released':
        if (said_failed) bus.send(root, 'gateway.released', { what }, { from: self });
        said_failed = false;
        return;
      case 'ask':
        return answer(effect);
      default:
        return;
    }
  };

  const answer = ({ asked, state, seen }: Extract<ChatEffect, { type: 'ask' }>): void => {
    const { envelope: to } = asked;
    switch (asked.type) {
      case 'channel.deliver':
        turns.answered(asked.body.key);
        open.delete(asked.body.key);
        return outbox.take(asked.body, (outcome) =>
          outcome.ok ? bus.reply(to, outcome.body) : bus.fail(to, outcome.error),
        );
      case 'channel.status': {
        const { received, refused } = inlet;
        return bus.reply(to, { name, type, state: draining ? 'draining' : state, received, refused });
      }
      case 'channel.chat_status':
        return bus.reply(to, statusOf(state, seen));
      case 'channel.dead_letters':
        return outbox.dead((outcome) =>
          outcome.ok ? bus.reply(to, { items: outcome.body }) : bus.fail(to, outcome.error),
        );
      case 'channel.erase':
        return outbox.erase(asked.body, (outcome) =>
          outcome.ok ? bus.reply(to, outcome.body) : bus.fail(to, outcome.error),
        );
      case 'channel.webhook': {
        const within = to.deadline === undefined ? WEBHOOK_WITHIN : Math.max(1, to.deadline - world.now());
        return connection.webhook(asked.body, within, (response) =>
          'code' in response ? bus.fail(to, response) : bus.reply(to, response),
        );
      }
      default:
        bus.fail(to, failure('internal', `A channel does not understand ${asked.type}.`));
    }
  };

  const statusOf = (state: ChatStatus['state'], seen: Extract<ChatEffect, { type: 'ask' }>['seen']): ChatStatus => {
    const { last_error, retry_at } = seen;
    const { waiting, oldest_ms, sent, dead_letters } = outbox.state();
    const error = last_error === null ? null : last_error.error;
    return {
      ...{ name, type, state, since: world.iso(since), received: inlet.received, refused: inlet.refused },
      ...{ sent, waiting, oldest_ms, dead_letters },
      last_error:
        error === null ? null : { code: error.code, message: error.message, at: world.iso(last_error?.at ?? since) },
      retry_at: retry_at === null ? null : world.iso(retry_at),
      advice: state === 'failed' && error !== null ? adviceOf(name, error.code) : null,
    };
  };

  const settings: ChatSettings = { ok: true, entry: { ...entry } };
  const actor = startMachineActor<ChatEffect>({
    address: self,
    parent: root,
    machine: chatMachine,
    input: { name, type, settings },
    world,
    residents,
    bus,
    fault,
    context: (inner) => {
      // What is set may hold secrets.
      const { settings: _, ...rest } = inner as Readonly<Record<string, unknown>>;
      return { ...rest, ...outbox.state(), received: inlet.received, refused: inlet.refused };
    },
    perform,
  });
  /** Told after the step that is being taken. */
  const send = (event: ChatEvent): void => {
    if (stopped) return;
    const before = actor.state();
    actor.send(event);
    if (actor.state() !== before) since = world.now();
  };
  load();
  return {
    ...actor,
    receive: (envelope) => {
      if (envelope.type === 'channel.drain') draining = true;
      if (envelope.type === 'channel.configure') {
        const { body } = envelope as { readonly body: ChatSettings };
        if (body.ok) {
          entry = body.entry as Entry;
          door = channelDoor(name, entry);
          chatHouse.configure(door);
        }
      }
      const before = actor.state();
      actor.receive(envelope);
      if (actor.state() !== before) since = world.now();
    },
    settled: (done) => {
      draining = true;
      outbox.settled(done);
    },
    retire: (done) => {
      draining = true;
      leaving = true;
      let over = false;
      const late = world.after(RETIRE_WITHIN, () => retired());
      let stopLooking = (): void => undefined;
      retired = () => {
        if (over) return;
        over = true;
        late();
        stopLooking();
        done();
      };
      const look = (): void => {
        // Where nothing can be said nothing is waited for: what comes is the lanes' to keep.
        if (actor.state() !== 'online') return retired();
        if (hurried) return outbox.still(retired);
        if (inlet.idle && open.size === 0) return outbox.settled(retired);
        stopLooking = world.after(RETIRE_LOOK, look);
      };
      hurry = () => {
        hurried = true;
        stopLooking();
        look();
      };
      if (stopped) retired();
      else look();
    },
    hurry: () => hurry(),
    waiting: () => outbox.state().waiting,
    ended: () => connection.ended(),
    stop: () => {
      stopped = true;
      ends.abort();
      cancelTimer();
      inlet.stop();
      outbox.stop();
      connection.disconnect();
      actor.stop();
      retired();
    },
  };
}

function adviceOf(name: string, code: Failure['code']): string {
  // What is wrong there is in the configuration, not in a request.
  const advice = code === 'validation_failed' ? `Correct \`channels.${name}\`.` : ERRORS[code].advice;
  return `${advice} Then \`sigil channel start ${name}\` connects again.`;
}
