// SPDX-License-Identifier: Apache-2.0
// What sessions remember of their messages' keys when many of them are written in all day: bounded together, and nothing runs twice.

import { describe, expect, it } from 'vitest';
import { KeyRoom } from '../../../src/actors/session/key-room.ts';
import type { LanePolicy } from '../../../src/actors/session/policy.ts';
import { BAD, codeOf, LaneStand, receiptOf } from './lane-stand.ts';

const say = (stand: LaneStand, session: string, key: string) =>
  stand.send(session, 'session.deliver', {
    ...{ message_id: key, user_id: 'ann', channel: 'channel/http', content: key, model: '', queue: 'followup' },
    ...{ workspace_id: 'home', open: true, any_user: false },
  });

/** Messages a session has had before. */
const OLD = 3;

/** A stand with a session that has forgotten all of its keys but one. */
function forgetful(policy: Partial<LanePolicy> = {}): LaneStand {
  const stand = new LaneStand({ keys: { most: 1, least: 1 }, ...policy });
  for (let at = 0; at < OLD; at += 1) {
    stand.say('s1', `old ${at}`, `old-${at}`);
    stand.settle();
  }
  return stand;
}

describe('the keys of all sessions of a thread', () => {
  it('are bounded together, and one that was forgotten is still no second turn', () => {
    const stand = new LaneStand({ keys: { most: 300, least: 64 } });
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

  it('are asked for one after the other: a message that comes meanwhile is neither lost nor taken before', () => {
    const stand = forgetful({ budgets: () => ['global'] });
    stand.looksLater = true;
    stand.reservesLater = true;
    const asked = ['one', 'two', 'three'].map((content) => stand.say('s1', content, content));
    stand.settle();
    const granted = (): void => {
      for (const { stopped, done } of stand.reserving.splice(0)) if (!stopped) done(null);
    };
    for (let step = 0; step < 20; step += 1) {
      stand.view();
      stand.settle();
      granted();
      stand.settle();
    }
    expect(asked.map(codeOf)).toEqual(['ok', 'ok', 'ok']);
    const taken = stand.records('s1').flatMap((record) => (record.type === 'message_received' ? [record.content] : []));
    expect(taken.slice(-3)).toEqual(['one', 'two', 'three']);
    expect(stand.types('s1').filter((type) => type === 'turn_finished')).toHaveLength(OLD + 3);
  });

  it('are asked for once while the same message comes again and again', () => {
    const stand = forgetful();
    stand.looksLater = true;
    const looked = stand.looked.length;
    const asked = [1, 2, 3].map(() => stand.say('s1', 'new', 'new'));
    stand.settle();
    stand.view();
    stand.settle();
    expect(asked.map((one) => receiptOf(one).repeated)).toEqual([false, true, true]);
    expect(stand.looked).toHaveLength(looked + 1);
    expect(stand.types('s1').filter((type) => type === 'message_received')).toHaveLength(OLD + 1);
  });

  it.each(['one that is new', 'one whose text the scanner had changed'])(
    'that are asked for when their lane fails leave nobody without an answer: %s',
    (which) => {
      const stand = forgetful();
      stand.answers = false;
      stand.say('s1', 'runs', 'runs');
      stand.settle();
      stand.looksLater = true;
      let scanned: (() => void) | undefined;
      stand.scan = (_, done) => {
        scanned = () => done({ kind: 'pass' });
      };
      if (which !== 'one that is new') stand.old.set('m-a', { turn_id: 'turn', content: 'changed' });
      const asked = [stand.say('s1', 'text', 'm-a'), stand.say('s1', 'text', 'm-a'), stand.say('s1', 'behind', 'm-b')];
      stand.settle();
      if (which !== 'one that is new') stand.view();
      stand.calls.get('s1')?.sink.event(BAD);
      stand.view();
      scanned?.();
      stand.settle();
      expect(asked.map(codeOf)).toEqual(['internal', 'internal', 'internal']);
    },
  );

  it('are in no checkpoint before their message is in the journal: after a crash it would be known, and nowhere', () => {
    const stand = new LaneStand({ budgets: () => ['global'], checkpoint_every: 1 });
    stand.send('s1', 'session.deliver', {
      ...{ message_id: 'one', user_id: 'ann', channel: 'channel/tg', content: 'one', model: '', queue: 'followup' },
      ...{ workspace_id: 'home', open: true, any_user: false },
      reply_to: { channel_id: 'c1', message_id: 'p1', direct: true },
    });
    stand.settle();
    stand.reservesLater = true;
    const reserving = stand.reserving.length;
    stand.say('s1', 'two', 'two');
    stand.settle();
    expect(stand.reserving).toHaveLength(reserving + 1);
    // What is written meanwhile is written with a checkpoint.
    stand.said[0]?.answered({ ok: true, body: { seq: 1 } });
    stand.settle();
    expect(stand.types('s1').slice(-2)).toEqual(['reply_handed', 'checkpoint']);
    const after = new LaneStand({}, stand.rows);
    const again = after.say('s1', 'two', 'two');
    after.settle();
    expect(receiptOf(again).repeated).toBe(false);
    expect(after.types('s1').filter((type) => type === 'turn_finished')).toHaveLength(2);
  });

  it('count those only that are awake', () => {
    const room = new KeyRoom(() => ({ most: 100, least: 64 }));
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
    expect([one.keys, other.keys, room.total]).toEqual([90, 64, 90 + 64]);
    room.left(one);
    expect(room.total).toBe(64);
  });
});
