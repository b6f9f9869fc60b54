// SPDX-License-Identifier: Apache-2.0
// The one writer of a stream, over the real journal: order, lost answers, repeated appends, conflicts, bounds, checkpoints.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, failure } from '../../src/errors.ts';
import type { Append, Committed, Tail } from '../../src/stores/journal.ts';
import { JournalWriter } from '../../src/stores/journal-writer.ts';
import { emptyMemoryJournal, MemoryJournalDisk } from '../../src/stores/memory-journal.ts';
import type { StoredRecord } from '../../src/stores/records.ts';
import { type Decided, type Decision, type Outcome, StreamOwner } from '../../src/stores/stream-owner.ts';
import { usualRuns } from '../drawn.ts';
import { ManualClock } from './manual-clock.ts';

type Note =
  | { readonly type: 'noted'; readonly text: string; readonly by: number }
  | { readonly type: 'checkpoint'; readonly state: Notes };
type Notes = readonly string[];

const store = (record: Note): StoredRecord => ({
  ...{ type: record.type, version: 1, turn_id: null },
  payload: JSON.stringify(record),
});

/** What happens to the next asks: `before`, nothing is written; `after`, it is and nobody is told. */
type Fault = { readonly when: 'before' | 'after'; readonly code: ErrorCode };

/** A journal that can fail, and owners of one of its streams. */
class Stand {
  readonly clock = new ManualClock();
  readonly state = emptyMemoryJournal();
  readonly writer = new JournalWriter({ disk: new MemoryJournalDisk('j', this.state), soon: this.clock.soon });
  readonly appends: Append[] = [];
  faults: Fault[] = [];
  tailFaults: ErrorCode[] = [];
  private owners = 0;

  owner(): StreamOwner<Notes, Note> {
    this.owners += 1;
    const by = this.owners;
    return new StreamOwner<Notes, Note>({
      stream: 'notes/1',
      workspace_id: '',
      initial: [],
      evolve: (notes, record) => (record.type === 'checkpoint' ? record.state : [...notes, record.text]),
      checkpoint: (state) => ({ type: 'checkpoint', state }),
      // Who else writes, writes something else: the same under the same number is a repetition.
      store: (record) => store(record.type === 'noted' ? { ...record, by } : record),
      restore: ({ payload }) => JSON.parse(payload) as Note,
      append: (append, answered) => this.append(append, answered),
      tail: (stream, answered) => this.tail(stream, answered),
      now: () => 1,
      after: this.clock.after,
    });
  }

  private append(body: Append, answered: (outcome: Outcome<Committed>) => void): void {
    this.appends.push(body);
    const fault = this.faults.shift();
    const lost = (code: ErrorCode): void => answered({ ok: false, error: failure(code, 'a fault') });
    if (fault?.when === 'before') return this.clock.soon(() => lost(fault.code));
    this.writer.append({
      body,
      reply: (committed) => (fault === undefined ? answered({ ok: true, body: committed }) : lost(fault.code)),
      fail: (error) => answered({ ok: false, error }),
    });
  }

  private tail(stream: string, answered: (outcome: Outcome<Tail>) => void): void {
    const code = this.tailFaults.shift();
    if (code !== undefined) return this.clock.soon(() => answered({ ok: false, error: failure(code, 'a fault') }));
    this.writer.tail({
      body: { stream },
      reply: (body) => answered({ ok: true, body }),
      fail: (error) => answered({ ok: false, error }),
    });
  }

  /** The notes that the log holds, checkpoints left out. */
  written(): Notes {
    return [...this.state.rows.values()]
      .map(({ payload }) => JSON.parse(payload) as Note)
      .flatMap((record) => (record.type === 'noted' ? [record.text] : []));
  }
}

/** Notes something unless it is there; what is answered is gathered. */
function noteIn(owner: StreamOwner<Notes, Note>, text: string, answers: string[]): void {
  const decide = (notes: Notes): Decision<Note, number> =>
    notes.includes(text)
      ? { ok: false, error: failure('conflict', text) }
      : { ok: true, records: [{ type: 'noted', text, by: 0 }], body: notes.length };
  owner.submit(decide, (outcome: Outcome<Decided<number>>) => {
    answers.push(outcome.ok ? `${text}@${outcome.body.seq}` : `${text}: ${outcome.error.code}`);
  });
}

describe('a stream’s owner', () => {
  it('decides in order on what came before, and appends together what waited', () => {
    const stand = new Stand();
    const owner = stand.owner();
    const answers: string[] = [];
    for (const text of ['a', 'b', 'a', 'c']) noteIn(owner, text, answers);
    expect(owner.idle).toBe(false);
    stand.clock.settle();
    expect(answers).toEqual(['a@3', 'b@3', 'a: conflict', 'c@3']);
    expect(stand.appends.map(({ n, items }) => [n, items[0]?.records.length])).toEqual([[1, 3]]);
    expect([owner.idle, owner.seq, owner.state]).toEqual([true, 3, ['a', 'b', 'c']]);
    noteIn(owner, 'a', answers);
    expect(answers.at(-1)).toBe('a: conflict');
    expect(stand.appends).toHaveLength(1);
  });

  it('has one append in flight', () => {
    const stand = new Stand();
    const owner = stand.owner();
    const answers: string[] = [];
    noteIn(owner, 'a', answers);
    while (stand.appends.length === 0) stand.clock.turn();
    noteIn(owner, 'b', answers);
    noteIn(owner, 'c', answers);
    expect(stand.appends).toHaveLength(1);
    stand.clock.settle();
    expect(stand.appends.map(({ n }) => n)).toEqual([1, 2]);
    expect(answers).toEqual(['a@1', 'b@3', 'c@3']);
  });

  it.each<Fault>([
    { when: 'after', code: 'thread_lost' },
    { when: 'after', code: 'deadline_exceeded' },
    { when: 'before', code: 'overloaded' },
  ])('repeats an append whose outcome it does not know, under its number: $when $code', (fault) => {
    const stand = new Stand();
    const owner = stand.owner();
    const answers: string[] = [];
    stand.faults = [fault, fault];
    noteIn(owner, 'a', answers);
    stand.clock.settle();
    expect(answers).toEqual([]);
    stand.clock.advance(200);
    expect(answers).toEqual(['a@1']);
    expect(stand.appends.map(({ n }) => n)).toEqual([1, 1, 1]);
    expect(stand.written()).toEqual(['a']);
  });

  it('fails what it cannot write, and goes on', () => {
    const stand = new Stand();
    const owner = stand.owner();
    const answers: string[] = [];
    stand.faults = [{ when: 'before', code: 'storage_failed' }];
    noteIn(owner, 'a', answers);
    stand.clock.settle();
    noteIn(owner, 'a', answers);
    stand.clock.settle();
    expect(answers).toEqual(['a: storage_failed', 'a@1']);
  });

  it('reads the stream again when somebody else has written, and decides on what there is', () => {
    const stand = new Stand();
    const [one, other] = [stand.owner(), stand.owner()];
    const answers: string[] = [];
    one.load();
    other.load();
    stand.clock.settle();
    noteIn(one, 'a', answers);
    stand.clock.settle();
    noteIn(other, 'a', answers);
    noteIn(other, 'b', answers);
    stand.clock.settle();
    expect(answers).toEqual(['a@1', 'a: conflict', 'b@2']);
    expect(stand.written()).toEqual(['a', 'b']);
  });

  it('reads until it is told, and says why it cannot', () => {
    const stand = new Stand();
    const owner = stand.owner();
    const answers: string[] = [];
    stand.tailFaults = ['thread_lost', 'overloaded', 'storage_failed'];
    noteIn(owner, 'a', answers);
    stand.clock.advance(200);
    expect(answers).toEqual(['a: storage_failed']);
    noteIn(owner, 'a', answers);
    stand.clock.settle();
    expect(answers.at(-1)).toBe('a@1');
  });

  it('says no when too many wait, and when it has come to its end', () => {
    const stand = new Stand();
    const owner = stand.owner();
    const answers: string[] = [];
    for (let at = 0; at < 1_100; at += 1) noteIn(owner, `n${at}`, answers);
    const refused = answers.filter((text) => text.endsWith('overloaded')).length;
    expect(refused).toBe(1_100 - 1_024);
    stand.clock.settle();
    expect(answers).toHaveLength(1_100);
    expect(stand.written()).toHaveLength(1_024);
    noteIn(owner, 'x', answers);
    owner.stop();
    noteIn(owner, 'y', answers);
    stand.clock.settle();
    expect(answers.slice(-2).sort()).toEqual(['x: draining', 'y: draining']);
  });

  it('parts what is too much for one append', () => {
    const stand = new Stand();
    const owner = stand.owner();
    const answers: string[] = [];
    for (let at = 0; at < 40; at += 1) noteIn(owner, `${at} ${'x'.repeat(1024 * 1024)}`, answers);
    stand.clock.settle();
    expect(new Set(answers.map((text) => text.replaceAll(/^.*x|\d/g, '')))).toEqual(new Set(['@']));
    expect(stand.appends.length).toBeGreaterThan(4);
    expect(stand.written()).toHaveLength(40);
  });

  it('writes a checkpoint now and then, from which another one goes on', () => {
    const stand = new Stand();
    const first = stand.owner();
    const answers: string[] = [];
    for (let at = 0; at < 200; at += 1) {
      noteIn(first, `n${at}`, answers);
      stand.clock.settle();
    }
    const checkpoints = [...stand.state.rows.values()].filter(({ type }) => type === 'checkpoint');
    expect(checkpoints.length).toBe(3);
    const second = stand.owner();
    second.load();
    stand.clock.settle();
    expect(second.state).toEqual(first.state);
    expect(second.seq).toBe(first.seq);
    noteIn(second, 'n7', answers);
    noteIn(second, 'new', answers);
    stand.clock.settle();
    expect(answers.slice(-2)).toEqual(['n7: conflict', `new@${second.seq}`]);
  });

  it('has written exactly what it said it had, whatever is lost and whoever else writes', () => {
    const fault = fc.option(
      fc.record({
        when: fc.constantFrom('before' as const, 'after' as const),
        code: fc.constantFrom<ErrorCode>('thread_lost', 'overloaded', 'deadline_exceeded'),
      }),
      { nil: undefined, freq: 2 },
    );
    const step = fc.record({
      who: fc.integer({ min: 0, max: 1 }),
      text: fc.constantFrom(...'abcdefgh'),
      settle: fc.boolean(),
      fault,
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const stand = new Stand();
        const owners = [stand.owner(), stand.owner()];
        const answers: string[] = [];
        for (const { who, text, settle, fault: next } of steps) {
          if (next !== undefined) stand.faults.push(next);
          const owner = owners[who];
          if (owner !== undefined) noteIn(owner, text, answers);
          if (settle) stand.clock.advance(60);
        }
        stand.clock.advance(5_000);
        expect(answers).toHaveLength(steps.length);
        const said = answers.filter((text) => text.includes('@')).map((text) => text.slice(0, 1));
        expect(stand.written().toSorted()).toEqual(said.toSorted());
        expect(new Set(stand.written()).size).toBe(stand.written().length);
      }),
      { numRuns: usualRuns(1_000) },
    );
  });
});
