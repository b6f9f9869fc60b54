// SPDX-License-Identifier: Apache-2.0
// Compactions: nothing leaves memory before its summary is stored and known, whatever fails and wherever the process ends.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failure } from '../../../src/errors.ts';
import { nextCompactionStep } from '../../../src/stores/compaction-fold.ts';
import { usualRuns } from '../../drawn.ts';
import { busy, CompactionHouse, TIMES } from './compaction-house.ts';

const typesOf = (house: CompactionHouse): readonly string[] => house.records.map(({ type }) => type);

describe('a compaction', () => {
  it('sums up the oldest batch, tells its session, and only then lets go what is beyond those that are kept', () => {
    const house = new CompactionHouse();
    house.say('s', 5);
    expect(house.compactor.idle).toBe(true);
    house.say('s', 1);
    house.run();
    expect(typesOf(house)).toEqual([
      ...['compaction_called', 'summary_stored', 'compaction_stored'],
      ...['summary_confirmed', 'messages_trimmed', 'compaction_ended'],
    ]);
    expect(house.summarized).toEqual(house.said.slice(0, 4));
    expect(house.messages.map(({ id }) => id)).toEqual(house.said.slice(3));
    expect([house.told.get('s'), house.reserved.size, house.used]).toEqual(['id-1', 0, 15]);
    expect(house.compactor.idle).toBe(true);
    expect(house.rested).toBeGreaterThan(0);
  });

  it('goes on while there is a batch, and leaves what is said meanwhile alone', () => {
    const house = new CompactionHouse();
    house.say('s', 6);
    for (let at = 0; at < 4; at += 1) house.step();
    house.say('s', 8);
    house.run();
    expect(house.summarized).toEqual(house.said.slice(0, 12));
    expect(house.messages.map(({ id }) => id)).toEqual(house.said.slice(11));
  });

  it('takes facts with it, each somebody’s, and none nobody said', () => {
    const facts = [
      { subject: 'tea', predicate: 'is', value: 'green', said_by: 2 },
      { subject: 'boat', predicate: 'is', value: 'red' },
      { subject: '', predicate: 'is', value: 'nothing' },
    ];
    const house = new CompactionHouse({ answer: () => `They met.\n\nFACTS\n${JSON.stringify(facts)}` });
    house.say('s', 2, 'ada');
    house.say('s', 4, 'ben');
    house.run();
    const [put] = house.records.flatMap((one) => (one.type === 'facts_put' ? [one] : []));
    expect(put).toMatchObject({
      only_new: true,
      facts: [{ entity_name: 'tea', value: 'green', user_id: 'ben', session_id: 's', source: 'id-1' }],
    });
    const [stored] = house.records.flatMap((one) => (one.type === 'compaction_stored' ? [one] : []));
    expect(stored).toMatchObject({ facts: 1, facts_problem: expect.stringMatching(/1 of 3 facts.*nobody knows who/) });
    expect(house.records.find(({ type }) => type === 'summary_stored')).toMatchObject({
      summary: { content: 'They met.', user_ids: ['ada', 'ben'] },
    });
  });

  it.each(['', 'Nothing but a summary.', 'A summary.\nFACTS\n{"no": "array"}', 'A summary.\nFACTS\n[{]'])(
    'has no facts of %j, says so, and is a summary all the same',
    (answer) => {
      const house = new CompactionHouse({ answer: () => answer });
      house.say('s', 6);
      house.run(answer === '' ? 200 : 10_000);
      const [stored] = house.records.flatMap((one) => (one.type === 'compaction_stored' ? [one] : []));
      if (answer === '') {
        expect(house.summarized).toEqual([]);
        expect(house.logged.at(-1)).toMatch(/wrote no summary/);
      } else {
        expect(stored).toMatchObject({ facts: 0, facts_problem: expect.stringMatching(/facts|FACTS/) });
        expect(house.logged.join()).toMatch(/facts_problem/);
      }
    },
  );
});

describe('a summariser that fails', () => {
  it('leaves everything as it was, is tried again with longer and longer pauses, and so often only', () => {
    const house = new CompactionHouse({ answer: () => busy('model') });
    house.say('s', 6);
    house.say('t', 6);
    house.run();
    const failed = house.records.flatMap((one) => (one.type === 'compaction_failed' ? [one] : []));
    const of = (id: string) => failed.filter(({ session_id }) => session_id === id);
    expect(of('s').map(({ attempts, retry_at }) => [attempts, retry_at === null])).toEqual([
      ...[1, 2, 3].map((attempt) => [attempt, false]),
      [TIMES.attempts, true],
    ]);
    expect(house.messages).toHaveLength(12);
    expect([house.reserved.size, house.used, house.summarized.length]).toEqual([0, 0, 0]);
    expect(house.compactor.status()).toMatchObject({ waiting: 0, last_error: { code: 'provider_overloaded' } });
    expect(house.compactor.idle).toBe(true);
    // It has grown on: there is hope again.
    house.say('s', 1);
    expect(house.compactor.idle).toBe(false);
  });

  it('is not asked for another session while it rests, unless somebody asks', () => {
    let down = true;
    const house = new CompactionHouse({ answer: () => (down ? busy('provider') : 'Well.\nFACTS\n[]') });
    house.say('s', 6);
    while (house.asked.length < 1 || house.compactor.status().running !== null) house.step();
    house.say('t', 6);
    expect(house.asked).toHaveLength(1);
    down = false;
    const begun = house.compactor.request(['t']);
    if ('code' in begun) throw new Error(begun.message);
    while ((house.compactor.progress(begun.id) as { status: string }).status === 'running') house.step();
    expect(house.compactor.progress(begun.id)).toMatchObject({
      sessions: 1,
      left: 0,
      compactions: 1,
      messages: 4,
      failures: 0,
    });
    expect(house.now).toBeLessThan(TIMES.first);
    house.run();
    expect(house.summarized).toHaveLength(8);
    expect(house.compactor.progress(begun.id)).toMatchObject({ code: 'not_found' });
  });

  it('is replaced by the next model that may be asked', () => {
    const house = new CompactionHouse({
      models: ['one/a', 'two/b'],
      answer: (model) => (model === 'one/a' ? busy('provider') : 'Well.\nFACTS\n[]'),
    });
    house.say('s', 6);
    house.run();
    expect(house.asked).toEqual(['one/a', 'two/b']);
    expect(house.summarized).toHaveLength(4);
    expect(house.records.find(({ type }) => type === 'compaction_stored')).toMatchObject({ model: 'two/b', call: 2 });
    expect(house.reserved.size).toBe(0);
  });

  it('gives up sooner on what fails for what is in it', () => {
    const house = new CompactionHouse({ answer: () => failure('provider_bad_request', 'No.', { about: 'request' }) });
    house.say('s', 6);
    house.run();
    expect(house.asked).toHaveLength(3);
  });
});

describe('an erasure', () => {
  it.each([1, 3, 5, 7, 9, 11, 13])('that comes after %i steps leaves nothing of the session', (steps) => {
    const house = new CompactionHouse();
    house.say('s', 6);
    for (let at = 0; at < steps; at += 1) house.step();
    house.delete('s');
    house.run();
    const last = (type: string) => house.records.findLastIndex((one) => one.type === type);
    // Whatever was written of it before is redacted from there.
    if (last('summary_stored') >= 0) expect(last('session_forgotten')).toBeGreaterThan(last('summary_stored'));
    expect([...house.open.keys()]).toEqual([]);
    expect(house.reserved.size).toBe(0);
    expect(house.compactor.idle).toBe(true);
  });

  it('of somebody ends the call that has their words in it, and stores nothing of it', () => {
    const house = new CompactionHouse();
    house.say('s', 6, 'ben');
    while (!typesOf(house).includes('compaction_called')) house.step();
    house.compactor.erased('ben', []);
    house.run(40);
    expect(typesOf(house)).not.toContain('summary_stored');
    expect(house.records.find(({ type }) => type === 'compaction_failed')).toMatchObject({ retry_at: null });
  });
});

describe('an erasure of somebody who is in the summary before only', () => {
  it('ends the call that goes on from there', () => {
    const house = new CompactionHouse();
    house.say('s', 6, 'ben');
    house.run();
    const of = (kind: string) => typesOf(house).filter((type) => type === kind).length;
    const made = of('compaction_called');
    house.say('s', 20, 'ada');
    // The third from here is of what ada said alone, and of what the summary before it says of ben.
    while (of('compaction_called') < made + 3) house.step();
    const stored = of('summary_stored');
    house.compactor.erased('ben', []);
    house.run(40);
    expect(of('summary_stored')).toBe(stored);
  });
});

describe('an erasure at any moment', () => {
  it('is not followed by a summary with their words in it, also where what is summed up was just being read', () => {
    for (let steps = 0; steps < 60; steps += 1) {
      const house = new CompactionHouse();
      house.say('s', 6, 'ben');
      house.say('s', 20, 'ada');
      for (let at = 0; at < steps; at += 1) house.step();
      house.erase('ben');
      house.say('s', 8, 'ada');
      house.run();
      const gone = house.records.findIndex(({ type }) => type === 'user_erased');
      const later = house.records.slice(gone).flatMap((one) => (one.type === 'summary_stored' ? [one.summary] : []));
      expect([steps, ...later.filter(({ user_ids }) => user_ids?.includes('ben'))]).toEqual([steps]);
      expect([house.reserved.size, house.open.size]).toEqual([0, 0]);
    }
  });
});

describe('the end of the process', () => {
  /** What was said is in memory, or in a summary that is stored; and what its session does not know is in memory still. */
  const nothingMissing = (house: CompactionHouse): void => {
    const there = new Set([...house.messages.map(({ id }) => id), ...house.summarized]);
    for (const id of house.said) if (!there.has(id)) throw new Error(`${id} is missing`);
    for (const [at, record] of house.records.entries()) {
      if (record.type !== 'summary_confirmed') continue;
      const stored = house.records.findIndex((one) => one.type === 'summary_stored' && one.summary.id === record.id);
      if (stored < 0 || stored > at) throw new Error('what is not stored was confirmed');
    }
  };

  it('at every step is taken up: no message is missing, none is summed up twice, and every call is settled', () => {
    for (let steps = 0; steps < 40; steps += 1) {
      const house = new CompactionHouse();
      house.say('s', 10);
      for (let at = 0; at < steps; at += 1) {
        house.step();
        nothingMissing(house);
      }
      house.kill();
      house.say('s', 1);
      for (let at = 0; at < 1_000 && house.step(); at += 1) nothingMissing(house);
      expect(house.summarized).toEqual(house.said.slice(0, 8));
      expect([house.reserved.size, house.open.size]).toEqual([0, 0]);
    }
  });

  it('at any steps, again and again, with a summariser that fails now and then, loses nothing', () => {
    const move = fc.oneof(
      { weight: 8, arbitrary: fc.record({ do: fc.constant('step' as const), by: fc.integer({ min: 1, max: 6 }) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('say' as const), by: fc.integer({ min: 1, max: 5 }) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), by: fc.constant(0) }) },
    );
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), fc.array(fc.boolean(), { maxLength: 20 }), (moves, fails) => {
        let call = 0;
        const house = new CompactionHouse({
          answer: () => (fails[call++] === true ? busy('model') : 'Well.\nFACTS\n[]'),
        });
        for (const [at, { do: what, by }] of moves.entries()) {
          if (what === 'kill') house.kill();
          else if (what === 'say') house.say(at % 3 === 0 ? 's' : 't', by);
          else for (let step = 0; step < by; step += 1) house.step();
          nothingMissing(house);
          for (const open of house.open.values())
            expect(['settle', 'retry', 'tell']).toContain(nextCompactionStep(open));
        }
        house.kill();
        for (const session of ['s', 't']) house.say(session, 4);
        for (let at = 0; at < 5_000 && house.step(); at += 1) nothingMissing(house);
        expect(new Set(house.summarized).size).toBe(house.summarized.length);
        expect([house.reserved.size, house.open.size, house.compactor.idle]).toEqual([0, 0, true]);
      }),
      { numRuns: usualRuns(150) },
    );
  });
});
