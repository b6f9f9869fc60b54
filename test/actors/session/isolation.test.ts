// SPDX-License-Identifier: Apache-2.0
// A lane that throws, wherever it does, harms itself alone: who waits is told, the others go on, and it comes back from its log.

import { describe, expect, it } from 'vitest';
import { BAD, codeOf, LaneStand } from './lane-stand.ts';

describe('a lane that throws', () => {
  it('over a message tells its sender; other sessions go on, and so does this one', () => {
    const stand = new LaneStand();
    const { route } = stand.policy;
    stand.say('s1', 'one');
    stand.settle();
    stand.policy = {
      ...stand.policy,
      route: () => {
        throw new Error('no way');
      },
    };
    const bad = stand.say('s1', 'two');
    stand.settle();
    expect(codeOf(bad)).toBe('internal');
    expect(stand.faults.at(-1)?.message).toContain('no way');
    stand.policy = { ...stand.policy, route };
    const [other, again] = [stand.say('s2', 'one'), stand.say('s1', 'three')];
    expect(codeOf(again)).toBe('internal');
    stand.clock.advance(2_000);
    expect(codeOf(other)).toBe('ok');
    expect(codeOf(stand.say('s1', 'four'))).toBe('waiting');
    stand.settle();
    expect(stand.types('s1').filter((type) => type === 'turn_finished')).toHaveLength(2);
  });

  it('in the middle of a turn begins that again from its log', () => {
    const stand = new LaneStand();
    stand.answers = false;
    stand.say('s1', 'one');
    stand.settle();
    stand.calls.get('s1')?.sink.event(BAD);
    stand.clock.advance(2_000);
    expect(stand.types('s1')).toContain('turn_resumed');
    stand.answer('s1');
    stand.settle();
    expect(stand.types('s1').at(-1)).toBe('turn_finished');
  });

  it('again and again over the same turn gives it up, and goes on with the next message', () => {
    const stand = new LaneStand();
    stand.answers = false;
    stand.say('s1', 'one');
    stand.settle();
    for (let attempt = 0; attempt < 4; attempt += 1) {
      stand.calls.get('s1')?.sink.event(BAD);
      stand.clock.advance(2_000);
    }
    expect(stand.types('s1').at(-1)).toBe('turn_failed');
    stand.answers = true;
    stand.say('s1', 'two');
    stand.settle();
    expect(stand.types('s1').at(-1)).toBe('turn_finished');
  });
});
