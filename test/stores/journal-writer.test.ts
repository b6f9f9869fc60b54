// SPDX-License-Identifier: Apache-2.0
// The journal's contract, over both disks: order, repetition, conflict, groups, errors, tails, what is owed, restarts.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalDisk } from '../../src/stores/journal-disk.ts';
import { emptyMemoryJournal, MemoryJournalDisk } from '../../src/stores/memory-journal.ts';
import { openDatabase, type SqliteDatabase } from '../../src/stores/sqlite/database.ts';
import { SqliteJournalDisk } from '../../src/stores/sqlite/journal-disk.ts';
import { usualRuns } from '../drawn.ts';
import { append, failing, item, JournalBench, record } from './journal-bench.ts';
import { bodyOf, codeOf } from './manual-clock.ts';

interface Kind {
  readonly name: string;
  /** Opens the same journal again each time; what was open before is left as a crash leaves it. */
  readonly make: (dir: string) => () => JournalDisk;
}

const kinds: readonly Kind[] = [
  {
    name: 'memory',
    make: () => {
      const state = emptyMemoryJournal();
      return () => new MemoryJournalDisk('memory', state);
    },
  },
  {
    name: 'sqlite',
    // Generations of 8 rows, so that heads are written, half written and rebuilt within a few appends.
    make: (dir) => () => new SqliteJournalDisk({ file: join(dir, 'journal.db'), durability: 'normal', headRows: 8 }),
  },
];

describe.each(kinds)('journal on $name', ({ make }) => {
  let dir = '';
  let open: () => JournalDisk = () => new MemoryJournalDisk('none');
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sigil-journal-'));
    open = make(dir);
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('numbers rows in order and links each to the one before it in its stream', () => {
    const bench = new JournalBench(open());
    expect(bench.appended('session/a', 1, 'a1', 'a2')).toBe(1);
    expect(bench.appended('session/b', 1, 'b1')).toBe(3);
    expect(bench.appended('session/a', 3, 'a3')).toBe(4);
    const { n, rows } = bench.tailNow('session/a');
    expect(n).toBe(3);
    expect(rows.map((row) => [row.seq, row.prev, row.n])).toEqual([
      [1, 0, 1],
      [2, 1, 2],
      [4, 2, 3],
    ]);
    expect(rows[2]).toEqual({
      seq: 4,
      prev: 2,
      stream: 'session/a',
      n: 3,
      at: 1,
      workspace_id: 'home',
      ...record('a3'),
    });
    expect(bench.tailNow('session/none')).toEqual({ n: 0, rows: [] });
    expect(bench.notified).toEqual([2, 3, 4]);
  });

  it('commits everything that arrived in a tick in one transaction and answers after it', () => {
    const bench = new JournalBench(open());
    for (const stream of ['session/a', 'session/b', 'session/c']) bench.append(append(stream, 1, 'x'));
    bench.clock.settle();
    expect(bench.statsNow()).toEqual({ seq: 3, commits: 1, rows: 3, repeats: 0, conflicts: 0 });
    expect(bench.log).toEqual([
      'journal.gathered',
      'journal.before_commit',
      'journal.after_commit',
      'answer session/a 1',
      'answer session/b 1',
      'answer session/c 1',
    ]);
    expect(bench.notified).toEqual([3]);
  });

  it('takes several appends of one stream in one group', () => {
    const bench = new JournalBench(open());
    const asked = [append('session/a', 1, 'x'), append('session/a', 2, 'y', 'z'), append('session/a', 1, 'x')].map(
      (body) => bench.append(body),
    );
    bench.clock.settle();
    expect(asked.map((one) => bodyOf(one).seq)).toEqual([1, 2, 1]);
    expect(bench.tailNow('session/a').n).toBe(3);
  });

  it('answers a repetition again, also after the stream went on and after a restart', () => {
    const bench = new JournalBench(open());
    bench.appended('session/a', 1, 'one', 'two');
    bench.appended('session/b', 1, 'other');
    bench.appended('session/a', 3, 'three');
    const again = new JournalBench(open());
    for (const one of [bench, again]) {
      expect(one.appended('session/a', 1, 'one', 'two')).toBe(1);
      expect(one.appended('session/a', 3, 'three')).toBe(4);
      expect(one.statsNow()).toMatchObject({ seq: 4, repeats: 2, conflicts: 0 });
    }
  });

  it('is not deceived by another time of a repetition', () => {
    const bench = new JournalBench(open());
    bench.appended('session/a', 1, 'one');
    const asked = bench.append({ ...append('session/a', 1), items: [item(['one'], { at: 99 })] });
    bench.clock.settle();
    expect(bodyOf(asked)).toEqual({ seq: 1 });
  });

  it.each([
    ['other content', append('session/a', 1, 'uno', 'two')],
    ['other content at its end', append('session/a', 1, 'one', 'dos')],
    ['a gap', append('session/a', 4, 'four')],
    ['a beginning that is there and an end that is not', append('session/a', 2, 'two', 'three')],
    [
      'another type',
      { ...append('session/a', 1), items: [{ ...item([]), records: [record('one', 'session_created')] }] },
    ],
    [
      'another turn',
      { ...append('session/a', 1), items: [{ ...item([]), records: [{ ...record('one'), turn_id: 't' }] }] },
    ],
  ])('refuses %s with conflict and writes nothing', (_name, body) => {
    const bench = new JournalBench(open());
    bench.appended('session/a', 1, 'one', 'two');
    const asked = bench.append(body);
    bench.clock.settle();
    expect(codeOf(asked)).toBe('conflict');
    expect(bench.statsNow()).toMatchObject({ seq: 2, conflicts: 1 });
  });

  it('lets no failing append fail its group', () => {
    const bench = new JournalBench(open());
    bench.appended('session/a', 1, 'one');
    const good = bench.append(append('session/b', 1, 'x'));
    const bad = bench.append(append('session/a', 7, 'x'));
    const none = bench.append(append('session/a', 2));
    const odd = bench.append({ ...append('session/c', 1), items: [{ ...item(['x']), at: 1.5 }] });
    const owing = bench.append({
      ...append('session/c', 1),
      items: [item(['x'], { owes: [{ record: 1, kind: 'turn' }] })],
    });
    const also = bench.append(append('session/a', 2, 'two'));
    bench.clock.settle();
    expect([good, bad, none, odd, owing, also].map(codeOf)).toEqual([
      'ok',
      'conflict',
      'validation_failed',
      'validation_failed',
      'validation_failed',
      'ok',
    ]);
    expect(bench.statsNow().seq).toBe(3);
  });

  it('acknowledges nothing of a group the disk failed, and goes on as if it had not been', () => {
    for (const failAt of [1, 2, 3, 4, 5, 6]) {
      const control = failing(open());
      const bench = new JournalBench(control.disk);
      const before = bench.writer.seq;
      const [a, b] = [`session/a${failAt}`, `session/b${failAt}`];
      bench.appended(a, 1, 'one');
      const owed = bench.owedNow();
      control.failAt = failAt;
      const open2 = {
        ...append(a, 2),
        items: [item(['two', 'three'], { owes: [{ record: 0, kind: 'turn' }], settles: [before] })],
      };
      const asked = [bench.append(open2), bench.append(append(b, 1, 'x'))];
      const tail = bench.tail(a);
      bench.clock.settle();
      expect(asked.map(codeOf)).toEqual(['storage_failed', 'storage_failed']);
      expect(bodyOf(tail).n).toBe(1);
      expect(bench.statsNow().seq).toBe(before + 1);
      expect(bench.owedNow()).toEqual(owed);
      const again = [bench.append(open2), bench.append(append(b, 1, 'x'))];
      bench.clock.settle();
      expect(again.map((one) => bodyOf(one).seq)).toEqual([before + 2, before + 4]);
      expect(bench.owedNow()).toContain(a);
      expect(bench.notified).toEqual([before + 1, before + 4]);
    }
  });

  it('answers a tail after all appends before it, from the last checkpoint on', () => {
    const bench = new JournalBench(open());
    bench.appended('session/a', 1, 'one', 'two');
    const checkpoint = {
      type: 'checkpoint',
      version: 1,
      turn_id: null,
      payload: '{"type":"checkpoint","state":1}',
    } as const;
    bench.append({ ...append('session/a', 3), items: [{ ...item([]), records: [checkpoint] }] });
    bench.append(append('session/a', 4, 'four'));
    const tail = bench.tail('session/a');
    bench.append(append('session/a', 5, 'five'));
    expect(codeOf(tail)).toBe('waiting');
    bench.clock.settle();
    expect(bodyOf(tail).rows.map((row) => row.type)).toEqual(['checkpoint', 'session_changed', 'session_changed']);
    expect(bench.tailNow('session/a').rows.map((row) => row.n)).toEqual([3, 4, 5]);
  });

  it('keeps what is owed with the records that open and close it', () => {
    const bench = new JournalBench(open());
    const opens = item(['received', 'more'], { owes: [{ record: 1, kind: 'turn' }] });
    bench.append({ ...append('session/a', 1), items: [item(['first']), opens] });
    bench.append({ ...append('session/b', 1), items: [item(['b'], { owes: [{ record: 0, kind: 'part' }] })] });
    bench.clock.settle();
    expect(bench.owedNow()).toEqual(['session/a', 'session/b']);
    bench.append({ ...append('session/a', 4), items: [item(['done'], { settles: [3] })] });
    bench.clock.settle();
    expect(bench.owedNow()).toEqual(['session/b']);
    expect(new JournalBench(open()).owedNow()).toEqual(['session/b']);
  });

  it('bounds a commit in rows and length, and never parts an append', () => {
    const bench = new JournalBench(open(), { maxRows: 3, maxLength: 10_000 });
    const asked = [
      bench.append(append('session/a', 1, '1', '2', '3', '4')),
      bench.append(append('session/b', 1, '1', '2')),
      bench.append(append('session/c', 1, '1')),
      bench.append(append('session/d', 1, 'x'.repeat(9_990))),
      bench.append(append('session/e', 1, 'y')),
    ];
    const answered: number[] = [];
    while (bench.clock.turn()) answered.push(asked.filter((one) => one.outcome?.ok).length);
    expect(answered).toEqual([1, 3, 4, 5]);
    expect(bench.notified).toEqual([4, 7, 8, 9]);
  });

  it('keeps any text, also a million characters of it', () => {
    const bench = new JournalBench(open());
    const texts = ['', '🦊 ünïcödé 中文 \u0000 \u2028', '\ud800 alone', `"'\\;--`, 'é'.repeat(1_000_000)];
    bench.appended('session/ä', 1, ...texts);
    const { rows } = new JournalBench(open()).tailNow('session/ä');
    expect(rows.map((row) => (JSON.parse(row.payload) as { title: string }).title)).toEqual(texts);
    expect(bench.appended('session/ä', 1, ...texts)).toBe(1);
  });

  it('agrees with a plain model after any appends, repetitions, failures and crashes', () => {
    const streams = ['session/a', 'session/b', 'session/c', 'session/d', 'session/e'];
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          do: fc.constant('append' as const),
          stream: fc.constantFrom(...streams),
          rows: fc.integer({ min: 1, max: 5 }),
          off: fc.constantFrom(0, 0, 0, 0, -1, 1),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), stream: fc.constantFrom(...streams) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const), at: fc.integer({ min: 1, max: 6 }) }) },
      { weight: 4, arbitrary: fc.constant({ do: 'tick' as const }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), answered: fc.boolean() }) },
    );
    let run = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const openOne = make(mkdtempSync(join(dir, `run-${run++}-`)));
        let disk = openOne();
        let control = failing(disk);
        let bench = new JournalBench(control.disk);
        /** What is durable, by stream: payloads in order. And the newest append of each, to repeat. */
        const model = new Map<string, string[]>();
        const newest = new Map<string, { readonly n: number; readonly payloads: readonly string[] }>();
        let total = 0;
        let text = 0;
        const head = (stream: string): string[] => model.get(stream) ?? [];
        const check = (): void => {
          for (const stream of streams) {
            const { n, rows } = bench.tailNow(stream);
            expect(rows.map((row) => row.payload)).toEqual(head(stream).map((payload) => record(payload).payload));
            expect(n).toBe(head(stream).length);
            expect(rows.map((row) => row.n)).toEqual(rows.map((_row, index) => index + 1));
            expect(rows.map((row) => row.prev)).toEqual([0, ...rows.map((row) => row.seq)].slice(0, rows.length));
          }
          expect(bench.statsNow().seq).toBe(total);
        };
        for (const one of steps) {
          if (one.do === 'append') {
            const n = head(one.stream).length + 1 + one.off;
            const payloads = Array.from({ length: one.rows }, () => `text ${text++}`);
            const asked = n < 1 ? undefined : bench.append(append(one.stream, n, ...payloads));
            bench.clock.settle();
            if (asked === undefined) continue;
            if (one.off === 0 && control.failAt === 0 && codeOf(asked) === 'storage_failed') continue;
            expect(codeOf(asked)).toBe(
              one.off === 0 ? 'ok' : codeOf(asked) === 'storage_failed' ? 'storage_failed' : 'conflict',
            );
            if (one.off !== 0) continue;
            expect(bodyOf(asked).seq).toBe(total + 1);
            total += payloads.length;
            model.set(one.stream, [...head(one.stream), ...payloads]);
            newest.set(one.stream, { n, payloads });
          } else if (one.do === 'repeat') {
            const last = newest.get(one.stream);
            if (last === undefined) continue;
            const asked = bench.append(append(one.stream, last.n, ...last.payloads));
            bench.clock.settle();
            expect(['ok', 'storage_failed']).toContain(codeOf(asked));
          } else if (one.do === 'fail') control.failAt = one.at;
          else if (one.do === 'tick') check();
          else {
            // Half of the crashes come while something waits that is not durable yet.
            if (!one.answered) bench.append(append('session/a', head('session/a').length + 1, 'lost'));
            if (disk instanceof SqliteJournalDisk) disk.abandon();
            disk = openOne();
            control = failing(disk);
            bench = new JournalBench(control.disk);
            check();
          }
        }
        control.failAt = 0;
        check();
        disk.close();
        disk = openOne();
        bench = new JournalBench(disk);
        check();
        if (disk instanceof SqliteJournalDisk) expect(disk.rescanned).toBe(0);
        disk.close();
      }),
      { numRuns: usualRuns(60) },
    );
  });
});

describe('journal in a file', () => {
  let dir = '';
  let file = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sigil-journal-'));
    file = join(dir, 'journal.db');
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('keeps its id, and reads few rows again at a start', () => {
    const first = new SqliteJournalDisk({ file, durability: 'full', headRows: 16 });
    const bench = new JournalBench(first);
    for (let n = 1; n <= 100; n++) {
      for (let stream = 0; stream < 10; stream++) bench.append(append(`session/${stream}`, n, 'x'));
      bench.clock.settle();
    }
    first.abandon();
    const second = new SqliteJournalDisk({ file, durability: 'full', headRows: 16 });
    expect(second.id).toBe(first.id);
    expect(second.rescanned).toBeLessThan(64);
    expect(second.last()).toBe(1000);
    expect(new JournalBench(second).tailNow('session/9').n).toBe(100);
    second.close();
  });

  it('acknowledges nothing on a full disk and works again when there is space', () => {
    let db: SqliteDatabase | undefined;
    const open: typeof openDatabase = (name, options) => {
      db = openDatabase(name, options);
      return db;
    };
    const disk = new SqliteJournalDisk({ file, durability: 'full', headRows: 4, open });
    const bench = new JournalBench(disk);
    const numbers = new Map<string, number>();
    let refused = 0;
    for (let round = 0; round < 300; round++) {
      // Every few rounds the disk grows by a page, so that each kind of page is the one there is no space for.
      const pages = Number(db?.pragma('page_count', { simple: true }));
      db?.pragma(`max_page_count = ${pages + (round % 3 === 0 ? 1 : 0)}`);
      const asked = Array.from({ length: 3 }, (_, index) => {
        const stream = `session/${(round * 7 + index * 5) % 40}`;
        return {
          stream,
          n: (numbers.get(stream) ?? 0) + 1,
          answer: bench.append(append(stream, (numbers.get(stream) ?? 0) + 1, 'x'.repeat(300))),
        };
      });
      bench.clock.settle();
      for (const { stream, n, answer } of asked) {
        if (codeOf(answer) === 'ok') numbers.set(stream, n);
        else {
          refused += 1;
          expect(answer.outcome).toMatchObject({
            error: { code: 'storage_failed', details: { file, code: 'SQLITE_FULL' } },
          });
        }
      }
    }
    expect(refused).toBeGreaterThan(10);
    db?.pragma('max_page_count = 100000');
    expect(bench.appended('session/last', 1, 'y')).toBe([...numbers.values()].reduce((sum, n) => sum + n, 1));
    disk.abandon();
    const again = new JournalBench(new SqliteJournalDisk({ file, durability: 'full', headRows: 4 }));
    for (const [stream, n] of numbers)
      expect(again.tailNow(stream).rows.map((row) => row.n)).toEqual(
        Array.from({ length: n }, (_, index) => index + 1),
      );
    again.disk.close();
  });
});
