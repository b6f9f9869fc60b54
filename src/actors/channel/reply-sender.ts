// SPDX-License-Identifier: Apache-2.0
// Gives a platform one message of a reply: journaled before it is sent and after, and sent again only where that can be told.

import { type Failure, failure } from '../../errors.ts';
import type { ChannelRecord } from '../../stores/channel-records.ts';
import { growReply, type ReplyEffect, type ReplyInput } from './growing-reply.ts';
import type { OutboxJournal } from './outbox-journal.ts';
import type { DoneAnswer, OutboxPorts, OutboxSettings, Platform, Refusal } from './outbox-ports.ts';
import type { Reply } from './reply-queue.ts';

/** Whose replies they are. */
export interface SenderOwner {
  readonly stopped: () => boolean;
  /** It is neither erased nor over. */
  alive(reply: Reply): boolean;
  /** Something of its conversation is on its way: nothing else is begun there until it has come back. */
  hold(reply: Reply): void;
  /** What was asked of the platform has come back. */
  answered(reply: Reply, input: ReplyInput): void;
  giveUp(reply: Reply, why: Failure): void;
  /** The platform has taken one more message. */
  sent(): void;
}

type Send = Extract<ReplyEffect, { type: 'send' }>;

/** What a message is known by to the platform, the same however often it is sent. */
function keyOf({ key }: Reply, { part, replaces }: Send): string {
  return replaces === 0 ? `${key}:${part}` : `${key}:${part}.${replaces}`;
}

/** What a reply says in all, where that is more than the journal has of it; null where it is not. */
function moreOf({ content, grown, noted }: Reply): string | null {
  if (noted || content === null || grown?.phase !== 'ending') return null;
  return grown.said === content ? null : grown.said;
}

export class ReplySender {
  readonly #owner: SenderOwner;
  readonly #ports: OutboxPorts;
  readonly #journal: OutboxJournal;
  readonly #settings: OutboxSettings;

  constructor(owner: SenderOwner, ports: OutboxPorts, journal: OutboxJournal, settings: OutboxSettings) {
    this.#owner = owner;
    this.#ports = ports;
    this.#journal = journal;
    this.#settings = settings;
  }

  edit(reply: Reply, part: number, content: string): void {
    this.#change(reply, (done) => this.#ports.edit(reply, reply.ids[part] ?? '', content, done));
  }

  remove(reply: Reply, part: number): void {
    this.#change(reply, (done) => this.#ports.remove(reply, reply.ids[part] ?? '', done));
  }

  /** Sends a message, or finds out first whether an earlier life of the channel has. */
  send(reply: Reply, op: Send, platform: Platform): void {
    this.#owner.hold(reply);
    const doubted = reply.doubt?.part === op.part;
    if (!doubted) return this.#send(reply, op, false);
    if (platform.dedupe === 'lookup') {
      return this.#ports.lookup(reply, keyOf(reply, op), (answer) => {
        if (!answer.ok) return this.#owner.answered(reply, this.#refused(reply, answer));
        if (answer.found !== null) return this.#taken(reply, op, answer.found);
        reply.doubt = null;
        // Not found is no proof: a mail can be on its way before its copy lies where it is looked for.
        this.#send(reply, op, true);
      });
    }
    if (platform.dedupe === 'window') return this.#send(reply, op, false);
    // What grows is not the answer yet: nothing of that is lost to who would see its beginning twice.
    if (this.#settings.redeliver() || reply.content === null) return this.#send(reply, op, true);
    reply.outcome_unknown = true;
    const unknown = 'It may have been sent before an interruption; `redeliver: false` says that it is not sent again.';
    this.#owner.giveUp(reply, failure('thread_lost', unknown));
  }

  #send(reply: Reply, op: Send, again: boolean): void {
    const { key, session_id, user_id, to } = reply;
    const { part, replaces } = op;
    const more = moreOf(reply);
    const record: ChannelRecord = {
      ...{ type: 'reply_sending', key, part, replaces },
      ...(more === null ? {} : { content: more }),
      ...(reply.journaled ? {} : { growing: { session_id, user_id, to } }),
      ...(again ? { outcome_unknown: true } : {}),
    };
    this.#note(reply, [record], (error) => {
      if (error !== null) return this.#owner.answered(reply, this.#refused(reply, { ok: false, error, doubt: false }));
      // Erased, while that was written.
      if (!this.#owner.alive(reply)) return this.#owner.answered(reply, { type: 'tick' });
      reply.journaled = true;
      reply.noted ||= more !== null;
      reply.outcome_unknown ||= again;
      this.#ports.point('channel.sending');
      const content = op.content;
      const sending = { key, to, content, answers: part === 0 && !to.direct, idempotency_key: keyOf(reply, op) };
      this.#ports.send(sending, (answer) => {
        if (this.#owner.stopped()) return;
        if (answer.ok) {
          this.#ports.point('channel.accepted');
          return this.#taken(reply, op, answer.platform_message_id);
        }
        const input = this.#refused(reply, answer);
        if (answer.doubt) {
          reply.doubt = { part };
          return this.#owner.answered(reply, input);
        }
        reply.doubt = null;
        // What comes next is journaled as the end of it.
        if (!answer.error.retryable) return this.#owner.answered(reply, input);
        const { code } = answer.error;
        this.#journal.noteSurely(reply, [{ type: 'reply_refused', key, part, code }], () =>
          this.#owner.answered(reply, input),
        );
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
    this.#owner.sent();
    this.#journal.noteSurely(reply, over === null ? [sent] : [sent, { type: 'reply_over', key, parts: over }], () => {
      this.#ports.point('channel.sent');
      this.#owner.answered(reply, { type: 'done' });
    });
  }

  /** Nothing of it is journaled: done twice it is the same. */
  #change(reply: Reply, make: (done: (answer: DoneAnswer) => void) => void): void {
    this.#owner.hold(reply);
    make((answer) => this.#owner.answered(reply, answer.ok ? { type: 'done' } : this.#refused(reply, answer)));
  }

  #note(reply: Reply, records: readonly ChannelRecord[], noted: (error: Failure | null) => void): void {
    this.#journal.note(reply, records, (error) => {
      if (!this.#owner.stopped()) noted(error);
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
}
