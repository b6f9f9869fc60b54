// SPDX-License-Identifier: Apache-2.0
// Refused senders in the audit: told at once, then summed up, and never more entries than there is room for.

import { expect, it } from 'vitest';
import { RefusedSenders } from '../../src/composition/refused-senders.ts';
import { failure } from '../../src/errors.ts';
import type { AuditNote } from '../../src/stores/audit.ts';
import { ManualClock } from '../stores/manual-clock.ts';

const stranger = failure('not_a_member', 'The user max is not a member of workspace lab.');

it('notes the first of its kind at once, the others once a minute, and what is refused for other reasons never', () => {
  const clock = new ManualClock();
  const notes: AuditNote[] = [];
  const refused = new RefusedSenders(clock, (note) => notes.push(note));
  const told = () =>
    notes.splice(0).map(({ actor, workspace_id, details }) => [actor, workspace_id, JSON.parse(details)]);
  const entry = (count: number) => ['max', 'lab', { refused: count, code: stranger.code, reason: stranger.message }];
  refused.count('max', 'lab', failure('overloaded', 'too much'));
  expect(told()).toEqual([]);
  for (let at = 0; at < 5; at += 1) refused.count('max', 'lab', stranger);
  expect(told()).toEqual([entry(1)]);
  clock.advance(60_000);
  expect(told()).toEqual([entry(4)]);
  clock.advance(600_000);
  expect(told()).toEqual([]);
  refused.count('max', 'lab', stranger);
  refused.count('max', 'lab', stranger);
  refused.flush();
  expect(told()).toEqual([entry(1), entry(1)]);
  for (let at = 0; at < 1_000; at += 1) refused.count('max', `personal:${at}`, stranger);
  expect(told()).toHaveLength(20);
  clock.advance(60_000);
  expect(told()).toEqual([['anonymous', '', { refused: 980 }]]);
});
