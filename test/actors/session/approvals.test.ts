// SPDX-License-Identifier: Apache-2.0
// A tool call that waits for a person: over restarts, beside calls that need nobody, past the turn's own time, and until it is too late.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Answered } from '../../../src/actors/session/protocol.ts';
import { LaneStand, receiptOf } from './lane-stand.ts';

const S = 's';
const HOUR = 3_600_000;
const ASK = { id: 'a', name: 'ask-once' };
const ALSO = { id: 'b', name: 'ask-again' };
const FREE = { id: 'f', name: 'once' };

let stand: LaneStand;

beforeEach(() => {
  stand = new LaneStand({ turn_timeout: 10_000 });
  stand.answers = false;
  stand.say(S, 'hello');
  stand.settle();
});

function asks(...calls: readonly (typeof ASK)[]): void {
  stand.askFor(S, ...calls);
  stand.settle();
}

/** The ids under which calls wait, or waited, in the order they were asked for. */
function requests(): readonly string[] {
  return stand.records(S).flatMap((record) => (record.type === 'approval_requested' ? [record.id] : []));
}

function answer(id: string, decision: 'approve' | 'deny'): Answered {
  const asked = stand.send(S, 'session.approval', { id, decision, by: 'ann' });
  stand.settle();
  return receiptOf(asked) as unknown as Answered;
}

function cancel(): void {
  const turn = stand.records(S).find(({ type }) => type === 'turn_started');
  stand.send(S, 'session.cancel', { turn_id: turn?.type === 'turn_started' ? turn.turn_id : '', by: 'bob' });
  stand.settle();
}

function passes(ms: number): void {
  stand.clock.advance(ms);
  stand.settle();
}

/** How it went for the calls: asked, answered, returned. */
function course(): readonly string[] {
  return stand.records(S).flatMap((record) => {
    if (record.type === 'approval_requested') return [`${record.call_id} asked`];
    if (record.type === 'approval_decided') return [`${record.decision} by ${record.by}`];
    if (record.type === 'tool_returned') return [`${record.call_id}: ${record.content.split(':')[0]}`];
    return record.type === 'turn_finished' ? [record.finish_reason] : [];
  });
}

const audited = (): readonly string[] => stand.rows.audit.map(({ action, actor }) => `${action} by ${actor}`);
const at = (): unknown => stand.place(S);

describe('a call that asks', () => {
  it('runs once a person has allowed it, and that is noted with it', () => {
    asks(ASK);
    expect(at()).toEqual({ turn: 'waiting_for_approval' });
    expect(stand.tools.size).toBe(0);
    expect(answer(requests()[0] ?? '', 'approve')).toMatchObject({ status: 'taken', by: 'ann', decision: 'approve' });
    expect(at()).toEqual({ turn: 'running_tools' });
    stand.tools.get('a')?.('done');
    stand.settle();
    expect(at()).toEqual({ turn: 'calling_model' });
    expect(course()).toEqual(['a asked', 'approve by ann', 'a: done']);
    expect(audited()).toEqual(['approval.approved by ann']);
  });

  it('does not run when it is refused, and the model goes on', () => {
    asks(ASK);
    answer(requests()[0] ?? '', 'deny');
    expect(at()).toEqual({ turn: 'calling_model' });
    expect(course()).toEqual(['a asked', 'deny by ann', 'a: tool_denied']);
    expect(audited()).toEqual(['approval.denied by ann']);
  });

  it('is asked for by itself: others of its reply run meanwhile, and each is answered alone', () => {
    asks(ASK, FREE, ALSO);
    expect(at()).toEqual({ turn: 'running_tools' });
    expect([...stand.tools.keys()]).toEqual(['f']);
    const [first = '', second = ''] = requests();
    // Allowed while another runs: it does not wait for that one.
    answer(first, 'approve');
    expect([...stand.tools.keys()]).toEqual(['f', 'a']);
    stand.tools.get('f')?.('done');
    stand.tools.get('a')?.('done');
    stand.settle();
    expect(at()).toEqual({ turn: 'waiting_for_approval' });
    answer(second, 'deny');
    expect(course().slice(2)).toEqual(['approve by ann', 'f: done', 'a: done', 'deny by ann', 'b: tool_denied']);
    expect(at()).toEqual({ turn: 'calling_model' });
  });

  it('is answered once: who comes later learns who did', () => {
    asks(ASK, ALSO);
    const [first = ''] = requests();
    answer(first, 'deny');
    expect(answer(first, 'approve')).toMatchObject({ status: 'over', by: 'ann', decision: 'deny' });
    expect(answer('nothing', 'approve')).toMatchObject({ status: 'over', by: '', decision: null });
    expect(course()).toEqual(['a asked', 'b asked', 'deny by ann', 'a: tool_denied']);
  });

  it('is told to its listeners', () => {
    asks(ASK);
    const watched = stand.send(S, 'session.watch', { turn_id: turnOf(), from: 0 });
    const events = (receiptOf(watched) as unknown as { events: { event: { event: string; data: object } }[] }).events;
    expect(events.at(-1)?.event).toEqual({
      event: 'approval_requested',
      data: {
        ...{ id: requests()[0], call_id: 'a', tool: 'ask-once', arguments: '{}', reason: 'it asks' },
        expires_at: '2023-11-14T23:13:20.000Z',
      },
    });
  });
});

const turnOf = (): string => {
  const started = stand.records(S).findLast(({ type }) => type === 'turn_started');
  return started?.type === 'turn_started' ? started.turn_id : '';
};

describe('the time a person takes', () => {
  it("is none of the turn's", () => {
    asks(ASK);
    passes(HOUR / 2);
    answer(requests()[0] ?? '', 'approve');
    passes(9_000);
    expect(course()).toEqual(['a asked', 'approve by ann']);
    passes(2_000);
    expect(course().at(-1)).toBe('a: deadline_exceeded');
  });

  it('is over some time: then it counts as refused', () => {
    asks(ASK, FREE);
    stand.tools.get('f')?.('done');
    passes(HOUR - 2_000);
    expect(at()).toEqual({ turn: 'waiting_for_approval' });
    passes(4_000);
    expect(course()).toEqual(['a asked', 'f: done', 'expired by system', 'a: approval_expired']);
    expect(at()).toEqual({ turn: 'calling_model' });
    expect(audited()).toEqual(['approval.expired by system']);
    stand.answer(S);
    stand.settle();
    expect(course().at(-1)).toBe('stop');
  });

  it('may be shorter than a turn takes', () => {
    stand.policy = { ...stand.policy, approval_timeout: 3_000, turn_timeout: HOUR };
    asks(ASK);
    passes(5_000);
    expect(course()).toEqual(['a asked', 'expired by system', 'a: approval_expired']);
  });

  it('ends with the turn that is stopped', () => {
    asks(ASK, FREE);
    cancel();
    expect(course()).toEqual([
      'a asked',
      'f: The call was cancelled.',
      'cancelled by system',
      'a: The call was cancelled.',
      'cancelled',
    ]);
    expect(stand.rows.owed.size).toBe(0);
    expect(answer(requests()[0] ?? '', 'approve').status).toBe('over');
  });

  it('lets an interrupting message go first', () => {
    asks(ASK);
    stand.say(S, 'stop', 'm-2', 'interrupt');
    stand.settle();
    expect(course().slice(1)).toEqual(['cancelled by system', 'a: The call was cancelled.', 'cancelled']);
    expect(at()).toEqual({ turn: 'calling_model' });
  });

  it('does not hold up the end of its thread', () => {
    asks(ASK);
    let drained = false;
    stand.lanes.drain(() => {
      drained = true;
    });
    passes(1_000);
    expect(drained).toBe(true);
  });
});

describe('the end of its process', () => {
  /** The same log with the next life. */
  function restarts(): void {
    stand = new LaneStand({ turn_timeout: 10_000 }, stand.rows);
    stand.answers = false;
    stand.lanes.recover([S], () => undefined);
    stand.settle();
  }

  it('changes nothing while a person is waited for', () => {
    asks(ASK);
    const [id = ''] = requests();
    for (let times = 0; times < 5; times += 1) {
      restarts();
      passes(60_000);
      expect(at()).toEqual({ turn: 'waiting_for_approval' });
    }
    expect(stand.records(S).some(({ type }) => type === 'turn_resumed')).toBe(false);
    answer(id, 'approve');
    stand.tools.get('a')?.('done');
    stand.settle();
    stand.answer(S);
    stand.settle();
    expect(course()).toEqual(['a asked', 'approve by ann', 'a: done', 'stop']);
  });

  it('leaves a call alone that was allowed and may have run, and makes an idempotent one again', () => {
    asks(ASK, ALSO);
    for (const id of requests()) answer(id, 'approve');
    expect([...stand.tools.keys()]).toEqual(['a', 'b']);
    restarts();
    expect([...stand.tools.keys()]).toEqual(['b']);
    expect(course().at(-1)).toBe('a: The call was interrupted');
  });

  it('does not stop the clock of a request', () => {
    asks(ASK);
    stand.clock.advance(HOUR + 1_000);
    const late = new LaneStand({}, stand.rows);
    late.clock.advance(HOUR + 5_000);
    stand = late;
    stand.answers = false;
    stand.lanes.recover([S], () => undefined);
    passes(2_000);
    expect(course().slice(0, 3)).toEqual(['a asked', 'expired by system', 'a: approval_expired']);
  });
});
