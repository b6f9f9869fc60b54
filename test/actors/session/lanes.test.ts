// SPDX-License-Identifier: Apache-2.0
// The lanes of a thread: sleeping and waking, the cap under a flood, deadlines, recovery and draining.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OVER_MOST } from '../../../src/actors/session/lanes.ts';
import { usualRuns } from '../../drawn.ts';
import { codeOf, LaneStand, receiptOf } from './lane-stand.ts';

const many = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `s${at}`);

describe('sleep', () => {
  it('comes after the idle time, once the log ends with all the lane knows, and the next message finds it again', () => {
    const stand = new LaneStand();
    stand.say('a', 'one');
    stand.settle();
    stand.clock.advance(59_000);
    expect(stand.lanes.awake).toBe(1);
    stand.clock.advance(3_000);
    expect(stand.lanes.awake).toBe(0);
    expect(stand.types('a').at(-1)).toBe('checkpoint');
    expect(stand.moved).toEqual(['a opened', 'a asleep']);

    const asked = stand.say('a', 'two');
    stand.settle();
    expect(receiptOf(asked).status).toBe('running');
    expect(stand.prompts.at(-1)).toEqual(['one', 'answer to one', 'two']);
    expect(stand.moved.at(-1)).toBe('a awake');
  });

  it('writes nothing for a session that was only looked at', () => {
    const stand = new LaneStand();
    const { turn_id } = receiptOf(settled(stand, stand.say('a', 'one')));
    stand.clock.advance(70_000);
    const rows = stand.types('a').length;
    settled(stand, stand.send('a', 'session.watch', { turn_id, from: 0 }));
    expect(stand.lanes.awake).toBe(1);
    stand.clock.advance(70_000);
    expect(stand.lanes.awake).toBe(0);
    expect(stand.types('a').length).toBe(rows);
  });

  it('is put off by a message that comes while the checkpoint is on its way', () => {
    const stand = new LaneStand();
    settled(stand, stand.say('a', 'one'));
    stand.stalled = true;
    stand.clock.advance(61_000);
    const asked = stand.say('a', 'two');
    stand.release();
    stand.settle();
    expect(codeOf(asked)).toBe('ok');
    expect(stand.lanes.awake).toBe(1);
    expect(stand.moved).toEqual(['a opened']);
    stand.clock.advance(70_000);
    expect(stand.lanes.awake).toBe(0);
  });

  it('remembers the keys of its messages', () => {
    const stand = new LaneStand();
    const first = receiptOf(settled(stand, stand.say('a', 'one', 'key')));
    stand.clock.advance(70_000);
    const again = receiptOf(settled(stand, stand.say('a', 'one', 'key')));
    expect(again).toMatchObject({ turn_id: first.turn_id, repeated: true, status: 'ended' });
    expect(codeOf(settled(stand, stand.say('a', 'other words', 'key')))).toBe('conflict');
  });

  it('takes many at a time when many are due', () => {
    const stand = new LaneStand({ awake_most: 2_000 });
    for (const id of many(1_000)) stand.say(id, 'hello');
    stand.settle();
    expect(stand.lanes.awake).toBe(1_000);
    stand.clock.advance(62_000);
    expect(stand.lanes.awake).toBe(0);
  });

  it('is not kept from those that rest by those that run', () => {
    const stand = new LaneStand({ turn_timeout: 3_600_000 });
    stand.answers = false;
    for (const id of many(400)) stand.say(id, 'think long');
    stand.settle();
    stand.answers = true;
    settled(stand, stand.say('last', 'hello'));
    stand.clock.advance(70_000);
    expect(stand.moved).toContain('last asleep');
    expect(stand.lanes.awake).toBe(400);
  });
});

describe('the cap', () => {
  it('holds while a flood of sessions passes through, and none loses its history', () => {
    const stand = new LaneStand({ awake_most: 10 });
    for (let wave = 0; wave < 20; wave += 1) {
      for (const id of many(50)) stand.say(`${wave}-${id}`, 'hello');
      stand.settle();
      expect(stand.lanes.awake).toBeLessThanOrEqual(10);
    }
    stand.say('0-s0', 'and now?');
    stand.settle();
    expect(stand.prompts.at(-1)).toEqual(['hello', 'answer to hello', 'and now?']);
  });

  it('smaller than the number of running turns lets them all run to their end', () => {
    const stand = new LaneStand({ awake_most: 2 });
    stand.answers = false;
    const asked = many(30).map((id) => stand.say(id, 'hello'));
    stand.settle();
    expect(asked.map(codeOf)).toEqual(asked.map(() => 'ok'));
    expect(stand.lanes.awake).toBe(30);
    for (const id of many(30)) stand.answer(id);
    stand.settle();
    expect(stand.lanes.awake).toBe(2);
    expect(stand.lanes.busy).toBe(0);
  });

  it('lets no more than so many busy sessions in beyond it, and says so to the next', () => {
    const stand = new LaneStand({ awake_most: 5 });
    stand.answers = false;
    const asked = many(5 + OVER_MOST + 3).map((id) => stand.say(id, 'hello'));
    stand.settle();
    expect(asked.filter((one) => codeOf(one) === 'ok').length).toBe(5 + OVER_MOST);
    expect(asked.slice(-3).map(codeOf)).toEqual(['overloaded', 'overloaded', 'overloaded']);
    // Those that are in are heard, and once one is through the next may come.
    expect(codeOf(settled(stand, stand.say('s0', 'one more')))).toBe('ok');
    stand.answer('s1');
    stand.settle();
    expect(codeOf(settled(stand, stand.say('late', 'hello')))).toBe('ok');
  });

  it('lets a session that slept answer while all of it is busy', () => {
    const stand = new LaneStand({ awake_most: 1 });
    settled(stand, stand.say('a', 'one'));
    settled(stand, stand.say('b', 'one'));
    stand.answers = false;
    settled(stand, stand.say('b', 'hang'));
    expect(stand.moved).toContain('a asleep');
    stand.answers = true;
    expect(codeOf(settled(stand, stand.say('a', 'two')))).toBe('ok');
    expect(stand.types('a').filter((type) => type === 'turn_finished').length).toBe(2);
  });

  it('bounds what waits for sessions to wake', () => {
    const stand = new LaneStand({ awake_most: 100 });
    stand.stalled = true;
    const asked = Array.from({ length: 70 }, (_, at) => stand.say('a', `message ${at}`));
    stand.settle();
    expect(asked.slice(64).map(codeOf)).toEqual(Array(6).fill('overloaded'));
    stand.release();
    stand.settle();
    expect(codeOf(asked[0] ?? { answer: undefined })).toBe('ok');
  });
});

describe('a turn out of time', () => {
  it('ends, whatever else is awake, and the session goes on', () => {
    const stand = new LaneStand({ turn_timeout: 10_000 });
    stand.answers = false;
    stand.say('a', 'hang');
    stand.settle();
    stand.clock.advance(5_000);
    stand.say('b', 'hang');
    stand.settle();
    stand.clock.advance(7_000);
    expect(stand.types('a').at(-1)).toBe('turn_failed');
    expect(stand.types('b').at(-1)).toBe('model_called');
    stand.clock.advance(5_000);
    expect(stand.types('b').at(-1)).toBe('turn_failed');
    stand.answers = true;
    settled(stand, stand.say('a', 'again'));
    expect(stand.types('a').at(-1)).toBe('turn_finished');
  });

  it('is the turn that runs, not the one before it', () => {
    const stand = new LaneStand({ turn_timeout: 10_000 });
    settled(stand, stand.say('a', 'quick'));
    stand.clock.advance(8_000);
    stand.answers = false;
    settled(stand, stand.say('a', 'slow'));
    stand.clock.advance(8_000);
    expect(stand.types('a').at(-1)).toBe('model_called');
    stand.clock.advance(4_000);
    expect(stand.types('a').at(-1)).toBe('turn_failed');
  });
});

describe('recovery', () => {
  it('takes up more sessions than may be awake, as those before them come to rest', () => {
    const before = new LaneStand({ awake_most: 5_000 });
    before.answers = false;
    const ids = many(OVER_MOST + 200);
    for (const id of ids) before.say(id, 'hello');
    before.settle();
    before.lanes.stop();

    const after = new LaneStand({ awake_most: 3 }, before.rows);
    let done = false;
    after.lanes.recover(ids, () => {
      done = true;
    });
    after.settle();
    for (let second = 0; second < 5 && !done; second += 1) after.clock.advance(1_000);
    expect(done).toBe(true);
    for (const id of ids) expect(after.types(id)).toContain('turn_finished');
    expect(after.lanes.awake).toBe(3);
  });
});

describe('draining', () => {
  it('is over when the last turn is, and not before', () => {
    const stand = new LaneStand();
    stand.answers = false;
    for (const id of many(3)) stand.say(id, 'hello');
    stand.settle();
    let over = false;
    stand.lanes.drain(() => {
      over = true;
    });
    stand.answer('s0');
    stand.answer('s1');
    stand.settle();
    expect(over).toBe(false);
    stand.answer('s2');
    stand.settle();
    expect(over).toBe(true);
  });
});

describe('a pause', () => {
  it('lets what runs finish and begins nothing; what waits is asked for in its order afterwards', () => {
    const stand = new LaneStand();
    stand.answers = false;
    const first = settled(stand, stand.say('a', 'one'));
    stand.pause(true);
    const later = [stand.say('a', 'two'), stand.say('a', 'three'), stand.say('b', 'else')];
    stand.settle();
    expect([first, ...later].map((asked) => receiptOf(asked).status)).toEqual([
      'running',
      'queued',
      'queued',
      'queued',
    ]);
    stand.answers = true;
    stand.answer('a');
    stand.settle();
    expect(stand.over).toEqual([receiptOf(first).turn_id]);
    // Nothing of it runs, so it may be drained, and may sleep.
    expect(stand.lanes.busy).toBe(0);
    stand.pause(false);
    stand.settle();
    expect(stand.types('a').filter((type) => type === 'turn_finished')).toHaveLength(3);
    expect(stand.prompts.map((prompt) => prompt.at(-1))).toEqual(['one', 'two', 'else', 'three']);
  });

  it('lasts over sleep: what is known of a session that sleeps with messages in it is what was there', () => {
    const stand = new LaneStand({ idle_timeout: 1_000 });
    stand.pause(true);
    const asked = ['one', 'two', 'three'].map((content) => stand.say('a', content));
    stand.settle();
    for (let second = 0; second < 20; second += 1) stand.clock.advance(1_000);
    expect(stand.lanes.awake).toBe(0);
    expect(stand.types('a').at(-1)).toBe('checkpoint');
    // One more wakes it, and is cancelled.
    const last = settled(stand, stand.say('a', 'four'));
    const { turn_id } = receiptOf(last);
    stand.send('a', 'session.cancel', { turn_id, by: 'ann' });
    stand.settle();
    expect(stand.over).toEqual([turn_id]);
    for (let second = 0; second < 20; second += 1) stand.clock.advance(1_000);
    // The thread ends, and another life of it goes on with what the journal has.
    const next = new LaneStand({ idle_timeout: 1_000 }, stand.rows);
    next.pause(true);
    next.recover();
    next.settle();
    expect(next.over).toEqual([]);
    next.pause(false);
    next.settle();
    expect(next.over).toEqual(asked.map((one) => receiptOf(one).turn_id));
    expect(next.prompts.map((prompt) => prompt.at(-1))).toEqual(['one', 'two', 'three']);
  });
});

describe('whatever happens', () => {
  it('counts of busy and awake sessions are right, and in the end all sleep', () => {
    const moves = fc.array(
      fc.oneof(
        fc.record({ do: fc.constant('say' as const), session: fc.integer({ min: 0, max: 12 }) }),
        fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 90_000 }) }),
        fc.record({ do: fc.constant('hold' as const), answers: fc.boolean() }),
        fc.record({ do: fc.constant('stall' as const), stalled: fc.boolean() }),
        fc.record({ do: fc.constant('pause' as const), paused: fc.boolean() }),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(moves, fc.integer({ min: 1, max: 6 }), (played, cap) => {
        const stand = new LaneStand({ awake_most: cap, idle_timeout: 30_000, turn_timeout: 40_000 });
        const asked: ReturnType<LaneStand['say']>[] = [];
        const said = new Map<string, number>();
        for (const move of played) {
          if (move.do === 'say') {
            const id = `s${move.session}`;
            asked.push(stand.say(id, 'hello'));
            said.set(id, (said.get(id) ?? 0) + 1);
          } else if (move.do === 'wait') stand.clock.advance(move.ms);
          else if (move.do === 'hold') stand.answers = move.answers;
          else if (move.do === 'pause') stand.pause(move.paused);
          else if (move.stalled) stand.stalled = true;
          else stand.release();
          expect(stand.lanes.busy).toBeGreaterThanOrEqual(0);
        }
        stand.answers = true;
        stand.pause(false);
        stand.release();
        // Turns that hang run out of time, then everything rests long enough.
        for (let minute = 0; minute < 14 * 60; minute += 1) stand.clock.advance(60_000 / 14);
        expect(stand.lanes.busy).toBe(0);
        expect(stand.lanes.awake).toBe(0);
        expect(asked.map(codeOf)).toEqual(asked.map(() => 'ok'));
        for (const [id, count] of said) {
          const types = stand.types(id);
          expect(types.filter((type) => type === 'turn_finished' || type === 'turn_failed').length).toBe(count);
        }
      }),
      { numRuns: usualRuns(60) },
    );
  });
});

function settled<T>(stand: LaneStand, asked: T): T {
  stand.settle();
  return asked;
}
