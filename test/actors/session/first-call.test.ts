// SPDX-License-Identifier: Apache-2.0
// The first call of a turn: reserved before its message is journaled, journaled in one step with it, its permit sought meanwhile.

import { expect, it } from 'vitest';
import { failure } from '../../../src/errors.ts';
import { codeOf, LaneStand, type Reserving, receiptOf } from './lane-stand.ts';

const S = 'session-1';
const BUDGETED = { budgets: () => ['global'] };
const TAKEN = ['session_created', 'message_received', 'turn_started', 'model_called'];

/** A stand whose budgets are answered by the test. */
function stand(): LaneStand {
  const made = new LaneStand(BUDGETED);
  made.reservesLater = true;
  return made;
}

function asked({ reserving }: LaneStand, at: number): Reserving {
  const one = reserving[at];
  if (one === undefined) throw new Error('the budgets were not asked');
  return one;
}

it('is journaled together with its message, once the budgets have granted it', () => {
  const lane = stand();
  lane.answers = false;
  const said = lane.say(S, 'hello');
  lane.settle();
  expect(lane.types(S)).toEqual([]);
  expect(codeOf(said)).toBe('waiting');
  asked(lane, 0).done(null);
  lane.settle();
  expect(lane.types(S)).toEqual(TAKEN);
  expect(new Set([...lane.rows.rows.values()].map(({ at }) => at)).size).toBe(1);
  expect(receiptOf(said).turn_id).toBe(asked(lane, 0).turn_id);
  lane.answer(S);
  lane.settle();
  expect(lane.types(S).slice(TAKEN.length)).toEqual(['model_replied', 'turn_finished']);
  expect(lane.reserving.map(({ stopped }) => stopped)).toEqual([false]);
});

/** A stand with a session that is awake, whose second message is on its way to the journal. */
function onItsWay(): LaneStand {
  const lane = new LaneStand();
  lane.say(S, 'hello');
  lane.settle();
  lane.stalled = true;
  lane.say(S, 'more');
  lane.settle();
  return lane;
}

it('has its permit sought before it is durable', () => {
  const lane = onItsWay();
  expect(lane.sought).toHaveLength(2);
  expect(lane.prompts).toHaveLength(1);
  lane.release();
  expect(lane.prompts).toHaveLength(2);
  expect(lane.sought).toHaveLength(2);
});

it('lets go of a permit that was sought for a call that is not made', () => {
  const lane = onItsWay();
  const [, second] = lane.sought;
  lane.lanes.stop();
  expect(lane.dropped.at(-1)).toBe(second);
});

it('is asked for again in the turn where it is refused, and the turn says why', () => {
  const lane = stand();
  const said = lane.say(S, 'hello');
  lane.settle();
  const refused = failure('budget_exceeded', 'It is used up.');
  asked(lane, 0).done(refused);
  lane.settle();
  expect(lane.types(S)).toEqual(TAKEN.slice(0, 3));
  expect(codeOf(said)).toBe('ok');
  for (let at = 1; at < lane.reserving.length; at += 1) {
    asked(lane, at).done(refused);
    lane.settle();
  }
  expect(lane.records(S).at(-1)).toMatchObject({ type: 'turn_failed', code: 'budget_exceeded' });
});

it('is not waited for longer than a moment: the message is journaled, and the budgets are asked in the turn', () => {
  const lane = stand();
  const said = lane.say(S, 'hello');
  lane.settle();
  lane.clock.advance(1_000);
  expect(asked(lane, 0).stopped).toBe(true);
  expect(lane.types(S)).toEqual(TAKEN.slice(0, 3));
  expect(codeOf(said)).toBe('ok');
  // Too late: it was given back.
  asked(lane, 0).done(null);
  lane.settle();
  expect(lane.types(S)).toHaveLength(3);
  asked(lane, 1).done(null);
  lane.settle();
  expect(lane.types(S)).toContain('turn_finished');
});

it('keeps the order: what comes while the budgets are asked waits behind it, and a repetition is told the same', () => {
  const lane = stand();
  const first = lane.say(S, 'first', 'm-1');
  const second = lane.say(S, 'second', 'm-2');
  const again = lane.say(S, 'first', 'm-1');
  lane.settle();
  expect(lane.reserving).toHaveLength(1);
  lane.reservesLater = false;
  asked(lane, 0).done(null);
  lane.settle();
  const received = lane.records(S).flatMap((record) => (record.type === 'message_received' ? [record.message_id] : []));
  expect(received).toEqual(['m-1', 'm-2']);
  expect(receiptOf(again)).toMatchObject({ turn_id: receiptOf(first).turn_id, repeated: true });
  expect(codeOf(second)).toBe('ok');
  expect(lane.types(S).filter((type) => type === 'turn_finished')).toHaveLength(2);
});

it('gives back what is not used: the session was archived, or its thread ends', () => {
  const archived = stand();
  archived.reservesLater = false;
  archived.say(S, 'hello');
  archived.settle();
  archived.reservesLater = true;
  const late = archived.say(S, 'more');
  archived.settle();
  const change = archived.send(S, 'session.change', { status: 'archived', by: 'ann' });
  archived.settle();
  expect(codeOf(change)).toBe('ok');
  asked(archived, 1).done(null);
  archived.settle();
  expect(codeOf(late)).toBe('conflict');
  expect(asked(archived, 1).stopped).toBe(true);

  const stopped = stand();
  stopped.say(S, 'hello');
  stopped.settle();
  stopped.lanes.stop();
  expect(asked(stopped, 0).stopped).toBe(true);
});
