// SPDX-License-Identifier: Apache-2.0
// What must hold of answers on a chat platform: each is taken on once, as the session owes it, and shown once and whole in its place.

import { SURPLUS } from '../../src/actors/channel/growing-reply.ts';
import { splitMarkdown } from '../../src/channels/text/split.ts';
import { restoreChannel } from '../../src/stores/channel-records.ts';
import { type Outgoing, outgoing } from '../../src/stores/outbox.ts';
import type { JournalRow, SessionRecord } from '../../src/stores/records.ts';
import type { Broke } from './broke.ts';
import type { PlannedChat } from './plan.ts';

/** A message of the agent's as people see it. */
export interface Shown {
  /** What it was sent under: the key of the answer, its part, and how often that was replaced. */
  readonly key: string;
  readonly in: string;
  readonly id: string;
  text: string;
  removed: boolean;
}

/** Who keeps what people see. */
export interface Showing {
  readonly shown: readonly Shown[];
}

interface Owed extends Outgoing {
  /** The channel has it in its stream. */
  queued: boolean;
  end: 'over' | 'failed' | null;
}

export class ChatRules {
  readonly #broke: Broke;
  /** What sessions owe the platform, by key, in the order they came to owe it. */
  readonly #owed = new Map<string, Owed>();

  /** How often a message was sent of which nobody knows whether it was before, by what it is sent under. */
  readonly #marked = new Map<string, number>();

  constructor(broke: Broke) {
    this.#broke = broke;
  }

  /** A row of a session. */
  session(record: SessionRecord, at: number): void {
    if (record.type !== 'turn_finished' && record.type !== 'turn_failed' && record.type !== 'approval_requested')
      return;
    const part = outgoing(record, at);
    if (part !== null) this.#owed.set(part.key, { ...part, queued: false, end: null });
  }

  /** A session owes it no more: the channel has it. */
  handed(key: string): void {
    if (this.#owed.get(key)?.queued !== true)
      this.#broke('chat', `${key} is handed over, and the channel does not have it`);
  }

  /** A row of the channel. */
  channel(row: JournalRow): void {
    const record = restoreChannel(row);
    if (record.type === 'reply_queued') {
      const owed = this.#owed.get(record.key);
      if (owed === undefined)
        return this.#broke('chat', `${record.key} is to be said and nobody owes it: ${record.content}`);
      if (owed.queued) this.#broke('chat', `${record.key} is taken on twice`);
      if (owed.content !== record.content) this.#broke('chat', `${record.key} is taken on as something else`);
      owed.queued = true;
    } else if (record.type === 'reply_sending' && record.outcome_unknown === true) {
      const { key, part, replaces } = record;
      const under = replaces === 0 ? `${key}:${part}` : `${key}:${part}.${replaces}`;
      this.#marked.set(under, (this.#marked.get(under) ?? 0) + 1);
    } else if (record.type === 'reply_over' || record.type === 'reply_failed') {
      const owed = this.#owed.get(record.key);
      if (owed === undefined) return;
      if (owed.end !== null) this.#broke('chat', `${record.key} ends twice`);
      owed.end = record.type === 'reply_over' ? 'over' : 'failed';
      if (record.type === 'reply_failed' && !record.outcome_unknown)
        this.#broke('chat', `${record.key} is given up: ${record.code}: ${record.message}`);
    }
  }

  /** Nothing is to be said any more. */
  get rests(): boolean {
    return this.#owed.values().every(({ end }) => end !== null);
  }

  /** What still is to be said. */
  get waiting(): readonly string[] {
    return [...this.#owed.values()].filter(({ end }) => end === null).map(({ key }) => key);
  }

  /** What people see is what was to be said, in its order. */
  shown(chat: PlannedChat, showing: Showing): void {
    for (const owed of this.#owed.values()) this.#whole(owed, chat, showing);
    if (!chat.editing && chat.dedupe !== 'none') this.#inOrder(showing);
  }

  #whole({ key, kind, content, to, end }: Owed, chat: PlannedChat, showing: Showing): void {
    const theirs = showing.shown.filter((one) => one.key.startsWith(`${key}:`) && !one.removed);
    if (theirs.some((one) => one.in !== to.channel_id)) this.#broke('chat', `${key} is shown in another conversation`);
    for (const one of new Set(theirs.map((shown) => shown.key))) {
      const times = theirs.filter((shown) => shown.key === one).length;
      const most = chat.dedupe === 'none' ? 1 + (this.#marked.get(one) ?? 0) : 1;
      if (times > most) this.#broke('chat', `${one} is shown ${times} times`);
    }
    if (end === 'failed') return;
    const texts = theirs.filter(({ text }) => text !== SURPLUS).map(({ text }) => text);
    const says = `${key} is shown as ${texts.join(' | ')}, not as ${content}`;
    if (kind === 'failure') {
      // Below what there was of the answer, as far as the channel knew it; each part once more where it was sent twice.
      const once = texts.filter((text, at) => chat.dedupe !== 'none' || texts.indexOf(text) === at);
      if (!bare(once.join('')).includes(bare(content))) this.#broke('chat', says);
      return;
    }
    const parts = splitMarkdown(content, chat.longest);
    if (chat.dedupe === 'none') {
      if (!parts.every((part) => texts.includes(part))) this.#broke('chat', says);
      return;
    }
    // What grew may have been sent anew below what could not be changed any more.
    const same = texts.slice(-parts.length).join('\0') === parts.join('\0');
    if (!same || (!chat.editing && texts.length > parts.length)) this.#broke('chat', says);
  }

  /** In a conversation the answers come as the session came to owe them. */
  #inOrder({ shown }: Showing): void {
    const order = [...this.#owed.keys()];
    const last = new Map<string, number>();
    for (const { key, in: conversation } of shown) {
      const at = order.findIndex((owed) => key.startsWith(`${owed}:`));
      const before = last.get(conversation) ?? -1;
      if (at < before) this.#broke('chat', `${key} is shown below ${order[before]}, which came after it`);
      last.set(conversation, Math.max(before, at));
    }
  }
}

/** Without what a split takes away. */
const bare = (text: string): string => text.replaceAll(/\s+/g, '');
