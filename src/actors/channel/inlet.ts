// SPDX-License-Identifier: Apache-2.0
// What a platform brings on its way to its session: one at a time in each conversation, bounded, told as taken only once durable.

import type { ChannelInbound, InboundAttachment } from '../../channels/adapter.ts';
import { type ErrorCode, type Failure, failure, toFailure } from '../../errors.ts';
import type { Attachment } from '../../stores/attachments.ts';
import type { ReplyTo } from '../../stores/reply-to.ts';
import type { Outcome } from '../../stores/stream-owner.ts';
import type { World } from '../../world.ts';
import type { Deliver, Delivered } from '../session/protocol.ts';
import type { Admission, Admitted } from './admission.ts';
import type { HouseAnswer } from './chat-house.ts';
import type { Say } from './chat-protocol.ts';
import type { Placed } from './place.ts';
import { conversationOf } from './reply-queue.ts';

/** Where a crash test may end the process: a message came, and its session has it. */
export type InletPoint = 'channel.received' | 'channel.delivered';

/** The files of one message, on the disk. */
export interface KeptFiles {
  readonly attachments: readonly Attachment[];
  /** The message was not taken: they go. Nobody waits for it. */
  readonly discard: () => void;
}

export interface InletPorts {
  readonly world: Pick<World, 'after' | 'random' | 'monotonic'>;
  readonly admit: (message: ChannelInbound) => Admission;
  /**
   * Keeps a message's files where it will be; answered when they are durable. A file that cannot be had does not fail it; what
   * fails is that nothing can be kept.
   */
  readonly files: (
    placed: Placed,
    found: readonly InboundAttachment[],
    answered: (kept: Outcome<KeptFiles>) => void,
  ) => void;
  /** Hands a message to its session when it is its share's turn; answered when it is durable. */
  readonly deliver: (
    session_id: string,
    deliver: Deliver,
    share: string,
    answered: (answer: Outcome<Delivered>) => void,
  ) => void;
  /** Does what is no message for a session. Asked again with the same message after a crash, it does the same. */
  readonly settle: (
    admission: Exclude<Admission, { readonly kind: 'deliver' | 'ignore' }>,
    message: ChannelInbound,
    answered: (answer: HouseAnswer) => void,
  ) => void;
  /** Takes on what a person is told, durably. */
  readonly say: (say: Say, answered: (outcome: Outcome<unknown>) => void) => void;
  /** Whether something was taken on under a key. */
  readonly said: (key: string, answered: (known: Outcome<boolean>) => void) => void;
  /** A message is in its session, and a turn answers it. */
  readonly began: (delivered: Delivered, admitted: Admitted, to: ReplyTo) => void;
  readonly draining: () => boolean;
  readonly point: (name: InletPoint) => void;
}

/** Messages that may be on their way at once, as an adapter is told; more find `overloaded`. */
export const INLET_MOST = 256;
/** How long a session is asked again before the platform has to send it again, in milliseconds. */
const ASK_FOR = 20_000;
/** First and longest pause in between. */
const PAUSE = { first: 100, longest: 2_000 } as const;
/** How often somebody may turn out to be known after all. */
const LOOKS_MOST = 5;
/** Pause before somebody is looked up again who was just made known, in milliseconds, doubled each time. */
const LOOK_PAUSE = 10;

/** Refusals of a message that no session has. */
const NOT_TAKEN: ReadonlySet<ErrorCode> = new Set(['input_blocked', 'forbidden', 'not_a_member', 'not_found']);
const NO_FILES: KeptFiles = { attachments: [], discard: () => undefined };

type Delivering = Extract<Admission, { readonly kind: 'deliver' }>;

interface Coming {
  readonly message: ChannelInbound;
  readonly done: (error: Failure | null) => void;
}

/**
 * A message waits for those before it in its conversation: they are taken in the order they were said. Where one is not
 * taken, those that wait behind it are not either, so that the platform sends all of them again in their order.
 */
export class Inlet {
  readonly #name: string;
  readonly #ports: InletPorts;
  readonly #waiting = new Map<string, Coming[]>();
  #count = 0;
  #stopped = false;
  received = 0;
  refused = 0;

  /** @param name of the channel: messages are told apart by it and by their own keys */
  constructor(name: string, ports: InletPorts) {
    this.#name = name;
    this.#ports = ports;
  }

  /** A message came; `done` with null once it is durable, else with why it was not taken. */
  receive(message: ChannelInbound, done: (error: Failure | null) => void): void {
    const { draining } = this.#ports;
    if (this.#stopped || draining()) {
      this.refused += 1;
      return done(failure('draining', `channel/${this.#name} takes no messages now.`));
    }
    if (this.#count >= INLET_MOST) {
      this.refused += 1;
      return done(failure('overloaded', `channel/${this.#name} has too many messages on their way.`));
    }
    this.#count += 1;
    const name = conversationOf(placeOf(message));
    const waiting = this.#waiting.get(name);
    const coming = { message, done };
    if (waiting !== undefined) return void waiting.push(coming);
    const queue = [coming];
    this.#waiting.set(name, queue);
    this.#next(name, queue);
  }

  /** Whether nothing is on its way in. */
  get idle(): boolean {
    return this.#count === 0;
  }

  stop(): void {
    this.#stopped = true;
    const error = failure('draining', `channel/${this.#name} ends.`);
    for (const queue of this.#waiting.values()) for (const { done } of queue.splice(0)) done(error);
    this.#waiting.clear();
  }

  #next(name: string, queue: Coming[]): void {
    const [coming] = queue;
    if (coming === undefined) return void this.#waiting.delete(name);
    this.#ports.point('channel.received');
    this.#take(coming.message, LOOKS_MOST, (error) => {
      if (this.#stopped) return;
      const over = error === null ? [queue.shift()] : queue.splice(0);
      for (const one of over) {
        if (one === undefined) continue;
        this.#count -= 1;
        if (error === null) {
          this.received += 1;
          this.#ports.point('channel.delivered');
        } else this.refused += 1;
        one.done(error);
      }
      this.#next(name, queue);
    });
  }

  #take(message: ChannelInbound, looks: number, done: Coming['done']): void {
    let admission: Admission;
    try {
      admission = this.#ports.admit(message);
    } catch (thrown) {
      return done(toFailure(thrown));
    }
    switch (admission.kind) {
      case 'ignore':
        return done(null);
      case 'deliver':
        return this.#deliver(admission, message, done);
      default:
        return this.#settle(admission, message, looks, done);
    }
  }

  /** Its files first: who takes it is to find them. */
  #deliver(admission: Delivering, message: ChannelInbound, done: Coming['done']): void {
    const { attachments } = message;
    if (attachments.length === 0) return this.#hand(admission, message, NO_FILES, done);
    this.#ports.files(admission.placed, attachments, (kept) => {
      if (this.#stopped) return;
      if (kept.ok) this.#hand(admission, message, kept.body, done);
      else done(kept.error);
    });
  }

  #hand(
    { placed, admitted }: Delivering,
    message: ChannelInbound,
    { attachments, discard }: KeptFiles,
    done: Coming['done'],
  ): void {
    const { world, deliver, began } = this.#ports;
    const to = placeOf(message);
    const until = world.monotonic() + ASK_FOR;
    const files = attachments.length === 0 ? {} : { attachments };
    const body: Deliver = { ...placed.deliver, ...files, reply_to: to };
    const ask = (pause: number): void => {
      deliver(placed.session_id, body, placed.share, (answer) => {
        if (this.#stopped) return;
        if (answer.ok) {
          began(answer.body, admitted, to);
          return done(null);
        }
        const { error } = answer;
        // What may have been taken all the same keeps its files.
        if (NOT_TAKEN.has(error.code)) discard();
        if (!error.retryable) return this.#tell(message, admitted.user_id, refusalText(error), done);
        if (world.monotonic() >= until) return done(error);
        world.after(pause * (0.5 + world.random()), () => this.#stopped || ask(Math.min(PAUSE.longest, pause * 2)));
      });
    };
    ask(PAUSE.first);
  }

  #settle(
    admission: Exclude<Admission, { kind: 'deliver' | 'ignore' }>,
    message: ChannelInbound,
    looks: number,
    done: Coming['done'],
  ): void {
    const { world } = this.#ports;
    const user_id = admission.kind === 'command' ? admission.admitted.user_id : '';
    // What was answered was done: a message that comes again must not do it again.
    this.#ports.said(this.#keyOf(message), (known) => {
      if (!known.ok) return done(known.error);
      if (known.body) return done(null);
      this.#ports.settle(admission, message, (answer) => {
        if (this.#stopped) return;
        if (!answer.ok) {
          return answer.error.retryable
            ? done(answer.error)
            : this.#tell(message, user_id, refusalText(answer.error), done);
        }
        if (!('again' in answer)) return this.#tell(message, answer.user_id ?? user_id, answer.say, done);
        const pause = LOOK_PAUSE * 2 ** (LOOKS_MOST - looks);
        if (looks > 0) return void world.after(pause, () => this.#stopped || this.#take(message, looks - 1, done));
        done(failure('overloaded', `channel/${this.#name} does not know yet who this is.`));
      });
    });
  }

  #tell(message: ChannelInbound, user_id: string, content: string | null, done: Coming['done']): void {
    if (content === null) return done(null);
    const say: Say = {
      ...{ key: this.#keyOf(message), kind: 'notice', session_id: '' },
      ...{ user_id, to: placeOf(message), content },
    };
    this.#ports.say(say, (outcome) => done(outcome.ok ? null : outcome.error));
  }

  /** What is said to a message that is none for a session is known by. */
  #keyOf({ dedupeKey }: ChannelInbound): string {
    return `${this.#name}:${dedupeKey}`;
  }
}

function placeOf({ channelId, threadId, messageId, direct }: ChannelInbound): ReplyTo {
  return {
    channel_id: channelId,
    ...(threadId === undefined ? {} : { thread_id: threadId }),
    ...{ message_id: messageId, direct },
  };
}

function refusalText({ message }: Failure): string {
  return `This was not taken: ${message}`;
}
