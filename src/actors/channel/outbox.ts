// SPDX-License-Identifier: Apache-2.0
// A chat channel's outbox: takes on what is to be said, durably, and says it; each message journaled before it is sent and after.

import { type Failure, failure } from '../../errors.ts';
import {
  CHANNEL_OWING,
  type ChannelFold,
  channelCheckpointEvery,
  emptyChannel,
  evolveChannel,
  ofErased,
  packChannel,
} from '../../stores/channel-fold.ts';
import { type ChannelRecord, restoreChannel, storeChannel } from '../../stores/channel-records.ts';
import { type Outcome, StreamOwner, type StreamOwnerOptions } from '../../stores/stream-owner.ts';
import type { TurnEvent } from '../../stores/turn-events.ts';
import type { World } from '../../world.ts';
import type { DeadLetter, Say } from './chat-protocol.ts';
import { type GrowingSettings, growReply, type ReplyEffect, type ReplyInput } from './growing-reply.ts';
import { blank, conversationOf, grownOf, type Reply, ReplyQueue, restored, tell } from './reply-queue.ts';

/** What the platform is, as far as sending goes. */
export interface Platform extends GrowingSettings {
  readonly dedupe: 'none' | 'window' | 'lookup';
}

/** One message on its way to the platform. */
export interface Sending extends Pick<Reply, 'to'> {
  readonly content: string;
  /** Whether it names what it answers. */
  readonly answers: boolean;
  readonly idempotency_key: string;
}

/** `doubt`: it may have been done all the same. */
export type Refusal = { readonly ok: false; readonly error: Failure; readonly doubt: boolean };
export type SentAnswer = { readonly ok: true; readonly platform_message_id: string } | Refusal;
export type DoneAnswer = { readonly ok: true } | Refusal;

/** Where a crash test may end the process: a message is journaled, taken by the platform, and journaled to be so. */
export type OutboxPoint = 'channel.queued' | 'channel.sending' | 'channel.accepted' | 'channel.sent';

export interface OutboxPorts extends Pick<StreamOwnerOptions<ChannelFold, ChannelRecord>, 'append' | 'tail'> {
  readonly world: Pick<World, 'now' | 'monotonic' | 'after' | 'iso'>;
  /** Null while it is not known. */
  readonly platform: () => Platform | null;
  readonly send: (sending: Sending, answered: (answer: SentAnswer) => void) => void;
  readonly edit: (reply: Reply, id: string, content: string, answered: (answer: DoneAnswer) => void) => void;
  readonly remove: (reply: Reply, id: string, answered: (answer: DoneAnswer) => void) => void;
  /** The message that was sent under a key, or null. */
  readonly lookup: (
    reply: Reply,
    key: string,
    answered: (answer: { readonly ok: true; readonly found: string | null } | Refusal) => void,
  ) => void;
  readonly typing: (reply: Reply) => void;
  /** Hears a turn's events from its beginning on; the returned function ends it. */
  readonly follow: (session_id: string, turn_id: string, heard: (n: number, event: TurnEvent) => void) => () => void;
  /** Something will not be said. */
  readonly dead: (letter: DeadLetter) => void;
  readonly point: (name: OutboxPoint) => void;
}

export interface OutboxSettings {
  /** How long something is tried to be said, in milliseconds. */
  readonly max_age: number;
  /** Whether what may have been sent is sent again where the platform would show it twice. */
  readonly redeliver: () => boolean;
}

export interface OutboxState {
  readonly waiting: number;
  readonly oldest_ms: number;
  readonly sent: number;
  readonly dead_letters: number;
}

/** What may wait for one channel and for one of its conversations, and characters for the channel; more is told `overloaded`. */
const WAITING = { most: 10_000, conversation: 500, size: 64 * 1_048_576 } as const;
/** Replies that are shown while their turns run; others come when they are complete. */
const GROWING_MOST = 1_000;
/** How often is looked at what is too old, in milliseconds. */
const SWEEP_MS = 30_000;
/** Looks after which a turn that ended with nothing to say here is forgotten. */
const LOOKS = 2;
/** Pause before the journal is asked again to keep that something was given up, in milliseconds. */
const AGAIN_MS = 1_000;

export class Outbox {
  readonly #name: string;
  readonly #ports: OutboxPorts;
  readonly #settings: OutboxSettings;
  readonly #owner: StreamOwner<ChannelFold, ChannelRecord>;
  readonly #replies = new Map<string, Reply>();
  readonly #queues = new Map<string, ReplyQueue>();
  readonly #following = new Map<string, () => void>();
  #online = false;
  #stopped = false;
  #size = 0;
  #complete = 0;
  #sent = 0;
  #in_flight = 0;
  #sweep: (() => void) | null = null;
  #quiet: (() => void)[] = [];

  constructor(name: string, ports: OutboxPorts, settings: OutboxSettings) {
    this.#name = name;
    this.#ports = ports;
    this.#settings = settings;
    const { append, tail, world } = ports;
    this.#owner = new StreamOwner<ChannelFold, ChannelRecord>({
      stream: `channel/${name}`,
      workspace_id: '',
      initial: emptyChannel(),
      fresh: emptyChannel,
      evolve: evolveChannel,
      checkpoint: (state, owed) => ({ type: 'checkpoint', state: packChannel(state, owed) }),
      checkpointEvery: channelCheckpointEvery,
      owing: CHANNEL_OWING,
      store: storeChannel,
      restore: restoreChannel,
      append,
      tail,
      now: () => world.now(),
      after: (ms, run) => world.after(ms, run),
    });
  }

  /** Takes up what an earlier life of the channel has left. Told when it is known, or why it cannot be. */
  load(loaded: (error: Failure | null) => void): void {
    this.#write<readonly Reply[]>(
      ({ open }) => ({ records: [], body: [...open.values()].map(restored) }),
      (outcome) => {
        if (!outcome.ok) return loaded(outcome.error);
        for (const reply of outcome.body) this.#restore(reply);
        loaded(null);
        this.#look();
      },
    );
  }

  /** Takes on something to say; answered when it is durable. The same key again is the same. */
  take(say: Say, answered: (outcome: Outcome<{ readonly seq: number }>) => void): void {
    const full = this.#full(say);
    if (full !== null && !this.#replies.has(say.key)) return answered({ ok: false, error: full });
    this.#write<number | null>(
      ({ keys }, at) =>
        keys.has(say.key) ? { records: [], body: null } : { records: [{ type: 'reply_queued', ...say }], body: at },
      (outcome, seq) => {
        if (!outcome.ok) return answered(outcome);
        if (outcome.body !== null) this.#queued(say, outcome.body);
        this.#ports.point('channel.queued');
        answered({ ok: true, body: { seq } });
      },
    );
  }

  /** Whether something was taken on under this key: told once that is certain. */
  knows(key: string, answered: (known: Outcome<boolean>) => void): void {
    this.#write<boolean>(
      ({ keys }) => ({ records: [], body: keys.has(key) }),
      (outcome) => answered(outcome),
    );
  }

  /** A turn answers somebody here: that it runs is shown, as the platform can. */
  show(turn: Pick<Reply, 'session_id' | 'user_id' | 'to'> & { readonly turn_id: string }): void {
    const platform = this.#ports.platform();
    if (this.#stopped || platform === null || !(platform.editing || platform.typing)) return;
    const { turn_id: key, session_id, user_id, to } = turn;
    if (this.#replies.has(key) || this.#following.size >= GROWING_MOST) return;
    const reply = { ...blank({ key, kind: 'reply', session_id, user_id, to }), at: this.#ports.world.now() };
    this.#add(reply);
    this.#follow(reply);
    tell(reply, { type: 'tick' });
    this.#pump(this.#queueOf(reply));
  }

  /** The platform can be reached. */
  online(): void {
    this.#online = true;
    this.#look();
  }

  /** It cannot, until it can again: everything waits. */
  offline(): void {
    this.#online = false;
  }

  state(): OutboxState {
    const { world } = this.#ports;
    let oldest = Number.POSITIVE_INFINITY;
    for (const { complete } of this.#queues.values()) oldest = Math.min(oldest, complete[0]?.at ?? oldest);
    return {
      waiting: this.#complete,
      oldest_ms: Number.isFinite(oldest) ? Math.max(0, world.now() - oldest) : 0,
      sent: this.#sent,
      dead_letters: this.#owner.state?.dead_count ?? 0,
    };
  }

  /** The newest dead letters, newest first. */
  dead(answered: (outcome: Outcome<readonly DeadLetter[]>) => void): void {
    this.#write<readonly DeadLetter[]>(
      ({ dead }) => ({
        records: [],
        body: dead.map((one) => ({
          ...{ key: one.key, kind: one.kind, session_id: one.session_id, user_id: one.user_id },
          channel_id: one.to.channel_id,
          queued_at: this.#ports.world.iso(one.at),
          failed_at: this.#ports.world.iso(one.failed_at),
          ...{ code: one.code, message: one.message, outcome_unknown: one.outcome_unknown },
        })),
      }),
      (outcome) => answered(outcome.ok ? { ok: true, body: outcome.body.toReversed() } : outcome),
    );
  }

  /** Forgets what was said in a session, or to somebody; answered when that is durable. */
  erase(
    erased: { readonly session_id: string; readonly user_id: string },
    answered: (outcome: Outcome<{ readonly seq: number }>) => void,
  ): void {
    const theirs = ofErased(erased);
    this.#write<null>(
      ({ open }) => {
        const over = [...open.values()]
          .filter(theirs)
          .map(({ key }) => ({ type: 'reply_over', key, parts: 0 }) as const);
        return { records: [...over, { type: 'replies_erased', ...erased }], body: null };
      },
      (outcome, seq) => {
        if (!outcome.ok) return answered(outcome);
        for (const reply of [...this.#replies.values()]) if (theirs(reply)) this.#remove(reply);
        answered({ ok: true, body: { seq } });
      },
    );
  }

  /** Calls `done` once nothing is on its way to the platform, and nothing waits that could go now. */
  settled(done: () => void): void {
    this.#quiet.push(done);
    this.#tellQuiet();
  }

  stop(): void {
    this.#stopped = true;
    this.#online = false;
    this.#sweep?.();
    for (const stop of this.#following.values()) stop();
    for (const queue of this.#queues.values()) queue.rest?.();
    this.#owner.stop();
    for (const done of this.#quiet.splice(0)) done();
  }

  // Taking on.

  #full({ to, content }: Say): Failure | null {
    const conversation = this.#queues.get(conversationOf(to))?.complete.length ?? 0;
    const fits = this.#complete === 0 || this.#size + content.length <= WAITING.size;
    if (this.#complete < WAITING.most && conversation < WAITING.conversation && fits) return null;
    return failure('overloaded', `Too much waits to be said on channel/${this.#name}.`);
  }

  #queued(say: Say, at: number): void {
    if (this.#stopped) return;
    const shown = this.#replies.get(say.key);
    const reply = shown ?? blank(say);
    this.#unfollow(reply);
    Object.assign(reply, { at, content: say.content, journaled: true });
    this.#add(reply);
    tell(reply, ending(say));
    this.#pump(this.#queueOf(reply));
  }

  #restore(reply: Reply): void {
    if (this.#replies.has(reply.key)) return;
    this.#add(reply);
    if (reply.content === null) this.#follow(reply);
    else tell(reply, ending({ kind: reply.kind, content: reply.content }));
  }

  #add(reply: Reply): void {
    this.#replies.set(reply.key, reply);
    this.#queueOf(reply).add(reply);
    if (reply.content !== null) {
      this.#complete += 1;
      this.#size += reply.content.length;
    }
    this.#sweep ??= this.#ports.world.after(SWEEP_MS, () => this.#sweepOld());
  }

  #remove(reply: Reply): void {
    if (!this.#replies.delete(reply.key)) return;
    this.#unfollow(reply);
    if (reply.content !== null) {
      this.#complete -= 1;
      this.#size -= reply.content.length;
    }
    const name = conversationOf(reply.to);
    const queue = this.#queues.get(name);
    queue?.remove(reply);
    if (queue?.empty !== true || queue.busy) return;
    queue.rest?.();
    this.#queues.delete(name);
  }

  #queueOf({ to }: Pick<Reply, 'to'>): ReplyQueue {
    const name = conversationOf(to);
    const queue = this.#queues.get(name) ?? new ReplyQueue();
    this.#queues.set(name, queue);
    return queue;
  }

  #follow(reply: Reply): void {
    const { key, session_id } = reply;
    const stop = this.#ports.follow(session_id, key, (n, event) => {
      if (n <= reply.seen || reply.content !== null || this.#replies.get(key) !== reply) return;
      reply.seen = n;
      const input = inputOf(event);
      if (input === 'over') reply.ended = Math.max(reply.ended, 1);
      else if (input !== null) {
        tell(reply, input);
        this.#pump(this.#queueOf(reply));
      }
    });
    this.#following.set(key, stop);
  }

  #unfollow({ key }: Reply): void {
    this.#following.get(key)?.();
    this.#following.delete(key);
  }

  // Saying.

  #look(): void {
    for (const queue of [...this.#queues.values()]) this.#pump(queue);
    this.#tellQuiet();
  }

  /** Goes on with a conversation as far as it goes now. */
  #pump(queue: ReplyQueue): void {
    queue.rest?.();
    queue.rest = null;
    const platform = this.#ports.platform();
    if (!this.#online || platform === null) return;
    for (let more = true; more && !queue.busy; ) {
      more = false;
      const [first] = queue.complete;
      for (const reply of queue.next) {
        if (queue.busy) break;
        this.#drive(reply, platform);
      }
      // One that is over makes room for the one behind it.
      more = queue.complete[0] !== first && !queue.empty;
    }
    if (queue.busy || queue.empty) return this.#tellQuiet();
    const due = queue.due(platform);
    if (due === null) return this.#tellQuiet();
    const { world } = this.#ports;
    queue.rest = world.after(Math.max(1, due - world.monotonic()), () => this.#stopped || this.#pump(queue));
    this.#tellQuiet();
  }

  #drive(reply: Reply, platform: Platform): void {
    const queue = this.#queueOf(reply);
    grownOf(reply, this.#ports.world.monotonic(), platform);
    for (let next = reply.inbox.shift(); next !== undefined; next = reply.inbox.shift()) {
      this.#step(reply, next, platform);
      if (queue.busy || this.#replies.get(reply.key) !== reply) return;
    }
    this.#step(reply, { type: 'tick' }, platform);
  }

  #step(reply: Reply, input: ReplyInput, platform: Platform): void {
    const now = this.#ports.world.monotonic();
    const { reply: grown, effect } = growReply(grownOf(reply, now, platform), input, now, platform);
    reply.grown = grown;
    if (effect !== null) this.#perform(reply, effect, platform);
  }

  #perform(reply: Reply, effect: ReplyEffect, platform: Platform): void {
    switch (effect.type) {
      case 'typing':
        return this.#ports.typing(reply);
      case 'finish':
        return effect.outcome === 'shown' ? this.#finish(reply, effect.parts) : this.#giveUp(reply, whyNot(reply));
      case 'send':
        return this.#begin(reply, effect, platform);
      case 'edit':
        return this.#change(reply, (done) =>
          this.#ports.edit(reply, reply.ids[effect.part] ?? '', effect.content, done),
        );
      case 'remove':
        return this.#change(reply, (done) => this.#ports.remove(reply, reply.ids[effect.part] ?? '', done));
      default:
        effect satisfies never;
    }
  }

  /** Nothing of it is journaled: done twice it is the same. */
  #change(reply: Reply, make: (done: (answer: DoneAnswer) => void) => void): void {
    this.#hold(reply);
    make((answer) => this.#answered(reply, answer.ok ? { type: 'done' } : this.#refused(reply, answer)));
  }

  #begin(reply: Reply, op: Send, platform: Platform): void {
    this.#hold(reply);
    const doubted = reply.doubt?.part === op.part;
    if (!doubted) return this.#send(reply, op, false);
    if (platform.dedupe === 'lookup') {
      return this.#ports.lookup(reply, keyOf(reply, op), (answer) => {
        if (!answer.ok) return this.#answered(reply, this.#refused(reply, answer));
        if (answer.found !== null) return this.#taken(reply, op, answer.found);
        reply.doubt = null;
        this.#send(reply, op, false);
      });
    }
    if (platform.dedupe === 'window') return this.#send(reply, op, false);
    if (this.#settings.redeliver()) return this.#send(reply, op, true);
    reply.outcome_unknown = true;
    const unknown = 'It may have been sent before an interruption; `redeliver: false` says that it is not sent again.';
    this.#giveUp(reply, failure('thread_lost', unknown));
  }

  #send(reply: Reply, op: Send, again: boolean): void {
    const { key, session_id, user_id, to } = reply;
    const { part, replaces } = op;
    const record: ChannelRecord = {
      ...{ type: 'reply_sending', key, part, replaces },
      ...(reply.journaled ? {} : { growing: { session_id, user_id, to } }),
      ...(again ? { outcome_unknown: true } : {}),
    };
    this.#note(reply, [record], (error) => {
      if (error !== null) return this.#answered(reply, this.#refused(reply, { ok: false, error, doubt: false }));
      // Erased, while that was written.
      if (this.#replies.get(key) !== reply) return this.#answered(reply, { type: 'tick' });
      reply.journaled = true;
      reply.outcome_unknown ||= again;
      this.#ports.point('channel.sending');
      const content = op.content;
      const sending = { to, content, answers: part === 0 && !to.direct, idempotency_key: keyOf(reply, op) };
      this.#ports.send(sending, (answer) => {
        if (this.#stopped) return;
        if (answer.ok) {
          this.#ports.point('channel.accepted');
          return this.#taken(reply, op, answer.platform_message_id);
        }
        const input = this.#refused(reply, answer);
        if (answer.doubt) {
          reply.doubt = { part };
          return this.#answered(reply, input);
        }
        reply.doubt = null;
        // What comes next is journaled as the end of it.
        if (!answer.error.retryable) return this.#answered(reply, input);
        const { code } = answer.error;
        this.#note(reply, [{ type: 'reply_refused', key, part, code }], () => this.#answered(reply, input));
      });
    });
  }

  #taken(reply: Reply, op: Send, id: string): void {
    const { key, grown } = reply;
    const { part, replaces } = op;
    const { world } = this.#ports;
    const platform = this.#ports.platform();
    // Known beforehand where it was the last: then that goes with it.
    const next =
      grown === null || platform === null ? null : growReply(grown, { type: 'done' }, world.monotonic(), platform);
    const over = next?.effect?.type === 'finish' && next.effect.outcome === 'shown' ? next.effect.parts : null;
    const sent: ChannelRecord = { type: 'reply_sent', key, part, replaces, platform_message_id: id };
    reply.ids[part] = id;
    reply.doubt = null;
    reply.over = over !== null;
    this.#sent += 1;
    this.#note(reply, over === null ? [sent] : [sent, { type: 'reply_over', key, parts: over }], (error) => {
      // It was said; that nobody will know of it may mean that it is said twice, not that it is lost.
      if (error !== null) reply.over = false;
      this.#ports.point('channel.sent');
      this.#answered(reply, { type: 'done' });
    });
  }

  #finish(reply: Reply, parts: number): void {
    const { key } = reply;
    const noted = reply.over || !reply.journaled;
    this.#remove(reply);
    if (!noted) this.#note(reply, [{ type: 'reply_over', key, parts }], () => undefined);
  }

  #giveUp(reply: Reply, { code, message }: Failure): void {
    this.#hold(reply);
    const { key, outcome_unknown } = reply;
    this.#note(reply, [{ type: 'reply_failed', key, code, message, outcome_unknown }], (error) => {
      const { world } = this.#ports;
      if (error !== null) {
        world.after(AGAIN_MS, () => {
          if (!this.#stopped && this.#replies.get(key) === reply) this.#giveUp(reply, { ...error, code, message });
        });
        return;
      }
      const { kind, session_id, user_id, to, at } = reply;
      const [queued_at, failed_at] = [world.iso(at), world.iso(world.now())];
      const letter = { key, kind, session_id, user_id, channel_id: to.channel_id, queued_at, failed_at };
      this.#ports.dead({ ...letter, code, message, outcome_unknown });
      const queue = this.#free(reply);
      this.#remove(reply);
      this.#pump(queue);
    });
  }

  #refused(reply: Reply, { error, doubt }: Refusal): ReplyInput {
    reply.last_error = error;
    const after = error.details?.['retry_after_ms'];
    return {
      type: 'refused',
      retryable: doubt || error.retryable,
      ...(typeof after === 'number' ? { retry_after: Math.max(0, after) } : {}),
    };
  }

  /** What was asked of the platform has come back. */
  #answered(reply: Reply, input: ReplyInput): void {
    if (this.#stopped) return;
    const queue = this.#free(reply);
    const platform = this.#ports.platform();
    if (this.#replies.get(reply.key) === reply) {
      if (platform === null) reply.inbox.unshift(input);
      else this.#step(reply, input, platform);
    }
    if (queue.empty && !queue.busy) this.#queues.delete(conversationOf(reply.to));
    this.#pump(queue);
  }

  #hold(reply: Reply): void {
    const queue = this.#queueOf(reply);
    if (queue.busy) return;
    queue.busy = true;
    this.#in_flight += 1;
  }

  #free(reply: Reply): ReplyQueue {
    const queue = this.#queueOf(reply);
    if (queue.busy) this.#in_flight -= 1;
    queue.busy = false;
    return queue;
  }

  #note(reply: Reply, records: readonly ChannelRecord[], noted: (error: Failure | null) => void): void {
    this.#write<null>(
      // It may have been erased meanwhile.
      ({ open }) => ({ records: open.has(reply.key) || !reply.journaled ? records : [], body: null }),
      (outcome) => {
        if (!this.#stopped) noted(outcome.ok ? null : outcome.error);
      },
    );
  }

  #write<T>(
    decide: (state: ChannelFold, at: number) => { readonly records: readonly ChannelRecord[]; readonly body: T },
    answered: (outcome: Outcome<T>, seq: number) => void,
  ): void {
    this.#owner.submit<T>(
      (state, at) => ({ ok: true, ...decide(state, at) }),
      (outcome) => {
        if (outcome.ok) answered({ ok: true, body: outcome.body.body }, outcome.body.seq);
        else answered(outcome, 0);
      },
    );
  }

  // What nobody waits for any more.

  #sweepOld(): void {
    this.#sweep = null;
    if (this.#stopped) return;
    const now = this.#ports.world.now();
    for (const reply of [...this.#replies.values()]) {
      const old = now - reply.at >= this.#settings.max_age;
      if (reply.content !== null) {
        if (old && !this.#queueOf(reply).busy) this.#giveUp(reply, tooOld(reply));
      } else if (old || reply.ended > LOOKS) this.#finish(reply, reply.ids.length);
      else if (reply.ended > 0) reply.ended += 1;
    }
    if (this.#replies.size > 0) this.#sweep = this.#ports.world.after(SWEEP_MS, () => this.#sweepOld());
  }

  #tellQuiet(): void {
    if (this.#quiet.length === 0 || (this.#online && (this.#in_flight > 0 || !this.#owner.idle))) return;
    for (const done of this.#quiet.splice(0)) done();
  }
}

type Send = Extract<ReplyEffect, { type: 'send' }>;

/** What a message is known by to the platform, the same however often it is sent. */
function keyOf({ key }: Reply, { part, replaces }: Send): string {
  return replaces === 0 ? `${key}:${part}` : `${key}:${part}.${replaces}`;
}

function ending({ kind, content }: Pick<Say, 'kind' | 'content'>): ReplyInput {
  return kind === 'failure' ? { type: 'failed', say: content } : { type: 'finished', content };
}

function inputOf(event: TurnEvent): ReplyInput | 'over' | null {
  switch (event.event) {
    case 'text_delta':
      return { type: 'text', text: event.data.text };
    case 'turn_restarted':
      return { type: 'restarted' };
    case 'tool_call':
      return { type: 'tool' };
    case 'approval_requested':
      return { type: 'waits' };
    case 'done':
    case 'error':
      return 'over';
    default:
      return null;
  }
}

function whyNot({ last_error }: Reply): Failure {
  return last_error ?? failure('internal', 'The platform did not take it.');
}

function tooOld({ last_error }: Reply): Failure {
  const why = last_error === null ? '' : ` ${last_error.message}`;
  return failure('deadline_exceeded', `It could not be sent in its time (outbox.max_age).${why}`);
}
