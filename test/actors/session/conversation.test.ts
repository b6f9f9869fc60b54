// SPDX-License-Identifier: Apache-2.0
// A conversation's commands: begun anew it goes on elsewhere, a turn is stopped, a model chosen, a request answered.

import { describe, expect, it } from 'vitest';
import type { SessionCommand, SessionCommanded } from '../../../src/actors/session/protocol.ts';
import { type Asked, codeOf, LaneStand, receiptOf } from './lane-stand.ts';

const place = { workspace_id: 'home', user_id: 'ann', channel: 'channel/tg' };

function command(stand: LaneStand, what: SessionCommand['what'], more: Partial<SessionCommand> = {}): Asked {
  return stand.send('first', 'session.command', { by: 'ann', all: false, place, what, ...more });
}

function told({ answer }: Asked): SessionCommanded {
  if (answer?.ok !== true) throw new Error(JSON.stringify(answer));
  return answer.body as SessionCommanded;
}

/** Says something in the conversation that began in `first`. */
function say(stand: LaneStand, content: string, more: object = {}): Asked {
  return stand.send('first', 'session.deliver', {
    ...{ message_id: content, user_id: 'ann', channel: 'channel/tg', content, model: '', queue: 'followup' },
    ...{ workspace_id: 'home', open: true, any_user: true, conversation: true, ...more },
  });
}

describe('a conversation', () => {
  it('goes on in the next session once somebody began anew, also after sleep and a restart, one step away', () => {
    const stand = new LaneStand();
    const before = command(stand, { do: 'new', next: 'second' });
    stand.settle();
    expect(told(before).what).toEqual({ did: 'new', next: 'first' });
    say(stand, 'one');
    stand.settle();
    const anew = command(stand, { do: 'new', next: 'second' });
    // The same once more, as after a crash.
    const again = command(stand, { do: 'new', next: 'second' });
    const two = say(stand, 'two');
    stand.settle();
    expect([told(anew).what, told(again).what]).toEqual([
      { did: 'new', next: 'second' },
      { did: 'new', next: 'second' },
    ]);
    expect(receiptOf(two).session_id).toBe('second');
    expect(stand.prompts.at(-1)).toEqual(['two']);
    command(stand, { do: 'new', next: 'third' });
    const three = say(stand, 'three');
    stand.settle();
    expect(receiptOf(three).session_id).toBe('third');
    stand.lanes.stop();
    const later = new LaneStand({}, stand.rows);
    const four = say(later, 'four');
    // Who names a session means that one.
    const old = say(later, 'five', { conversation: undefined });
    later.settle();
    expect([receiptOf(four).session_id, receiptOf(old).session_id]).toEqual(['third', 'first']);
    expect(later.prompts.map((prompt) => prompt.at(-1))).toEqual(expect.arrayContaining(['four', 'five']));
    expect(stand.types('first').filter((type) => type === 'session_superseded')).toHaveLength(2);
  });

  it('hands nothing on before it is durable that it is another one’s', () => {
    const stand = new LaneStand();
    say(stand, 'one');
    stand.settle();
    stand.stalled = true;
    command(stand, { do: 'new', next: 'second' });
    const two = say(stand, 'two');
    stand.settle();
    expect(codeOf(two)).toBe('waiting');
    stand.release();
    expect(receiptOf(two).session_id).toBe('second');
  });

  it('is stopped by whom it answers, or who may for everybody', () => {
    const stand = new LaneStand();
    stand.answers = false;
    const stop = (by: string, all = false): unknown => {
      const asked = command(stand, { do: 'stop' }, { by, all });
      stand.settle();
      return told(asked).what;
    };
    expect(stop('ann')).toEqual({ did: 'stop', status: 'idle' });
    say(stand, 'one');
    stand.settle();
    expect(stop('bo')).toEqual({ did: 'stop', status: 'not_yours' });
    expect(stop('ann')).toEqual({ did: 'stop', status: 'stopping' });
    say(stand, 'two', { user_id: 'bo' });
    stand.settle();
    expect(stop('olga', true)).toEqual({ did: 'stop', status: 'stopping' });
    expect(stand.types('first').filter((type) => type === 'turn_finished')).toHaveLength(2);
  });

  it('has the model somebody chose, before anything is said too; one there is not is refused', () => {
    const stand = new LaneStand();
    stand.policy = {
      ...stand.policy,
      route: ({ requested, session }) =>
        requested === 'x/bad'
          ? { code: 'validation_failed', message: 'no', retryable: false, details: {} }
          : requested || session || 'sigil/offline',
    };
    const model = (wanted: string): Asked => {
      const asked = command(stand, { do: 'model', model: wanted });
      stand.settle();
      return asked;
    };
    expect(told(model('')).what).toEqual({ did: 'model', model: 'sigil/offline', chosen: false });
    expect(codeOf(model('x/bad'))).toBe('validation_failed');
    expect(stand.rows.rows.size).toBe(0);
    expect(told(model('x/good')).what).toEqual({ did: 'model', model: 'x/good', chosen: true });
    say(stand, 'one');
    stand.settle();
    expect(stand.records('first').find((record) => record.type === 'turn_started')).toMatchObject({ model: 'x/good' });
    expect(told(model('default')).what).toMatchObject({ chosen: false });
    const status = command(stand, { do: 'status' });
    stand.settle();
    expect(told(status).what).toEqual({ did: 'status', model: 'sigil/offline', running: false, waiting: 0, asked: 0 });
  });

  it('takes an answer of whom the turn answers, or of who may for everybody; never of a stranger in the group', () => {
    const stand = new LaneStand({ approval: () => 'it writes' });
    stand.answers = false;
    say(stand, 'one');
    stand.settle();
    stand.askFor('first', { id: 'c1', name: 'write' }, { id: 'c2', name: 'send' });
    stand.settle();
    const ids = stand.records('first').flatMap((record) => (record.type === 'approval_requested' ? [record.id] : []));
    const answer = (part: string, by: string, all = false): unknown => {
      const asked = command(stand, { do: 'answer', part, decision: 'approve' }, { by, all });
      stand.settle();
      return told(asked).what;
    };
    for (const part of ['', ids[0] ?? '']) expect(answer(part, 'bo')).toMatchObject({ status: 'not_yours' });
    expect(stand.tools.size).toBe(0);
    expect(answer('', 'ann')).toMatchObject({ status: 'which', ids });
    expect(answer('nothing', 'ann')).toMatchObject({ status: 'none' });
    expect(answer(ids[0] ?? '', 'ann')).toMatchObject({ status: 'taken', tool: 'write' });
    expect(answer('', 'olga', true)).toMatchObject({ status: 'taken', tool: 'send' });
    expect([...stand.tools.keys()].sort()).toEqual(['c1', 'c2']);
  });
});
