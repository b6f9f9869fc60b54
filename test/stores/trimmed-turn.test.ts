// SPDX-License-Identifier: Apache-2.0
// A trimmed turn, told from its record: whoever listened to any part of it ends with the same text and the same last id.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TurnRow } from '../../src/stores/session-store.ts';
import { eventsFromRecord } from '../../src/stores/trimmed-turn.ts';
import type { TurnEvent } from '../../src/stores/turn-events.ts';
import { usualRuns } from '../drawn.ts';
import { USAGE } from './session-log.ts';

const turnOf = (content: string, error: TurnRow['error']): TurnRow => ({
  id: 't',
  session_id: 's',
  workspace_id: 'w',
  user_id: 'u',
  message_id: 'm',
  message_ids: ['m'],
  status: error === null ? 'finished' : 'failed',
  model: 'mock/small',
  reply_id: error === null ? 'r' : null,
  content,
  finish_reason: error === null ? 'stop' : null,
  error,
  usage: USAGE,
  tool_calls: [],
  created_at: '2026-01-01T00:00:00.000Z',
  started_at: '2026-01-01T00:00:00.005Z',
  ended_at: '2026-01-01T00:00:01.000Z',
});

const heard = (text: string, event: TurnEvent): string => {
  if (event.event === 'turn_restarted') return '';
  return event.event === 'text_delta' ? text + event.data.text : text;
};

it('ends in the same id and adds up to the same text, wherever a listener had come to', () => {
  const pieces = fc.array(fc.string({ minLength: 1, maxLength: 5 }), { maxLength: 6 });
  const first = fc.constantFrom(0, 1_000_000);
  fc.assert(
    fc.property(pieces, first, fc.boolean(), fc.nat(), (texts, base, fails, at) => {
      const content = texts.join('');
      const error = fails ? { code: 'provider_error', message: 'no' } : null;
      // As it was told live: started, its deltas, usage and the end; after a resumption from a million on.
      const numbers = [1, ...texts.map((_, index) => base + 2 + index)];
      const last = (numbers.at(-1) ?? 1) + 2;
      const seen = at % (numbers.length + 3);
      const from = seen <= numbers.length ? (numbers[seen - 1] ?? 0) : last - (seen === numbers.length + 1 ? 1 : 0);
      const had = texts.slice(0, Math.max(0, Math.min(seen, numbers.length) - 1)).join('');
      const events = eventsFromRecord(turnOf(fails ? '' : content, error), { last, queued_ms: 5 }, from);
      if (from === last) {
        expect(events).toEqual([]);
        return;
      }
      const ids = events.map(({ n }) => n);
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
      expect(ids.every((n) => n > from && n <= last)).toBe(true);
      expect(events.at(-1)).toMatchObject({ n: last, event: { event: fails ? 'error' : 'done' } });
      if (from === 0)
        expect(events[0]).toMatchObject({ n: 1, event: { event: 'turn_started', data: { queued_ms: 5 } } });
      if (!fails) expect(events.map(({ event }) => event).reduce(heard, had)).toBe(content);
    }),
    { numRuns: usualRuns(500) },
  );
});
