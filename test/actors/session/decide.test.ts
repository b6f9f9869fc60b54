// SPDX-License-Identifier: Apache-2.0
// What a session decides, from any point of any log: every message's turn ends once, nothing journaled is done again, numbers only rise.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextStep } from '../../../src/actors/session/next-step.ts';
import { packSession, unpackSession } from '../../../src/stores/packed-session.ts';
import type { SessionRecord } from '../../../src/stores/records.ts';
import { cursorAfter, eventsOf, NO_EVENTS } from '../../../src/stores/turn-events.ts';
import { usualRuns } from '../../drawn.ts';
import { type ModelMove, type Move, Play, type PlayedTool, SESSION } from './play.ts';

const model = fc.record({
  tools: fc.array(fc.constantFrom<PlayedTool>('once', 'again', 'ask-once', 'ask-again'), { maxLength: 4 }),
  fails: fc.constantFrom(false, false, false, 'request', 'model', 'key', 'provider') as fc.Arbitrary<
    ModelMove['fails']
  >,
  refused: fc.boolean(),
  words: fc.array(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 4 }),
});

const receive: fc.Arbitrary<Move> = fc.record({
  kind: fc.constant('receive' as const),
  queue: fc.constantFrom('followup', 'collect', 'collect', 'steer', 'steer', 'interrupt'),
  user: fc.constantFrom('ann', 'ann', 'ann', 'bob'),
  model: fc.constantFrom('', '', '', 'near/small'),
});

const decide: fc.Arbitrary<Move> = fc.record({
  kind: fc.constant('decide' as const),
  which: fc.nat(3),
  how: fc.constantFrom('approve', 'approve', 'deny', 'late'),
});

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: receive },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which: fc.nat(3) }) },
  { weight: 2, arbitrary: decide },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('step' as const), model }) },
);

const FOLLOWUP: Move = { kind: 'receive', queue: 'followup', user: 'ann', model: '' };

const moves = fc.array(move, { maxLength: 40 });

function played(list: readonly Move[]): Play {
  const play = new Play();
  for (const one of list) play.move(one);
  return play;
}

/** How often each turn ended that started. */
function ends(records: readonly SessionRecord[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const record of records) {
    if (record.type === 'turn_started') counts.set(record.turn_id, counts.get(record.turn_id) ?? 0);
    if (record.type === 'turn_finished' || record.type === 'turn_failed')
      counts.set(record.turn_id, (counts.get(record.turn_id) ?? 0) + 1);
  }
  return counts;
}

/** The turns each message was answered by: its own if that started, else the one it was led to. */
function answers(records: readonly SessionRecord[]): Map<string, Set<string>> {
  const by = new Map<string, Set<string>>();
  for (const record of records) {
    if (record.type === 'message_received') by.set(record.turn_id, new Set());
    else if (record.type === 'turn_started') by.get(record.turn_id)?.add(record.turn_id);
    else if ('waited_as' in record) by.get(record.waited_as)?.add(record.turn_id);
  }
  return by;
}

/** The calls that wait for a person. */
function waitingFor(records: readonly SessionRecord[]): Set<string> {
  const calls = new Map<string, string>();
  for (const record of records) {
    if (record.type === 'approval_requested') calls.set(record.id, record.call_id);
    else if (record.type === 'approval_decided') calls.delete(record.id);
  }
  return new Set(calls.values());
}

/** Each message is answered by exactly one turn, and that ends once. */
function allAnswered(records: readonly SessionRecord[]): boolean {
  const ended = ends(records);
  return (
    [...ended.values()].every((count) => count === 1) &&
    [...answers(records).values()].every((turns) => turns.size === 1 && [...turns].every((turn) => ended.has(turn)))
  );
}

describe('a session', () => {
  it('answers every message with exactly one turn, which ends once', () => {
    fc.assert(
      fc.property(moves, (list) => {
        const play = played(list);
        play.finish();
        expect(allAnswered(play.records)).toBe(true);
      }),
      { numRuns: usualRuns(1_000) },
    );
  });

  it('goes on from any prefix of its log, and still ends every turn exactly once', () => {
    fc.assert(
      fc.property(moves, fc.nat(), fc.nat(), (list, first, second) => {
        const whole = played(list).records;
        // Interrupted twice: once in what happened, once in what the first resumption wrote.
        const once = new Play('b', whole.slice(0, first % (whole.length + 1)));
        once.resume();
        const again = new Play(
          'c',
          once.records.slice(0, Math.max(first % (whole.length + 1), second % (once.records.length + 1))),
        );
        again.resume();
        again.finish();
        expect(allAnswered(again.records)).toBe(true);
        expect(nextStep(again.state)).toBe('idle');
      }),
      { numRuns: usualRuns(1_000) },
    );
  });

  it('never runs a tool again whose result is journaled, nor one that may have run and does not say it is idempotent', () => {
    fc.assert(
      fc.property(moves, fc.nat(), (list, cut) => {
        const whole = played(list).records;
        const prefix = whole.slice(0, cut % (whole.length + 1));
        const called = prefix.flatMap((record) => (record.type === 'tool_called' ? record.calls : []));
        const returned = new Set(prefix.flatMap((record) => (record.type === 'tool_returned' ? [record.call_id] : [])));
        const asked = waitingFor(prefix);
        const play = new Play('b', prefix);
        play.resume();
        play.finish();
        for (const call of called) {
          const again = play.ran.get(call.id) ?? 0;
          const mayHaveRun = !call.name.endsWith('again') && !asked.has(call.id);
          if (returned.has(call.id) || mayHaveRun) expect(again).toBe(0);
          else expect(again).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: usualRuns(1_000) },
    );
  });

  it('runs no tool that asks before a person has allowed it, wherever it was interrupted, and none that was refused', () => {
    fc.assert(
      fc.property(moves, fc.nat(), (list, cut) => {
        const whole = played(list);
        const play = new Play('b', whole.records.slice(0, cut % (whole.records.length + 1)));
        play.resume();
        play.finish();
        for (const { records, ran } of [whole, play]) {
          const requests = records.flatMap((record) => (record.type === 'approval_requested' ? [record] : []));
          const decided = records.flatMap((record) => (record.type === 'approval_decided' ? [record] : []));
          expect(new Set(decided.map(({ id }) => id)).size).toBe(decided.length);
          for (const { id, call_id } of requests) {
            const how = decided.find((one) => one.id === id)?.decision;
            if (how !== 'approve') expect(ran.get(call_id) ?? 0).toBe(0);
          }
          const askedFor = new Set(requests.map(({ call_id }) => call_id));
          for (const record of records)
            for (const { id, name } of record.type === 'tool_called' ? record.calls : [])
              if (name.startsWith('ask') && ran.has(id)) expect(askedFor.has(id)).toBe(true);
        }
        expect(waitingFor(play.records).size).toBe(0);
      }),
      { numRuns: usualRuns(1_000) },
    );
  });

  it('takes no attempt from a turn that only waits for a person, however often its process ends', () => {
    let play = new Play();
    play.move(FOLLOWUP);
    play.move({ kind: 'step', model: { tools: ['ask-once'], fails: false, words: [] } });
    const before = play.records.length;
    for (let crash = 0; crash < 9; crash += 1) {
      play = new Play(`crash${crash}`, play.records);
      play.resume();
    }
    expect(play.records).toHaveLength(before);
    expect(nextStep(play.state)).toBe('approval');
    play.finish();
    expect([...ends(play.records).values()]).toEqual([1]);
    expect([...play.ran.values()]).toEqual([1]);
  });

  it('numbers the events of a turn upwards, whatever interrupted it, and ends them with exactly one terminal event', () => {
    fc.assert(
      fc.property(moves, fc.nat(), (list, cut) => {
        const whole = played(list).records;
        const play = new Play('b', whole.slice(0, cut % (whole.length + 1)));
        play.resume();
        play.finish();
        for (const turn_id of ends(play.records).keys()) {
          let cursor = NO_EVENTS;
          const events = play.records.flatMap((record) => {
            if (!('turn_id' in record) || record.turn_id !== turn_id) return [];
            const told = eventsOf(record, { session_id: SESSION, workspace_id: 'home' }, cursor);
            expect(cursorAfter(record, cursor)).toEqual(told.cursor);
            cursor = told.cursor;
            return told.events;
          });
          expect(events[0]?.event.event).toBe('turn_started');
          expect(events.every((event, at) => at === 0 || event.n > (events[at - 1]?.n ?? 0))).toBe(true);
          const terminal = events.filter(({ event }) => event.event === 'done' || event.event === 'error');
          expect(terminal).toHaveLength(1);
          expect(events.at(-1)).toBe(terminal[0]);
          const restarted = events.findLastIndex(({ event }) => event.event === 'turn_restarted');
          const text = events
            .slice(restarted + 1)
            .flatMap(({ event }) => (event.event === 'text_delta' ? [event.data.text] : []))
            .join('');
          const end = terminal[0]?.event;
          if (end?.event === 'done') expect(text).toBe(end.data.content);
        }
      }),
      { numRuns: usualRuns(1_000) },
    );
  });

  it('asks each model once a turn, none of a provider of which nothing can be had, and warns before another speaks', () => {
    fc.assert(
      fc.property(moves, fc.nat(), (list, cut) => {
        const whole = played(list).records;
        const play = new Play('b', whole.slice(0, cut % (whole.length + 1)));
        play.resume();
        play.finish();
        for (const turn_id of ends(play.records).keys()) {
          const mine = play.records.filter((record) => 'turn_id' in record && record.turn_id === turn_id);
          const failed = mine.flatMap((record) => (record.type === 'model_replaced' ? [record.failed] : []));
          const next = mine.flatMap((record) => (record.type === 'model_replaced' ? [record.model] : []));
          expect(new Set(next).size).toBe(next.length);
          next.forEach((model, at) => {
            for (const before of failed.slice(0, at + 1)) {
              expect(model).not.toBe(before.model);
              if (before.whole_provider) expect(model.split('/')[0]).not.toBe(before.model.split('/')[0]);
            }
          });
          let known = mine.findLast((record) => record.type === 'turn_started')?.model ?? '';
          let model = known;
          for (const record of mine) {
            if (record.type === 'model_called') expect(record.model).toBe(model);
            if (record.type === 'model_replaced') model = record.model;
            if (record.type !== 'model_replied') continue;
            const speaks = record.deltas.length > 0 || !['failed', 'cancelled'].includes(record.finish);
            expect(record.warning !== undefined).toBe(speaks && known !== model);
            if (speaks) known = model;
          }
          const end = mine.findLast((record) => record.type === 'turn_failed');
          if (end?.code === 'provider_unavailable') for (const one of failed) expect(end.message).toContain(one.model);
        }
      }),
      { numRuns: usualRuns(1_000) },
    );
  });

  it('is the same state from a checkpoint as from its whole log', () => {
    fc.assert(
      fc.property(moves, moves, (before, after) => {
        const play = played(before);
        const packed = JSON.parse(JSON.stringify(packSession(play.state, []))) as ReturnType<typeof packSession>;
        const { state } = unpackSession(packed, 1);
        const from = new Play('z', play.records);
        from.state = state;
        const to = new Play('z', play.records);
        for (const one of after) {
          from.move(one);
          to.move(one);
        }
        expect({ ...from.state, since_checkpoint: 0 }).toEqual({ ...to.state, since_checkpoint: 0 });
      }),
      { numRuns: usualRuns(300) },
    );
  });

  it('gives a turn up that was interrupted too often, and goes on with the next', () => {
    let play = new Play();
    play.move(FOLLOWUP);
    play.move(FOLLOWUP);
    for (let crash = 0; crash < 4; crash += 1) {
      play = new Play(`crash${crash}`, play.records);
      play.resume();
    }
    const failed = play.records.find((record) => record.type === 'turn_failed');
    expect(failed).toMatchObject({ code: 'poisoned' });
    play.finish();
    expect([...ends(play.records).values()]).toEqual([1, 1]);
  });

  it('fails a turn whose model never stops asking for tools', () => {
    const play = new Play();
    play.move(FOLLOWUP);
    for (let round = 0; round < 8; round += 1)
      play.move({ kind: 'step', model: { tools: ['once'], fails: false, words: [] } });
    expect(play.records.at(-1)).toMatchObject({ type: 'turn_failed', code: 'tool_loop_limit' });
  });
});
