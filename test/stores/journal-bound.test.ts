// SPDX-License-Identifier: Apache-2.0
// What may wait for the journal's next commit is bounded; past it the asker is told so, and what was taken is written.

import { expect, it } from 'vitest';
import { JournalWriter } from '../../src/stores/journal-writer.ts';
import { MemoryJournalDisk } from '../../src/stores/memory-journal.ts';
import { append } from './journal-bench.ts';
import { type Asked, ask, codeOf, ManualClock } from './manual-clock.ts';

function writerWith(waiting: { readonly most: number; readonly length: number }) {
  const clock = new ManualClock();
  const writer = new JournalWriter({
    disk: new MemoryJournalDisk('bound'),
    soon: (run) => clock.soon(run),
    maxRows: 2,
    waiting,
  });
  const write = (stream: string, content: string): Asked<unknown> =>
    ask((request) => writer.append(request), append(stream, 1, content));
  return { clock, writer, write };
}

it('refuses the append past the most that may wait, and takes more once some is written', () => {
  const { clock, writer, write } = writerWith({ most: 5, length: 1_000_000 });
  const asked = Array.from({ length: 7 }, (_, at) => write(`session/${at}`, 'hello'));
  expect(asked.map(codeOf)).toEqual([...Array(5).fill('waiting'), 'overloaded', 'overloaded']);
  clock.settle();
  expect(asked.slice(0, 5).map(codeOf)).toEqual(Array(5).fill('ok'));
  const again = write('session/6', 'hello');
  clock.settle();
  expect(codeOf(again)).toBe('ok');
  expect(writer.seq).toBe(6);
});

it('counts what the payloads hold together, down again as they are written', () => {
  const { clock, write } = writerWith({ most: 100, length: 2_000 });
  const long = 'x'.repeat(900);
  for (let round = 0; round < 5; round += 1) {
    const asked = Array.from({ length: 4 }, (_, at) => write(`session/${round}-${at}`, long));
    expect(asked.map(codeOf)).toEqual(['waiting', 'waiting', 'overloaded', 'overloaded']);
    clock.settle();
    expect(asked.slice(0, 2).map(codeOf)).toEqual(['ok', 'ok']);
  }
  const alone = write('session/alone', 'x'.repeat(5_000));
  clock.settle();
  expect(codeOf(alone)).toBe('ok');
});
