// SPDX-License-Identifier: Apache-2.0
// A chat channel's fold: any prefix of its stream, read back over any checkpoint, is the same; what is erased is in none of it.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyChannel, evolveChannel, packChannel } from '../../src/stores/channel-fold.ts';
import { type ChannelRecord, restoreChannel, storeChannel } from '../../src/stores/channel-records.ts';
import { redactionBefore } from '../../src/stores/erasure.ts';
import type { TailRow } from '../../src/stores/records.ts';

// A key is a turn's, and a turn is one person's.
const key = fc.constantFrom('ann-1', 'ann-2', 'bob-1', 'bob-2');
const whose = (of: string): string => of.slice(0, 3);
const to = { channel_id: 'c1', message_id: 'm1', direct: true } as const;
const record: fc.Arbitrary<ChannelRecord> = fc.oneof(
  key.map(
    (key): ChannelRecord => ({
      ...{ type: 'reply_queued', key, kind: 'reply', session_id: `s-${whose(key)}`, user_id: whose(key), to },
      content: `secret of ${whose(key)}`,
    }),
  ),
  fc.record({ key, part: fc.nat(2), more: fc.boolean() }).map(
    ({ key, part, more }): ChannelRecord => ({
      ...{ type: 'reply_sending', key, part, replaces: 0 },
      growing: { session_id: `s-${whose(key)}`, user_id: whose(key), to },
      ...(more ? { content: `more than the secret of ${whose(key)}` } : {}),
    }),
  ),
  fc.record({ key, part: fc.nat(2) }).map(
    ({ key, part }): ChannelRecord => ({
      type: 'reply_sent',
      key,
      part,
      replaces: 0,
      platform_message_id: `p${part}`,
    }),
  ),
  fc
    .record({ key, part: fc.nat(2) })
    .map(({ key, part }): ChannelRecord => ({ type: 'reply_refused', key, part, code: 'rate_limited' })),
  key.map((key): ChannelRecord => ({ type: 'reply_over', key, parts: 1 })),
  key.map(
    (key): ChannelRecord => ({ type: 'reply_failed', key, code: 'forbidden', message: 'no', outcome_unknown: false }),
  ),
);
const stream = fc.array(record, { maxLength: 40 });

const rowsOf = (records: readonly ChannelRecord[]): TailRow[] =>
  records.map((one, index) => ({ seq: index + 1, at: index, ...storeChannel(one) }));
const folded = (rows: readonly TailRow[]) =>
  packChannel(
    rows.reduce((state, row) => evolveChannel(state, restoreChannel(row), row.at), emptyChannel()),
    [],
  );

describe('the fold of a channel', () => {
  it('is the same over a checkpoint at any place', () => {
    fc.assert(
      fc.property(stream, fc.nat(40), (records, at) => {
        const rows = rowsOf(records);
        const before = rows.slice(0, at);
        const checkpoint = { type: 'checkpoint', state: folded(before) } as const;
        const [row] = rowsOf([checkpoint]);
        if (row === undefined) throw new Error('no row');
        expect(folded([row, ...rows.slice(at)])).toEqual(folded(rows));
      }),
    );
  });

  it('knows no more of what was erased, in the rows before and in what they add up to', () => {
    fc.assert(
      fc.property(stream, fc.nat(40), (records, at) => {
        const checkpoint = { type: 'checkpoint', state: folded(rowsOf(records.slice(0, at))) } as const;
        const rows = rowsOf([...records.slice(0, at), checkpoint, ...records.slice(at)]);
        const [erasing] = rowsOf([{ type: 'replies_erased', session_id: '', user_id: 'ann' }]);
        if (erasing === undefined) throw new Error('no row');
        const redaction = redactionBefore('channel/tg', erasing);
        for (const row of rows.toReversed()) redaction.notice(row);
        const left = rows.map((row) => ({ ...row, ...redaction.redact(row) }));
        expect(left.map(({ payload }) => payload).join()).not.toContain('secret of ann');
        const kept = folded([...left, erasing]);
        expect(kept.open.filter(({ user_id }) => user_id === 'ann')).toEqual([]);
        expect(kept.open).toEqual(folded([...rows, erasing]).open);
      }),
    );
  });
});
