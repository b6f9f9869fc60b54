// SPDX-License-Identifier: Apache-2.0
// A chat channel's outbox: takes on what is to be said, durably, and says it; each message journaled before it is sent and after.

import { type Failure, failure } from '../../errors.ts';
import { ofErased } from '../../stores/channel-fold.ts';
import type { Outcome } from '../../stores/stream-owner.ts';
import type { DeadLetter, Say } from './chat-protocol.ts';
import { growReply, type ReplyEffect, type ReplyInput } from './growing-reply.ts';
import { AGAIN_MS, OutboxJournal } from './outbox-journal.ts';
import type { OutboxPorts, OutboxSettings, OutboxState, Platform } from './outbox-ports.ts';
import { blank, conversationOf, grownOf, type Reply, ReplyQueue, tell } from './reply-queue.ts';
import { ReplySender } from './reply-sender.ts';
import { ShownTurns } from './shown-turns.ts';

/** What may wait for one channel and for one of its conversations, and characters for the channel; more is told `overloaded`. */
const WAITING = { most: 10_000, conversation: 500, size: 64 * 1_048_576 } as const;
/** How often is looked at what is too old, in milliseconds. */
const SWEEP_MS = 30_000;
/** Looks after which a turn that ended with nothing to say here is forgotten. */
const LOOKS = 2;

export class Outbox {
  readonly #name: string;
  readonly #ports: OutboxPorts;
  readonly #settings: OutboxSettings;
  readonly #journal: OutboxJournal;
  readonly #sender: ReplySender;
  readonly #shown: ShownTurns;
  readonly #replies = new Map<string, Reply>();
  readonly #queues = new Map<string, ReplyQueue>();
  #online = false;
  #stopped = false;
  #size = 0;
  #complete = 0;
  #sent = 0;
  #in_flight = 0;
  #sweep: (() => void) | null = null;
  #quiet: (() => void)[] = [];
  #still: (() => void)[] = [];

  constructor(name: string, ports: OutboxPorts, settings: OutboxSettings) {
    this.#name = name;
    this.#ports = ports;
    this.#settings = settings;
    this.#journal = new OutboxJournal(name, ports, () => this.#tellQuiet());
    const owner = {
      stopped: () => this.#stopped,
      alive: (reply: Reply) => this.#replies.get(reply.key) === reply,
      hold: (reply: Reply) => this.#hold(reply),
      answered: (reply: Reply, input: ReplyInput) => this.#answered(reply, input),
      giveUp: (reply: Reply, why: Failure) => this.#giveUp(reply, why),
      sent: () => {
        this.#sent += 1;
      },
    };
    this.#sender = new ReplySender(owner, ports, this.#journal, settings);
    this.#shown = new ShownTurns(ports.follow);
  }

  /** Takes up what an earlier life of the channel has left. Told when it is known, or why it cannot be. */
  load(loaded: (error: Failure | null) => void): void {
    this.#journal.open((outcome) => {
      if (!outcome.ok) return loaded(outcome.error);
      for (const reply of outcome.body) this.#restore(reply);
      loaded(null);
      this.#look();
    });
  }

  /** Takes on something to say; answered when it is durable. The same key again is the same. */
  take(say: Say, answered: (outcome: Outcome<{ readonly seq: number }>) => void): void {
    const full = this.#full(say);
    if (full !== null && !this.#replies.has(say.key)) return answered({ ok: false, error: full });
    this.#journal.queue(say, (outcome, seq) => {
      if (!outcome.ok) return answered(outcome);
      if (outcome.body !== null) this.#queued(say, outcome.body);
      this.#ports.point('channel.queued');
      answered({ ok: true, body: { seq } });
    });
  }

  /** Whether something was taken on under this key: told once that is certain. */
  knows(key: string, answered: (known: Outcome<boolean>) => void): void {
    this.#journal.knows(key, answered);
  }

  /** A turn answers somebody here: that it runs is shown, as the platform can. */
  show(turn: Pick<Reply, 'session_id' | 'user_id' | 'to'> & { readonly turn_id: string }): void {
    const platform = this.#ports.platform();
    if (this.#stopped || platform === null || !(platform.editing || platform.typing)) return;
    const { turn_id: key, session_id, user_id, to } = turn;
    if (this.#replies.has(key) || this.#shown.full) return;
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
      dead_letters: this.#journal.deadCount,
    };
  }

  /** The newest dead letters, newest first. */
  dead(answered: (outcome: Outcome<readonly DeadLetter[]>) => void): void {
    this.#journal.dead(answered);
  }

  /** Forgets what was said in a session, or to somebody; answered when that is durable. */
  erase(
    erased: { readonly session_id: string; readonly user_id: string },
    answered: (outcome: Outcome<{ readonly seq: number }>) => void,
  ): void {
    this.#journal.erase(erased, (outcome, seq) => {
      if (!outcome.ok) return answered(outcome);
      const theirs = ofErased(erased);
      for (const reply of [...this.#replies.values()]) if (theirs(reply)) this.#remove(reply);
      answered({ ok: true, body: { seq } });
    });
  }

  /** Calls `done` once nothing is on its way to the platform, and nothing waits that could go now. */
  settled(done: () => void): void {
    this.#quiet.push(done);
    this.#tellQuiet();
  }

  /** Calls `done` once nothing is on its way to the platform, whatever waits. */
  still(done: () => void): void {
    this.#still.push(done);
    this.#tellQuiet();
  }

  stop(): void {
    this.#stopped = true;
    this.#online = false;
    this.#sweep?.();
    this.#shown.stop();
    for (const queue of this.#queues.values()) queue.rest?.();
    this.#journal.stop();
    for (const done of [...this.#quiet.splice(0), ...this.#still.splice(0)]) done();
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
    this.#shown.end(reply);
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
    this.#shown.end(reply);
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
    this.#shown.begin(reply, (input) => {
      tell(reply, input);
      this.#pump(this.#queueOf(reply));
    });
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
    const { world } = this.#ports;
    const now = world.monotonic();
    for (let more = true; more && !queue.busy; ) {
      more = false;
      const [first] = queue.complete;
      for (const reply of queue.next) {
        if (queue.busy) break;
        this.#drive(reply, platform, now);
      }
      // One that is over makes room for the one behind it.
      more = queue.complete[0] !== first && !queue.empty;
    }
    if (queue.busy || queue.empty) return this.#tellQuiet();
    const due = queue.due(platform);
    if (due === null) return this.#tellQuiet();
    queue.rest = world.after(Math.max(1, due - now), () => this.#stopped || this.#pump(queue));
    this.#tellQuiet();
  }

  #drive(reply: Reply, platform: Platform, now: number): void {
    const queue = this.#queueOf(reply);
    grownOf(reply, now, platform);
    for (let next = reply.inbox.shift(); next !== undefined; next = reply.inbox.shift()) {
      this.#step(reply, next, platform, now);
      if (queue.busy || this.#replies.get(reply.key) !== reply) return;
    }
    this.#step(reply, { type: 'tick' }, platform, now);
  }

  #step(reply: Reply, input: ReplyInput, platform: Platform, now: number): void {
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
        return this.#sender.send(reply, effect, platform);
      case 'edit':
        return this.#sender.edit(reply, effect.part, effect.content);
      case 'remove':
        return this.#sender.remove(reply, effect.part);
      default:
        effect satisfies never;
    }
  }

  #finish(reply: Reply, parts: number): void {
    const { key } = reply;
    const noted = reply.over || !reply.journaled;
    this.#remove(reply);
    if (!noted) this.#journal.noteSurely(reply, [{ type: 'reply_over', key, parts }], () => undefined);
  }

  #giveUp(reply: Reply, { code, message }: Failure): void {
    this.#hold(reply);
    const { key, outcome_unknown } = reply;
    this.#journal.note(reply, [{ type: 'reply_failed', key, code, message, outcome_unknown }], (error) => {
      if (this.#stopped) return;
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
      this.#tellStill();
    });
  }

  /** What was asked of the platform has come back. */
  #answered(reply: Reply, input: ReplyInput): void {
    if (this.#stopped) return;
    const queue = this.#free(reply);
    const platform = this.#ports.platform();
    if (this.#replies.get(reply.key) === reply) {
      // While nothing is to go out, what comes next waits for that.
      if (platform === null || !this.#online) reply.inbox.unshift(input);
      else this.#step(reply, input, platform, this.#ports.world.monotonic());
    }
    if (queue.empty && !queue.busy) this.#queues.delete(conversationOf(reply.to));
    this.#pump(queue);
    this.#tellStill();
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

  #tellStill(): void {
    if (this.#in_flight === 0) for (const done of this.#still.splice(0)) done();
  }

  #tellQuiet(): void {
    this.#tellStill();
    if (this.#quiet.length === 0 || (this.#online && (this.#in_flight > 0 || !this.#journal.idle))) return;
    for (const done of this.#quiet.splice(0)) done();
  }
}

function ending({ kind, content }: Pick<Say, 'kind' | 'content'>): ReplyInput {
  return kind === 'failure' ? { type: 'failed', say: content } : { type: 'finished', content };
}

function whyNot({ last_error }: Reply): Failure {
  return last_error ?? failure('internal', 'The platform did not take it.');
}

function tooOld({ last_error }: Reply): Failure {
  const why = last_error === null ? '' : ` ${last_error.message}`;
  return failure('deadline_exceeded', `It could not be sent in its time (outbox.max_age).${why}`);
}
