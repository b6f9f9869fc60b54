// SPDX-License-Identifier: Apache-2.0
// A chat platform outside: people say things in conversations, again until they are taken; what it is sent it shows, or fails as chance has it.

import type {
  ChannelAdapter,
  ChannelInbound,
  ChannelOutbound,
  ChannelSink,
  SentMessage,
} from '../../src/channels/adapter.ts';
import { type ErrorCode, failure, SigilError } from '../../src/errors.ts';
import type { Chance } from './chance.ts';
import type { Showing, Shown } from './chat-rules.ts';
import { type Clock, EPOCH, type Life } from './clock.ts';
import { contentOf } from './contents.ts';
import type { PlannedChat, PlannedMessage } from './plan.ts';
import { CHANNEL, messageId, type Rules } from './rules.ts';

/** How long things on a platform take, in milliseconds. */
const MS = { connects: [1, 100], hands: [0, 20], answers: [1, 80], again: [20, 500] } as const;
/** For how long it may fail. */
const TROUBLE_MS = 120_000;
/** Shares of what is asked of it that come to something else than being done. */
const ODDS = { refused: 0.06, lost: 0.04, doubted: 0.05, hangs: 0.02, breaks: 0.02, unreachable: 0.1 } as const;

interface Said {
  readonly message: PlannedMessage;
  state: 'unsaid' | 'waiting' | 'handed' | 'taken';
}

interface Connection {
  readonly life: Life;
  readonly sink: ChannelSink;
  /** Conversations whose messages are on their way to it. */
  readonly handing: Set<string>;
}

type Fate = 'done' | 'refused' | 'lost' | 'doubted' | 'hangs' | 'breaks';

const failed = (code: ErrorCode, message: string, details?: Readonly<Record<string, unknown>>): SigilError =>
  new SigilError(failure(code, message, details));

export class Platform implements Showing {
  readonly shown: Shown[] = [];
  private readonly clock: Clock;
  private readonly rules: Rules;
  private readonly chance: Chance;
  private readonly chat: PlannedChat;
  /** By conversation, in the order they are said. */
  private readonly conversations = new Map<string, Said[]>();
  private connection: Connection | null = null;
  /** From then on it fails no more: what was broken is to come to its end. */
  private healed = false;

  constructor(clock: Clock, chat: PlannedChat, messages: readonly PlannedMessage[], rules: Rules, chance: Chance) {
    this.clock = clock;
    this.rules = rules;
    this.chance = chance;
    this.chat = chat;
    const theirs = messages.filter(({ mode }) => mode === 'chat').toSorted((one, other) => one.at - other.at);
    for (const message of theirs) {
      const conversation = `c${message.session}`;
      const said: Said = { message, state: 'unsaid' };
      const all = this.conversations.get(conversation) ?? [];
      this.conversations.set(conversation, all);
      all.push(said);
      clock.schedule(null, message.at, messageId(message), () => {
        said.state = 'waiting';
        this.hand(conversation);
      });
    }
  }

  /** Everything that was said is taken. */
  get settled(): boolean {
    return this.conversations.values().every((all) => all.every(({ state }) => state === 'taken'));
  }

  /** It fails no more from now on. */
  behave(): void {
    this.healed = true;
  }

  /** What one life of an I/O thread connects by. */
  adapter(life: Life): ChannelAdapter {
    const { editing, removing, dedupe, longest } = this.chat;
    let mine: Connection | null = null;
    const asked = async <T>(what: string, done: () => T): Promise<T> => await this.asked(life, () => mine, what, done);
    return {
      capabilities: {
        ...{ media: false, reactions: false, threads: false, editing, typing: true, voice: false },
        ...{ richText: 'none', maxMessageLength: longest, mediaTypes: [], dedupe },
      },
      start: (sink, { signal }) =>
        new Promise((resolve, reject) => {
          const fails = this.often(ODDS.unreachable);
          this.on(life, MS.connects, 'chat connects', () => {
            if (signal.aborted) return;
            if (fails) return reject(failed('channel_network', 'The platform cannot be reached.'));
            mine = this.connected(life, sink);
            resolve();
          });
        }),
      send: async (outbound) => await asked('send', () => this.show(outbound)),
      ...(editing && {
        edit: async (_, id, content) =>
          await asked('edit', () => {
            const there = this.shown.find((one) => one.id === id);
            if (there !== undefined) there.text = content;
          }),
      }),
      ...(removing && {
        remove: async (_, id) =>
          await asked('remove', () => {
            const there = this.shown.find((one) => one.id === id);
            if (there !== undefined) there.removed = true;
          }),
      }),
      typing: async () => undefined,
      lookup: async (_, key) =>
        await asked('lookup', () => {
          const there = this.shown.find((one) => one.key === key);
          return there === undefined ? null : { platformMessageId: there.id };
        }),
      identity: async () => null,
      stop: async () => {
        if (mine !== null) this.gone(mine);
      },
    };
  }

  /** Whether it may fail: not for ever, for what hangs takes a minute each. */
  private get trouble(): boolean {
    return !this.healed && this.clock.now < TROUBLE_MS;
  }

  private often(odds: number): boolean {
    return this.trouble && this.chance.often(odds);
  }

  private on(life: Life | null, [from, to]: readonly [number, number], what: string, run: () => void): void {
    this.clock.schedule(life, this.chance.between(from, to), what, run);
  }

  private connected(life: Life, sink: ChannelSink): Connection {
    if (this.connection !== null) this.gone(this.connection);
    const connection: Connection = { life, sink, handing: new Set() };
    this.connection = connection;
    life.atEnd(() => this.gone(connection));
    for (const conversation of this.conversations.keys()) this.hand(conversation);
    return connection;
  }

  /** What it had not been told to be taken it sends again by the next one. */
  private gone(connection: Connection): void {
    if (this.connection !== connection) return;
    this.connection = null;
    for (const all of this.conversations.values())
      for (const said of all) if (said.state === 'handed') said.state = 'waiting';
  }

  // What people say.

  private hand(conversation: string): void {
    const { connection } = this;
    if (connection === null || connection.handing.has(conversation)) return;
    connection.handing.add(conversation);
    this.on(connection.life, MS.hands, `chat ${conversation}`, () => {
      connection.handing.delete(conversation);
      for (const said of this.conversations.get(conversation) ?? []) {
        // What it is handed may be its end.
        if (this.connection !== connection) return;
        if (said.state === 'waiting') this.handOne(connection, conversation, said);
      }
    });
  }

  private handOne(connection: Connection, conversation: string, said: Said): void {
    const { life, sink } = connection;
    const { message } = said;
    said.state = 'handed';
    sink.received(inbound(conversation, message)).then(
      () => {
        if (life.dead) return;
        this.rules.taken(message);
        this.on(null, MS.answers, `chat has ${messageId(message)} taken`, () => {
          if (this.connection !== connection) return;
          said.state = 'taken';
          if (message.late !== undefined) this.repeat(message.late, conversation, message);
        });
      },
      () => {
        if (life.dead || this.connection !== connection) return;
        said.state = 'waiting';
        this.on(null, MS.again, 'chat sends again', () => this.hand(conversation));
      },
    );
    for (let more = 0; more < message.again; more += 1) this.repeat(this.chance.between(0, 30), conversation, message);
  }

  /** The same message once more, whatever became of it. */
  private repeat(ms: number, conversation: string, message: PlannedMessage): void {
    const { connection } = this;
    if (connection === null) return;
    this.clock.schedule(connection.life, ms, `chat repeats ${messageId(message)}`, () => {
      if (this.connection !== connection) return;
      connection.sink.received(inbound(conversation, message)).then(
        () => connection.life.dead || this.rules.taken(message),
        () => undefined,
      );
    });
  }

  // What it is sent.

  private show({ channelId, content, idempotencyKey: key }: ChannelOutbound): SentMessage {
    const there = this.chat.dedupe === 'window' ? this.shown.find((one) => one.key === key) : undefined;
    if (there !== undefined) return { platformMessageId: there.id };
    const id = `p-${this.shown.length + 1}`;
    this.shown.push({ key, in: channelId, id, text: content, removed: false });
    return { platformMessageId: id };
  }

  private fate(): Fate {
    if (!this.trouble) return 'done';
    const drawn = this.chance.next();
    let below = 0;
    for (const fate of ['refused', 'lost', 'doubted', 'hangs', 'breaks'] as const) {
      below += ODDS[fate];
      if (drawn < below) return fate;
    }
    return 'done';
  }

  private asked<T>(life: Life, connection: () => Connection | null, what: string, done: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const mine = connection();
      if (life.dead || mine === null || this.connection !== mine)
        return reject(failed('channel_network', 'The connection is gone.'));
      const fate = this.fate();
      const maybe = fate === 'hangs' || fate === 'breaks';
      // What it has done nobody may hear of: its answer may come to a thread that is not there any more.
      const value = fate === 'done' || fate === 'doubted' || (maybe && this.chance.often(0.5)) ? done() : undefined;
      if (fate === 'hangs') return;
      this.on(life, MS.answers, `chat answers ${what}`, () => {
        this.clock.settle = true;
        if (fate === 'done') return resolve(value as T);
        if (fate === 'refused')
          return reject(failed('rate_limited', 'Too many at once.', { retry_after_ms: 100 + this.chance.int(400) }));
        const error = failed('channel_network', 'The connection broke.');
        reject(error);
        if (fate !== 'breaks' || this.connection !== mine) return;
        this.gone(mine);
        mine.sink.lost(error);
      });
    });
  }
}

function inbound(conversation: string, message: PlannedMessage): ChannelInbound {
  return {
    messageId: `i-${message.key}`,
    dedupeKey: `message-${message.key}`,
    channelId: conversation,
    direct: true,
    sender: { platformId: `p${message.user}`, displayName: `P ${message.user}` },
    content: contentOf(message.key),
    attachments: [],
    mentionsAgent: false,
    at: EPOCH + message.at,
    metadata: { channel: CHANNEL },
  };
}
