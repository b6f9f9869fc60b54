// SPDX-License-Identifier: Apache-2.0
// What a session hands to chat channels: once it is durable, again until it is taken, and after a crash.

import { describe, expect, it } from 'vitest';
import { failure } from '../../../src/errors.ts';
import type { ReplyTo } from '../../../src/stores/reply-to.ts';
import { LaneStand } from './lane-stand.ts';

const there: ReplyTo = { channel_id: 'c1', message_id: 'p1', direct: true };

function say(stand: LaneStand, content: string, channel = 'channel/tg', to: ReplyTo | null = there, key = content) {
  const body = {
    ...{ message_id: key, user_id: 'ann', channel, content, model: '', queue: 'followup', workspace_id: 'home' },
    ...{ open: true, any_user: false, ...(to === null ? {} : { reply_to: to }) },
  };
  return stand.send('s1', 'session.deliver', body);
}

const keys = (stand: LaneStand) => stand.said.map(({ part }) => part.key);
const owed = (stand: LaneStand) => [...stand.rows.owed.values()].map(({ kind }) => kind);
const take = (stand: LaneStand, at = 0) => {
  stand.said[at]?.answered({ ok: true, body: { seq: 1 } });
  stand.settle();
};

describe('an answer to a message of a chat channel', () => {
  it('is owed from the end of its turn until the channel has it', () => {
    const stand = new LaneStand();
    say(stand, 'one');
    stand.settle();
    expect(stand.said.map(({ part }) => part)).toMatchObject([
      { channel: 'channel/tg', to: there, user_id: 'ann', kind: 'reply', content: 'answer to one' },
    ]);
    expect(owed(stand)).toEqual(['part']);
    take(stand);
    expect(owed(stand)).toEqual([]);
    expect(stand.types('s1').at(-1)).toBe('reply_handed');
    expect(stand.lanes.busy).toBe(0);
  });

  it('is not owed where its sender follows the turn', () => {
    const stand = new LaneStand();
    say(stand, 'one', 'channel/http', null);
    stand.settle();
    expect(stand.said).toEqual([]);
    expect(owed(stand)).toEqual([]);
  });

  it('is handed over again under the same key until it is taken, those of a channel in their order', () => {
    const stand = new LaneStand();
    say(stand, 'one');
    say(stand, 'two');
    say(stand, 'three', 'channel/irc');
    stand.settle();
    const [first] = keys(stand);
    expect(stand.said.map(({ part }) => part.channel)).toEqual(['channel/tg', 'channel/irc']);
    stand.said[0]?.answered({ ok: false, error: failure('thread_lost', 'the thread ended') });
    stand.clock.advance(1_000);
    expect(keys(stand).at(-1)).toBe(first);
    take(stand, 2);
    expect(stand.said.at(-1)?.part.content).toBe('answer to two');
  });

  it('survives the thread, before it was handed over and after', () => {
    const before = new LaneStand();
    say(before, 'one');
    before.settle();
    const stand = new LaneStand({}, before.rows);
    stand.lanes.recover(['s1'], () => undefined);
    stand.settle();
    expect(keys(stand)).toEqual(keys(before));
    take(stand);
    expect(owed(stand)).toEqual([]);
  });

  it('survives a checkpoint in between', () => {
    const before = new LaneStand({ checkpoint_every: 1 });
    say(before, 'one');
    before.settle();
    expect(before.types('s1')).toContain('checkpoint');
    const stand = new LaneStand({}, before.rows);
    stand.lanes.recover(['s1'], () => undefined);
    stand.settle();
    take(stand);
    expect(owed(stand)).toEqual([]);
  });

  it('is to be taken before many more are made: the platform keeps the next messages', () => {
    const stand = new LaneStand();
    for (let at = 0; at < 40; at += 1) {
      say(stand, `message ${at}`);
      stand.settle();
    }
    expect(say(stand, 'one more').answer).toMatchObject({ ok: false, error: { code: 'overloaded' } });
    expect(stand.rows.owed.size).toBe(16);
    const elsewhere = [say(stand, 'by another', 'channel/irc'), say(stand, 'over HTTP', 'channel/http', null)];
    stand.settle();
    expect(elsewhere.map(({ answer }) => answer?.ok)).toEqual([true, true]);
    take(stand);
    const again = say(stand, 'message 16');
    stand.settle();
    expect(again.answer?.ok).toBe(true);
  });

  it('is not made twice where the platform sends the message again and its file cannot be had any more', () => {
    const stand = new LaneStand();
    const named = { name: 'cat.png', media_type: 'image/png', size: 10 } as const;
    const send = (attachment: object) =>
      stand.send('s1', 'session.deliver', {
        ...{ message_id: 'm', user_id: 'ann', channel: 'channel/tg', content: '', model: '', queue: 'followup' },
        ...{ workspace_id: 'home', open: true, any_user: false, reply_to: there, attachments: [attachment] },
      });
    const first = send({ kind: 'file', ...named, id: 'a-file' });
    stand.settle();
    const again = send({ kind: 'refused', ...named, problem: 'it could not be fetched' });
    stand.settle();
    expect(again.answer).toMatchObject({ ok: true, body: { repeated: true } });
    expect(first.answer?.ok).toBe(true);
    expect(stand.said).toHaveLength(1);
  });

  it('is given up after its time, and says so', () => {
    const stand = new LaneStand({ outbox_age: 60_000, turn_timeout: 3_600_000 });
    say(stand, 'one');
    stand.settle();
    for (let at = 0; at < 20 && stand.types('s1').at(-1) !== 'reply_lost'; at += 1) {
      stand.said.at(-1)?.answered({ ok: false, error: failure('not_found', 'there is no such channel') });
      stand.clock.advance(60_000);
    }
    expect(stand.records('s1').at(-1)).toMatchObject({ type: 'reply_lost', code: 'deadline_exceeded' });
    expect(stand.gaveUp).toEqual(['channel/tg']);
    expect(owed(stand)).toEqual([]);
  });

  it('does not keep its session from being deleted', () => {
    const stand = new LaneStand();
    say(stand, 'one');
    stand.settle();
    const deleted = stand.send('s1', 'session.delete', { by: 'ann' });
    stand.settle();
    expect(deleted.answer?.ok).toBe(true);
    expect(owed(stand)).toEqual(['erasure']);
  });

  it('is forgotten by the channels before its session is gone, and the session stays where one cannot', () => {
    const stand = new LaneStand();
    say(stand, 'one');
    stand.settle();
    stand.unsaying = failure('thread_lost', 'the thread ended');
    const refused = stand.send('s1', 'session.delete', { by: 'ann' });
    stand.settle();
    expect(refused.answer).toMatchObject({ ok: false, error: { code: 'thread_lost' } });
    expect(stand.types('s1')).not.toContain('session_deleted');
    // What is owed is handed over again.
    expect(stand.said).toHaveLength(2);
    stand.unsaying = null;
    const deleted = stand.send('s1', 'session.delete', { by: 'ann' });
    stand.settle();
    expect(deleted.answer?.ok).toBe(true);
    expect(stand.unsaid).toEqual(['channel/tg s1', 'channel/tg s1']);
  });

  it('tells a person that their turn failed', () => {
    const stand = new LaneStand({ failover: () => [] });
    stand.answers = false;
    say(stand, 'one');
    stand.settle();
    stand.calls.get('s1')?.sink.end(failure('provider_error', 'The model is away.'));
    stand.settle();
    expect(stand.said.at(-1)?.part).toMatchObject({
      kind: 'failure',
      content: expect.stringMatching(/^This could not be answered: .*The model is away\./),
    });
  });

  it('asks a person there for approval while the turn waits', () => {
    const stand = new LaneStand();
    stand.policy = { ...stand.policy, approval: () => 'it is dear' };
    stand.answers = false;
    say(stand, 'one');
    stand.settle();
    stand.askFor('s1', { id: 'call-1', name: 'ask-once' });
    stand.settle();
    const { part } = stand.said.at(-1) ?? {};
    expect(part?.kind).toBe('approval');
    expect(part?.content).toContain(`/approve ${part?.key}`);
    take(stand);
    expect(owed(stand)).toEqual(['turn']);
  });
});
