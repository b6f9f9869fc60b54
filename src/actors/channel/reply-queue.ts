// SPDX-License-Identifier: Apache-2.0
// What of one conversation is to be said: in its order, one thing at a time; what still grows gives way to what is complete.

import type { Failure } from '../../errors.ts';
import type { OpenReply } from '../../stores/channel-fold.ts';
import type { ReplyKind } from '../../stores/channel-records.ts';
import type { ReplyTo } from '../../stores/reply-to.ts';
import {
  beginReply,
  type GrowingReply,
  type GrowingSettings,
  type KnownParts,
  type ReplyInput,
  replyDue,
} from './growing-reply.ts';

/** Something to be said, or being shown while its turn runs. */
export interface Reply {
  readonly key: string;
  readonly kind: ReplyKind;
  readonly session_id: string;
  readonly user_id: string;
  readonly to: ReplyTo;
  /** When it was taken on, epoch milliseconds. */
  at: number;
  /** Null while its turn runs. */
  content: string | null;
  /** What an earlier life of the channel has shown of it. */
  readonly known: KnownParts;
  /** Null until it is looked at while the channel is online: how it grows is the platform's. */
  grown: GrowingReply | null;
  /** What it was told and has not been given yet. */
  readonly inbox: ReplyInput[];
  /** The platform's ids of its messages. */
  readonly ids: string[];
  /** The message that may have been sent, and nobody knows. */
  doubt: { readonly part: number } | null;
  outcome_unknown: boolean;
  /** That it was begun is in the journal. */
  journaled: boolean;
  /** What it says in all is in the journal, where that is more than its content. */
  noted: boolean;
  /** That it is over is in the journal. */
  over: boolean;
  last_error: Failure | null;
  /** The number of the newest event of its turn it has seen. */
  seen: number;
  /** Its turn ended, and how often it was looked at since without anything to say having come. */
  ended: number;
}

/** A reply as its records leave it. */
export function restored(open: OpenReply): Reply {
  const { key, kind, session_id, user_id, to, at, content, parts, outcome_unknown } = open;
  const sent = parts.filter(({ platform_message_id }) => platform_message_id !== null);
  const in_doubt = sent.length < parts.length;
  return {
    ...blank({ key, kind, session_id, user_id, to }),
    ...{ at, content, outcome_unknown, journaled: true },
    known: { replaced: sent.map(({ replaces }) => replaces), in_doubt },
    ids: sent.flatMap(({ platform_message_id }) => platform_message_id ?? []),
    doubt: in_doubt ? { part: sent.length } : null,
  };
}

/** A reply nobody has seen anything of. */
export function blank(of: Pick<Reply, 'key' | 'kind' | 'session_id' | 'user_id' | 'to'>): Reply {
  return {
    ...of,
    ...{ at: 0, content: null, inbox: [], ids: [], doubt: null, grown: null },
    ...{ outcome_unknown: false, journaled: false, noted: false, over: false, last_error: null, seen: 0, ended: 0 },
    known: { replaced: [], in_doubt: false },
  };
}

/** How far it has grown. */
export function grownOf(reply: Reply, now: number, settings: GrowingSettings): GrowingReply {
  reply.grown ??= beginReply(now, settings, reply.known);
  return reply.grown;
}

/** Tells it something; text after text is one. */
export function tell(reply: Reply, input: ReplyInput): void {
  const last = reply.inbox.at(-1);
  if (input.type === 'text' && last?.type === 'text') {
    reply.inbox[reply.inbox.length - 1] = { type: 'text', text: last.text + input.text };
  } else if (input.type !== 'tick' || last?.type !== 'tick') reply.inbox.push(input);
}

export class ReplyQueue {
  /** Complete, oldest first. */
  readonly complete: Reply[] = [];
  /** Their turns run. */
  readonly growing = new Set<Reply>();
  /** Something of it is on its way to the platform or to the journal. */
  busy = false;
  /** Ends the waiting for what is due next. */
  rest: (() => void) | null = null;

  get empty(): boolean {
    return this.complete.length === 0 && this.growing.size === 0;
  }

  add(reply: Reply): void {
    if (reply.content === null) this.growing.add(reply);
    else {
      this.growing.delete(reply);
      this.complete.push(reply);
    }
  }

  remove(reply: Reply): void {
    this.growing.delete(reply);
    const at = this.complete.indexOf(reply);
    if (at >= 0) this.complete.splice(at, 1);
  }

  /** Whose turn it is: the oldest that is complete, else all that grow. */
  get next(): readonly Reply[] {
    const [first] = this.complete;
    return first === undefined ? [...this.growing] : [first];
  }

  /** When to look again, on the clock of the replies; null: not before something comes. */
  due(settings: GrowingSettings): number | null {
    let due: number | null = null;
    for (const { grown } of this.next) {
      const at = grown === null ? null : replyDue(grown, settings);
      if (at !== null) due = Math.min(due ?? at, at);
    }
    return due;
  }
}

/** By what a conversation is told from the others of its channel. */
export function conversationOf({ channel_id, thread_id = '' }: Pick<ReplyTo, 'channel_id' | 'thread_id'>): string {
  return `${channel_id}\0${thread_id}`;
}
