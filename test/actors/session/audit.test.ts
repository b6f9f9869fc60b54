// SPDX-License-Identifier: Apache-2.0
// What a lane notes in the audit, in the append of the records themselves; and what it does not.

import { describe, expect, it } from 'vitest';
import type { ChatEvent } from '../../../src/providers/provider.ts';
import { LaneStand } from './lane-stand.ts';

const BAD = {
  get type(): string {
    throw new Error('a bad event');
  },
} as unknown as ChatEvent;

/** A session of ann's with a turn that runs and one that waits. */
function running(): { stand: LaneStand; turns: readonly string[] } {
  const stand = new LaneStand();
  stand.answers = false;
  stand.say('s1', 'one');
  stand.say('s1', 'two');
  stand.settle();
  const turns = [...stand.rows.rows.values()].flatMap(({ type, turn_id }) =>
    type === 'message_received' && turn_id !== null ? [turn_id] : [],
  );
  return { stand, turns };
}

const noted = ({ rows }: LaneStand) =>
  rows.audit.map(({ action, actor, result, workspace_id, session_id, details, seq }) => {
    expect([workspace_id, session_id]).toEqual(['home', 's1']);
    // It is an entry of the record it is about.
    expect(rows.rows.get(seq)?.stream).toBe('session/s1');
    return [action, actor, result, JSON.parse(details)];
  });

describe('a lane notes', () => {
  it('that somebody else stopped a turn, running or waiting, and not that its own user did', () => {
    const { stand, turns } = running();
    const [first, second] = turns;
    stand.send('s1', 'session.cancel', { turn_id: second, by: 'bo' });
    stand.settle();
    stand.send('s1', 'session.cancel', { turn_id: first, by: 'bo' });
    stand.settle();
    expect(noted(stand)).toEqual([
      ['turn.cancelled', 'bo', 'ok', { turn_id: second, user_id: 'ann' }],
      ['turn.cancelled', 'bo', 'ok', { turn_id: first, user_id: 'ann' }],
    ]);
    const own = running();
    for (const turn_id of own.turns) own.stand.send('s1', 'session.cancel', { turn_id, by: 'ann' });
    own.stand.settle();
    expect(own.stand.types('s1')).toContain('cancel_requested');
    expect(noted(own.stand)).toEqual([]);
  });

  it('that a session was put away, and by whom; not that it has a new title', () => {
    const { stand } = running();
    stand.send('s1', 'session.change', { title: 'a title', by: 'ann' });
    stand.send('s1', 'session.change', { status: 'archived', by: 'ann' });
    stand.settle();
    expect(noted(stand)).toEqual([['session.archived', 'ann', 'ok', { user_id: 'ann' }]]);
  });

  it('that a turn was given up', () => {
    const { stand, turns } = running();
    for (let attempt = 0; attempt < 4; attempt += 1) {
      stand.calls.get('s1')?.sink.event(BAD);
      stand.clock.advance(2_000);
    }
    expect(noted(stand)).toEqual([['turn.poisoned', 'system', 'failed', { turn_id: turns[0], user_id: 'ann' }]]);
  });
});
