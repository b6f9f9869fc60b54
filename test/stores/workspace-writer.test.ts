// SPDX-License-Identifier: Apache-2.0
// A workspace's stream: changes under a condition, one looked up at a time, after all before it is durable.

import { describe, expect, it } from 'vitest';
import { failure } from '../../src/errors.ts';
import { JournalWriter } from '../../src/stores/journal-writer.ts';
import { emptyMemoryJournal, MemoryJournalDisk } from '../../src/stores/memory-journal.ts';
import { restoreWorkspace, type WorkspaceRecord } from '../../src/stores/workspace-records.ts';
import { WorkspaceStream, type WorkspaceWrite } from '../../src/stores/workspace-writer.ts';
import { ManualClock } from './manual-clock.ts';

/** A stream over the real journal, and a view that answers when it is told to. */
function standOf() {
  const clock = new ManualClock();
  const state = emptyMemoryJournal();
  const writer = new JournalWriter({ disk: new MemoryJournalDisk('j', state), soon: clock.soon });
  const looks: { readonly id: string; readonly after: number; readonly answer: (known: boolean) => void }[] = [];
  let broken = false;
  const stream = new WorkspaceStream({
    workspace_id: 'home',
    append: (body, answered) =>
      writer.append({
        body,
        reply: (committed) => answered({ ok: true, body: committed }),
        fail: (error) => answered({ ok: false, error }),
      }),
    tail: (of, answered) =>
      writer.tail({
        body: { stream: of },
        reply: (tail) => answered({ ok: true, body: tail }),
        fail: (error) => answered({ ok: false, error }),
      }),
    known: ({ id, after }, answered) => {
      if (broken) return answered({ ok: false, error: failure('view_behind', 'behind') });
      looks.push({ id, after, answer: (known) => answered({ ok: true, body: known }) });
    },
    now: () => 1,
    after: clock.after,
  });
  const answers: string[] = [];
  const write = (name: string, write: Partial<WorkspaceWrite> = {}): void => {
    const records: readonly WorkspaceRecord[] = [{ type: 'summary_confirmed', id: name }];
    stream.write({ workspace_id: 'home', records, ...write }, (outcome) => {
      answers.push(outcome.ok ? `${name}@${outcome.body.seq}` : `${name}: ${outcome.error.code}`);
    });
  };
  const written = (): readonly string[] =>
    [...state.rows.values()].flatMap((row) => {
      const record = restoreWorkspace(row);
      return record.type === 'summary_confirmed' ? [record.id] : [];
    });
  const breakView = (): void => {
    broken = true;
  };
  return { clock, stream, looks, answers, write, written, breakView };
}

const fresh = (id: string) => ({ condition: { what: 'message', id, known: false } }) as const;
const there = (id: string) => ({ condition: { what: 'summary', id, known: true } }) as const;

describe('a workspace’s stream', () => {
  it('writes what has no condition at once, together', () => {
    const { clock, answers, write, written, stream } = standOf();
    write('a');
    write('b');
    expect(stream.idle).toBe(false);
    clock.settle();
    expect(answers).toEqual(['a@2', 'b@2']);
    expect(written()).toEqual(['a', 'b']);
    expect(stream.idle).toBe(true);
  });

  it('looks up a condition after all before it is durable, and holds back what comes after it', () => {
    const { clock, looks, answers, write, written } = standOf();
    write('a');
    write('b', fresh('x'));
    write('c');
    clock.settle();
    expect(looks).toMatchObject([{ id: 'x', after: 1 }]);
    expect(written()).toEqual(['a']);
    looks[0]?.answer(false);
    clock.settle();
    expect(written()).toEqual(['a', 'b', 'c']);
    expect(answers.map((text) => text.slice(0, 1))).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['conflict', fresh('x'), true],
    ['not_found', there('x'), false],
  ] as const)('is %s when it is not so, and nothing is written', (code, condition, known) => {
    const { clock, looks, answers, write, written } = standOf();
    write('a', condition);
    write('b', condition);
    clock.settle();
    expect(looks).toHaveLength(1);
    looks[0]?.answer(known);
    clock.settle();
    expect(looks).toHaveLength(2);
    looks[1]?.answer(!known);
    clock.settle();
    expect(answers).toEqual([`a: ${code}`, 'b@1']);
    expect(written()).toEqual(['b']);
  });

  it('says why it could not look, and goes on', () => {
    const { clock, answers, write, breakView } = standOf();
    breakView();
    write('a', fresh('x'));
    write('b');
    clock.settle();
    expect(answers).toEqual(['a: view_behind', 'b@1']);
  });

  it('refuses nothing to write, too much, and too many', () => {
    const { clock, answers, write } = standOf();
    write('none', { records: [] });
    write('much', { records: Array.from({ length: 1_001 }, () => ({ type: 'summary_confirmed', id: 'x' }) as const) });
    expect(answers).toEqual(['none: validation_failed', 'much: validation_failed']);
    for (let at = 0; at < 1_030; at += 1) write(`w${at}`, fresh('x'));
    clock.settle();
    expect(answers.filter((text) => text.endsWith('overloaded')).length).toBe(1_030 - 1_024);
  });

  it('answers everybody when it comes to its end', () => {
    const { clock, stream, answers, write, written } = standOf();
    write('a', fresh('x'));
    write('b', fresh('y'));
    write('c');
    clock.settle();
    stream.stop();
    clock.settle();
    expect(answers.toSorted()).toEqual(['a: draining', 'b: draining', 'c: draining']);
    expect(written()).toEqual([]);
  });
});
