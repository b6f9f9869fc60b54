// SPDX-License-Identifier: Apache-2.0
// What is left in a channel's stream of what was said in a session, or to somebody, once that is erased. Pure.

import { ofErased, type PackedChannel } from './channel-fold.ts';
import { type ChannelRecord, restoreChannel } from './channel-records.ts';
import type { StoredRecord, TailRow } from './records.ts';
import type { ReplyTo } from './reply-to.ts';

type Erased = Extract<ChannelRecord, { type: 'replies_erased' }>;

/** By whom or where it was said; nothing of it stays. */
const NOWHERE = { message_id: '', direct: true } as const;

/**
 * Rows are noticed newest first, so what a key stands for is known before anything under it is redacted.
 *
 * @param text what stands for a text that was erased
 */
export function channelRedaction(
  erased: Erased,
  text: string,
  store: (record: ChannelRecord) => StoredRecord,
): { notice(row: TailRow): void; redact(row: TailRow): StoredRecord | undefined } {
  const theirs = ofErased(erased);
  const keys = new Set<string>();
  const to: ReplyTo = { channel_id: text, ...NOWHERE };
  const redacted = (record: ChannelRecord): ChannelRecord => {
    if (record.type === 'checkpoint') {
      if (record.state === null) return record;
      const packed = record.state as PackedChannel;
      const open = packed.open.filter((reply) => !theirs(reply));
      return { type: 'checkpoint', state: { ...packed, open, dead: packed.dead.filter((reply) => !theirs(reply)) } };
    }
    if (record.type === 'replies_erased' || !keys.has(record.key)) return record;
    switch (record.type) {
      case 'reply_queued':
        return { ...record, to, content: text };
      case 'reply_sending':
        return {
          ...record,
          ...(record.growing === undefined ? {} : { growing: { ...record.growing, to } }),
          ...(record.content === undefined ? {} : { content: text }),
        };
      case 'reply_failed':
        return { ...record, message: text };
      default:
        return record;
    }
  };
  return {
    notice: (row) => {
      const record = restoreChannel(row);
      if (record.type === 'reply_queued' && theirs(record)) keys.add(record.key);
      if (record.type !== 'reply_sending' || record.growing === undefined) return;
      if (theirs({ key: record.key, ...record.growing })) keys.add(record.key);
    },
    redact: (row) => {
      const made = store(redacted(restoreChannel(row)));
      return made.payload === row.payload ? undefined : made;
    },
  };
}
