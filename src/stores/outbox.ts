// SPDX-License-Identifier: Apache-2.0
// What a session owes to chat channels: answers that are durable here and not yet a channel's own. Pure; part of the fold.

import type { ReplyKind } from './channel-records.ts';
import type { ApprovalRequested, SessionRecord, TurnFailed, TurnFinished } from './records.ts';
import type { ReplyRoute, ReplyTo } from './reply-to.ts';

/** Something that is to be handed to a channel. */
export interface Outgoing extends ReplyRoute {
  /** The turn's id, or the approval's: the channel takes it once under this. */
  readonly key: string;
  readonly turn_id: string;
  readonly kind: ReplyKind;
  readonly content: string;
  /** Since when, epoch milliseconds. */
  readonly at: number;
}

/** A message that may be answered on a chat channel. */
interface Answerable {
  readonly channel: string;
  readonly user_id: string;
  readonly reply_to?: ReplyTo;
}

/** The way back of a message; null where its sender follows the turn itself. */
export function routeOf({ channel, user_id, reply_to }: Answerable): ReplyRoute | null {
  return reply_to === undefined ? null : { channel, to: reply_to, user_id };
}

/** The way back of a turn: that of the last message it answers. */
export function routeBack(turn: {
  readonly message: Answerable;
  readonly collected: readonly Answerable[];
  readonly steered: readonly { readonly route?: ReplyRoute | null }[];
}): ReplyRoute | null {
  const last = turn.steered.at(-1)?.route;
  if (last !== undefined) return last;
  return routeOf(turn.collected.at(-1) ?? turn.message);
}

/** The part of a record that says where it is to be told; nothing where its turn has no way back. */
export function told(route: ReplyRoute | null): { readonly outbox?: ReplyRoute } {
  return route === null ? {} : { outbox: route };
}

const NOTHING_SAID = 'The model gave no answer.';

/** What a record owes a channel, if anything. */
export function outgoing(record: TurnFinished | TurnFailed | ApprovalRequested, at: number): Outgoing | null {
  const { outbox, turn_id } = record;
  if (outbox === undefined) return null;
  switch (record.type) {
    case 'turn_finished': {
      const said = record.content.trim() === '' ? '' : record.content;
      // Who stopped it wants no word about that; who waits for an answer gets one.
      if (said === '' && record.finish_reason === 'cancelled') return null;
      return { ...outbox, key: turn_id, turn_id, kind: 'reply', content: said === '' ? NOTHING_SAID : said, at };
    }
    case 'turn_failed': {
      const content = `This could not be answered: ${record.message}`;
      return { ...outbox, key: turn_id, turn_id, kind: 'failure', content, at };
    }
    case 'approval_requested': {
      const { id, tool, arguments: given, reason } = record;
      const content = [
        `The tool ${tool} wants to run and needs your word.${reason === '' ? '' : ` ${reason}`}`,
        `\`\`\`json\n${clipped(given)}\n\`\`\``,
        `Answer \`/approve ${id}\` or \`/deny ${id}\`.`,
      ].join('\n\n');
      return { ...outbox, key: id, turn_id, kind: 'approval', content, at };
    }
  }
}

/** Of what a tool is given as much as a person may read. */
const SHOWN_MOST = 1_500;

function clipped(text: string): string {
  const safe = text.replaceAll('```', "'''");
  return safe.length <= SHOWN_MOST ? safe : `${safe.slice(0, SHOWN_MOST)}…`;
}

/** Whether a record owes a channel something: what it is owed under. */
export function owedPart(record: SessionRecord): string | null {
  if (record.type !== 'turn_finished' && record.type !== 'turn_failed' && record.type !== 'approval_requested')
    return null;
  return outgoing(record, 0)?.key ?? null;
}

/** By what name a lane remembers that it owes a part, beside the turns it owes. */
export function partName(key: string): string {
  return `part ${key}`;
}
