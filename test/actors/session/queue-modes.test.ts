// SPDX-License-Identifier: Apache-2.0
// What a message does while a turn runs: collected into the next one, handed to the one that runs, and found under its own turn's id.

import { describe, expect, it } from 'vitest';
import type { Delivered, Watched } from '../../../src/actors/session/protocol.ts';
import type { QueueMode } from '../../../src/stores/records.ts';
import { type Asked, LaneStand, receiptOf } from './lane-stand.ts';

const S = 's';

/** Says something while a turn runs. */
function said(stand: LaneStand, id: string, queue: QueueMode, user_id = 'ann', model = ''): Delivered {
  const asked = stand.send(S, 'session.deliver', {
    ...{ message_id: id, user_id, channel: 'channel/http', content: `${id}?`, model, queue },
    ...{ workspace_id: 'home', open: true, any_user: true },
  });
  stand.settle();
  return receiptOf(asked);
}

function busy(): { readonly stand: LaneStand; readonly first: Delivered } {
  const stand = new LaneStand();
  stand.answers = false;
  return { stand, first: said(stand, 'm1', 'followup') };
}

function answered(stand: LaneStand): void {
  stand.answer(S);
  stand.settle();
}

const watched = (asked: Asked): Watched => receiptOf(asked) as unknown as Watched;

function watch(stand: LaneStand, turn_id: string): Watched {
  const asked = stand.send(S, 'session.watch', { turn_id, from: 0 });
  stand.settle();
  return watched(asked);
}

/** What is said of messages, in order: who starts, is collected, is handed over, ends. */
function told(stand: LaneStand): readonly string[] {
  return stand.records(S).flatMap((record) => {
    if (record.type === 'turn_started') return [`${record.message_ids.join('+')} starts`];
    if (record.type === 'message_collected') return [`${record.message_id} collected`];
    if (record.type === 'message_steered') return [`${record.message_id} before call ${record.before_call}`];
    if (record.type === 'turn_finished') return [record.finish_reason];
    return [];
  });
}

describe('collect', () => {
  it('makes one turn of all that waits, and everybody who waits gets it', () => {
    const { stand } = busy();
    const [second, third] = [said(stand, 'm2', 'collect'), said(stand, 'm3', 'collect')];
    expect([second.status, third.status]).toEqual(['queued', 'queued']);
    answered(stand);
    expect(told(stand)).toEqual(['m1 starts', 'stop', 'm3 collected', 'm2+m3 starts']);
    expect(stand.prompts.at(-1)).toEqual(['m1?', 'answer to m1?', 'm2?\n\nm3?']);
    expect([...stand.led]).toEqual([[third.turn_id, second.turn_id]]);
    expect(watch(stand, third.turn_id)).toMatchObject({ turn_id: second.turn_id, status: 'running' });
    // A repetition is joined to the turn that answers.
    expect(said(stand, 'm3', 'collect')).toMatchObject({ turn_id: second.turn_id, status: 'running', repeated: true });
    answered(stand);
    expect(stand.over.slice(1)).toEqual([second.turn_id, third.turn_id]);
    expect(stand.rows.owed.size).toBe(0);
    // What the model saw as one message it sees as one again.
    said(stand, 'm4', 'followup');
    expect(stand.prompts.at(-1)).toEqual(['m1?', 'answer to m1?', 'm2?\n\nm3?', 'answer to m2?', 'm4?']);
  });

  it('keeps the order of what is answered by itself, and mixes neither people nor models', () => {
    const { stand } = busy();
    said(stand, 'm2', 'collect');
    said(stand, 'm3', 'collect');
    said(stand, 'm4', 'followup');
    said(stand, 'm5', 'collect');
    said(stand, 'm6', 'collect', 'bob');
    said(stand, 'm7', 'collect', 'bob', 'near/small');
    said(stand, 'm8', 'collect', 'bob', 'near/small');
    for (let left = 6; left > 0; left -= 1) answered(stand);
    expect(told(stand).filter((line) => line.endsWith('starts'))).toEqual(
      ['m1', 'm2+m3', 'm4', 'm5', 'm6', 'm7+m8'].map((who) => `${who} starts`),
    );
  });

  it('drops one message that is cancelled while it waits, and stops the whole turn once it runs', () => {
    const { stand } = busy();
    const [, second, third] = [
      said(stand, 'm2', 'collect'),
      said(stand, 'm3', 'collect'),
      said(stand, 'm4', 'collect'),
    ];
    stand.send(S, 'session.cancel', { turn_id: second?.turn_id, by: 'ann' });
    stand.settle();
    answered(stand);
    expect(told(stand).slice(-2)).toEqual(['m4 collected', 'm2+m4 starts']);
    const asked = stand.send(S, 'session.cancel', { turn_id: third?.turn_id, by: 'ann' });
    stand.settle();
    expect(asked.answer).toMatchObject({ ok: true, body: { status: 'cancelling' } });
    expect(told(stand).at(-1)).toBe('cancelled');
    expect(stand.rows.owed.size).toBe(0);
  });

  it('is interrupted whole', () => {
    const { stand } = busy();
    said(stand, 'm2', 'collect');
    said(stand, 'm3', 'collect');
    answered(stand);
    said(stand, 'm4', 'interrupt');
    expect(told(stand).slice(-2)).toEqual(['cancelled', 'm4 starts']);
  });

  it('survives the end of its process at any record, and leads the same turns to the same one', () => {
    const { stand } = busy();
    const [second, third] = [said(stand, 'm2', 'collect'), said(stand, 'm3', 'collect')];
    answered(stand);
    const rows = [...stand.rows.rows.values()];
    const started = rows.findLast(({ type }) => type === 'turn_started')?.seq ?? 0;
    for (const upto of [started - 1, started, rows.length]) {
      const left = {
        rows: new Map(rows.filter(({ seq }) => seq <= upto).map((row) => [row.seq, row])),
        owed: new Map(rows.flatMap((row) => (row.seq <= upto && row.type === 'message_received' ? [owes(row)] : []))),
        audit: [],
      };
      const next = new LaneStand({}, left);
      next.answers = false;
      next.lanes.recover([S], () => undefined);
      next.settle();
      expect(watch(next, third.turn_id)).toMatchObject({ turn_id: second.turn_id, status: 'running' });
      answered(next);
      expect(next.over).toEqual([second.turn_id, third.turn_id]);
    }
  });
});

const owes = ({ seq, stream }: { seq: number; stream: string }): [number, { stream: string; kind: 'turn' }] => [
  seq,
  { stream, kind: 'turn' },
];

describe('steer', () => {
  it('is handed to the turn that runs before its next call', () => {
    const { stand, first } = busy();
    const second = said(stand, 'm2', 'steer');
    stand.askFor(S, { id: 'c1', name: 'once' });
    stand.settle();
    const third = said(stand, 'm3', 'steer');
    expect(told(stand)).toEqual(['m1 starts']);
    stand.tools.get('c1')?.('done');
    stand.settle();
    expect(told(stand).slice(1)).toEqual(['m2 before call 2', 'm3 before call 2']);
    expect(stand.prompts.at(-1)).toEqual(['m1?', 'm2?', 'm3?']);
    expect(watch(stand, third.turn_id).turn_id).toBe(first.turn_id);
    answered(stand);
    expect(told(stand).at(-1)).toBe('stop');
    expect(stand.over).toEqual([first.turn_id, second.turn_id, third.turn_id]);
    expect(stand.rows.owed.size).toBe(0);
  });

  it('has a turn of its own when no call follows, or the turn is being stopped', () => {
    const { stand } = busy();
    said(stand, 'm2', 'steer');
    answered(stand);
    expect(told(stand)).toEqual(['m1 starts', 'stop', 'm2 starts']);
    stand.askFor(S, { id: 'c1', name: 'once' });
    stand.settle();
    said(stand, 'm3', 'steer');
    stand.send(S, 'session.cancel', { turn_id: running(stand), by: 'ann' });
    stand.settle();
    expect(told(stand).slice(-2)).toEqual(['cancelled', 'm3 starts']);
  });

  it("is not handed to somebody else's turn, nor to another model", () => {
    const { stand } = busy();
    said(stand, 'm2', 'steer', 'bob');
    said(stand, 'm3', 'steer', 'ann', 'near/small');
    stand.askFor(S, { id: 'c1', name: 'once' });
    stand.settle();
    stand.tools.get('c1')?.('done');
    stand.settle();
    expect(told(stand)).toEqual(['m1 starts']);
    answered(stand);
    expect(told(stand).at(-1)).toBe('m2 starts');
  });

  it('is dropped when it is cancelled in time', () => {
    const { stand } = busy();
    const second = said(stand, 'm2', 'steer');
    stand.send(S, 'session.cancel', { turn_id: second.turn_id, by: 'ann' });
    stand.settle();
    answered(stand);
    expect(told(stand)).toEqual(['m1 starts', 'm2 starts', 'cancelled', 'stop']);
  });
});

function running(stand: LaneStand): string {
  const started = stand.records(S).findLast(({ type }) => type === 'turn_started');
  return started?.type === 'turn_started' ? started.turn_id : '';
}
