// SPDX-License-Identifier: Apache-2.0
// What sessions remember of their messages' keys when many of them are written in all day: bounded together, and nothing runs twice.

import { describe, expect, it } from 'vitest';
import { KEYS_LEAST, KeyRoom } from '../../../src/actors/session/key-room.ts';
import { LaneStand } from './lane-stand.ts';

const say = (stand: LaneStand, session: string, key: string) =>
  stand.send(session, 'session.deliver', {
    ...{ message_id: key, user_id: 'ann', channel: 'channel/http', content: key, model: '', queue: 'followup' },
    ...{ workspace_id: 'home', open: true, any_user: false },
  });

describe('the keys of all sessions of a thread', () => {
  it('are bounded together, and one that was forgotten is still no second turn', () => {
    const stand = new LaneStand({ keys_most: 300 });
    const sessions = ['s1', 's2', 's3', 's4'];
    for (let at = 0; at < 200; at += 1) {
      for (const session of sessions) say(stand, session, `m${at}`);
      stand.settle();
    }
    expect(stand.lanes.remembered).toBeLessThanOrEqual(300);
    const first = stand.records('s1').find((record) => record.type === 'message_received');
    if (first?.type !== 'message_received') throw new Error('it was not journaled');
    stand.old.set('m0', { turn_id: first.turn_id, content: 'm0' });
    const rows = stand.types('s1').length;
    const last = stand.lastRow('s1');
    say(stand, 's2', 'of another');
    stand.settle();
    const again = say(stand, 's1', 'm0');
    stand.settle();
    // The view is to have what this session has, and need not hurry for what others write meanwhile.
    expect(stand.looked.at(-1)).toEqual({ key: 'm0', upto: last });
    expect(again.answer).toMatchObject({ ok: true, body: { turn_id: first.turn_id, repeated: true } });
    expect(stand.types('s1')).toHaveLength(rows);
  });

  it('count those only that are awake', () => {
    const room = new KeyRoom(() => 100);
    const lane = (keys: number) => {
      const of = {
        keys,
        forgetKeys: (left: number) => {
          of.keys = left;
        },
      };
      room.note(of);
      return of;
    };
    const one = lane(90);
    const other = lane(80);
    expect([one.keys, other.keys, room.total]).toEqual([90, KEYS_LEAST, 90 + KEYS_LEAST]);
    room.left(one);
    expect(room.total).toBe(KEYS_LEAST);
  });
});
