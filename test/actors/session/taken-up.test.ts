// SPDX-License-Identifier: Apache-2.0
// Sessions a thread takes up that its life before has left: whose fault that was, and who comes first.

import { describe, expect, it } from 'vitest';
import type { Share } from '../../../src/actors/session/decide.ts';
import { restore } from '../../../src/stores/records.ts';
import { codeOf, LaneStand } from './lane-stand.ts';

/** A thread's next life over a journal in which a turn of `s1` was cut off in its model call. */
function nextLife(share: Share): LaneStand {
  const before = new LaneStand();
  before.answers = false;
  before.say('s1', 'one', 'm-one');
  before.settle();
  const stand = new LaneStand({}, before.rows);
  stand.answers = false;
  stand.share = share;
  return stand;
}

/** The attempts of a session's turns, as they were resumed. */
const attempts = (stand: LaneStand): readonly number[] =>
  [...stand.rows.rows.values()].flatMap((row) => {
    const record = restore(row);
    return record.type === 'turn_resumed' ? [record.attempt] : [];
  });

describe('a session the thread may have been lost over', () => {
  it('comes after the others, also when somebody asks for it first', () => {
    const stand = nextLife('suspect');
    const again = stand.say('s1', 'one', 'm-one');
    stand.settle();
    expect(stand.calls.size).toBe(0);
    stand.lanes.recover(['s1'], () => undefined);
    stand.settle();
    expect(stand.calls.size).toBe(0);
    stand.clock.advance(1_000);
    expect(stand.calls.has('s1')).toBe(true);
    expect(codeOf(again)).toBe('ok');
    expect(attempts(stand)).toEqual([2]);
  });

  it('is known by that only until the thread has taken up what was open', () => {
    const stand = nextLife('innocent');
    stand.lanes.recover([], () => undefined);
    stand.say('s1', 'one', 'm-one');
    stand.settle();
    expect(attempts(stand)).toEqual([1]);
  });
});

describe('a session whose thread was lost over another', () => {
  it('counts no attempt, whether it is taken up or asked for first', () => {
    for (const first of ['asked', 'taken up'] as const) {
      const stand = nextLife('innocent');
      if (first === 'asked') {
        stand.say('s1', 'one', 'm-one');
        stand.settle();
      }
      stand.lanes.recover(['s1'], () => undefined);
      stand.settle();
      expect(attempts(stand)).toEqual([0]);
      expect(stand.calls.has('s1')).toBe(true);
    }
  });
});
