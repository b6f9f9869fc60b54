// SPDX-License-Identifier: Apache-2.0
// The audit's chain: written with the record it belongs to or not at all, and every way of tampering with it named.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AuditHead, type AuditNote, auditNote, canonical, GENESIS } from '../../src/stores/audit.ts';
import type { Append } from '../../src/stores/journal.ts';
import { packAppendOf, unpackAppend } from '../../src/stores/remote/append-wire.ts';
import { AuditReader } from '../../src/stores/sqlite/audit-reader.ts';
import { sha256 } from '../../src/stores/sqlite/audit-table.ts';
import { SqliteJournalDisk } from '../../src/stores/sqlite/journal-disk.ts';
import { append, item, JournalBench } from './journal-bench.ts';
import { bodyOf, codeOf } from './manual-clock.ts';

function noted(stream: string, n: number, ...notes: readonly AuditNote[]): Append {
  return { stream, workspace_id: 'home', n, items: [item([`${stream} ${n}`], { at: 1_000 + n, audit: notes })] };
}

const did = (action: string, actor = 'ada') => auditNote(action, actor, { what: action });

describe('the chain', () => {
  let dir = '';
  let file = '';
  let disk: SqliteJournalDisk;
  let bench: JournalBench;
  const open = (): void => {
    disk = new SqliteJournalDisk({ file, durability: 'normal' });
    bench = new JournalBench(disk);
  };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sigil-audit-'));
    file = join(dir, 'journal.db');
    open();
  });
  afterEach(() => {
    disk.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const write = (...appends: readonly Append[]): string[] => {
    const asked = appends.map((one) => bench.append(one));
    bench.clock.settle();
    return asked.map(codeOf);
  };
  const edit = (sql: string): void => {
    const db = new Database(file);
    db.exec(sql);
    db.close();
  };
  /** Goes along the whole chain in steps of two entries. */
  const verify = () => {
    const reader = new AuditReader(file);
    try {
      for (let at: AuditHead = { n: 0, hash: GENESIS }; ; ) {
        const step = reader.verify(at, 2);
        if (step.done || step.broken !== null) return step;
        at = step.at;
      }
    } finally {
      reader.close();
    }
  };
  const six = (): void => {
    for (let n = 1; n <= 6; n += 1) write(noted('gateway/root', n, did(`user.${n}`)));
  };

  it('numbers and links entries over appends, groups and restarts', () => {
    expect(write(noted('a', 1, did('one'), did('two')), append('b', 1, 'quiet'), noted('c', 1, did('three')))).toEqual([
      'ok',
      'ok',
      'ok',
    ]);
    disk.abandon();
    open();
    write(noted('a', 2, did('four')));
    const reader = new AuditReader(file);
    const { items } = reader.query({}, { limit: 10 });
    reader.close();
    expect(items.map(({ n, seq, action, at }) => [n, seq, action, at])).toEqual([
      [4, 4, 'four', 1_002],
      [3, 3, 'three', 1_001],
      [2, 1, 'two', 1_001],
      [1, 1, 'one', 1_001],
    ]);
    for (const [index, row] of items.entries()) {
      expect(row.prev).toBe(items[index + 1]?.hash ?? GENESIS);
      expect(row.hash).toBe(sha256(canonical(row)));
    }
    expect(verify()).toMatchObject({ broken: null, at: { n: 4 }, head: { n: 4, hash: items[0]?.hash } });
  });

  it('a repeated append finds its entries there already', () => {
    const one = noted('a', 1, did('one'));
    expect(write(one)).toEqual(['ok']);
    expect(write(one, one)).toEqual(['ok', 'ok']);
    expect(disk.auditHead().n).toBe(1);
  });

  it('what cannot be noted is not done, and the rest of its group is', () => {
    write(noted('a', 1, did('one')));
    edit(
      `CREATE TRIGGER no BEFORE INSERT ON audit WHEN NEW.action = 'bad' BEGIN SELECT RAISE(ABORT, 'cannot note'); END`,
    );
    const codes = write(append('x', 1, 'before'), noted('a', 2, did('fine'), did('bad')), noted('b', 1, did('good')));
    expect(codes).toEqual(['ok', 'storage_failed', 'ok']);
    expect(bench.tailNow('a').n).toBe(1);
    expect(bench.tailNow('b').rows).toHaveLength(1);
    // Nothing of it is left: no row, no number in between.
    expect(bench.tailNow('b').rows[0]?.seq).toBe(3);
    expect(verify()).toMatchObject({ broken: null, head: { n: 2 } });
    expect(write(noted('a', 2, did('again')))).toEqual(['ok']);
    expect(verify()).toMatchObject({ broken: null, head: { n: 3 } });
  });

  it('refuses a note that is too long before anything is written', () => {
    const long = auditNote('x', 'ada', { text: 'x'.repeat(70_000) });
    expect(write(noted('a', 1, long))).toEqual(['validation_failed']);
    expect(write(noted('a', 1, { ...did('x'), actor: 'a'.repeat(1_001) }))).toEqual(['validation_failed']);
  });

  it.each([
    ['a changed field', `UPDATE audit SET actor = 'eve' WHERE n = 3`, 'changed', 3],
    ['a changed detail', `UPDATE audit SET details = '{}' WHERE n = 1`, 'changed', 1],
    ['a changed last entry', `UPDATE audit SET result = 'refused' WHERE n = 6`, 'changed', 6],
    ['a removed entry', 'DELETE FROM audit WHERE n = 3', 'removed', 3],
    ['a removed beginning', 'DELETE FROM audit WHERE n < 3', 'removed', 1],
    ['a removed end', 'DELETE FROM audit WHERE n > 4', 'removed', 5],
    ['everything removed', 'DELETE FROM audit', 'removed', 1],
    [
      'a removed entry whose gap was closed',
      'DELETE FROM audit WHERE n = 3; UPDATE audit SET n = n - 1 WHERE n > 3',
      'moved',
      3,
    ],
    [
      'two entries in another order',
      'UPDATE audit SET n = 99 WHERE n = 2; UPDATE audit SET n = 2 WHERE n = 5; UPDATE audit SET n = 5 WHERE n = 99',
      'moved',
      2,
    ],
    [
      'an entry put at the end',
      `INSERT INTO audit SELECT 7, at, seq, action, 'eve', plugin, workspace_id, session_id, result, details, hash, hash FROM audit WHERE n = 6`,
      'changed',
      7,
    ],
  ])('names %s', (_, sql, problem, n) => {
    six();
    expect(verify().broken).toBeNull();
    edit(sql);
    expect(verify().broken).toMatchObject({ problem, n });
  });

  it('names an entry put in between, even one that is hashed as it should be', () => {
    six();
    const db = new Database(file);
    const prev = db.prepare<[], string>('SELECT hash FROM audit WHERE n = 3').pluck().get() ?? '';
    const forged = { ...did('token.created', 'eve'), n: 4, at: 1_003, seq: 3, prev };
    db.exec('UPDATE audit SET n = -n WHERE n > 3; UPDATE audit SET n = 1 - n WHERE n < 0');
    db.prepare(
      `INSERT INTO audit VALUES (@n, @at, @seq, @action, @actor, @plugin, @workspace_id, @session_id, @result, @details, @prev, @hash)`,
    ).run({ ...forged, hash: sha256(canonical(forged)) });
    db.close();
    expect(verify().broken).toMatchObject({ problem: 'inserted', n: 4 });
  });

  it('names one put at the end that is hashed as it should be, and one that was changed and hashed anew', () => {
    six();
    const db = new Database(file);
    const last = db.prepare<[], { hash: string }>('SELECT hash FROM audit WHERE n = 6').get()?.hash ?? '';
    const forged = { ...did('token.created', 'eve'), n: 7, at: 1_003, seq: 3, prev: last };
    const insert = db.prepare(
      `INSERT INTO audit VALUES (@n, @at, @seq, @action, @actor, @plugin, @workspace_id, @session_id, @result, @details, @prev, @hash)`,
    );
    insert.run({ ...forged, hash: sha256(canonical(forged)) });
    expect(verify().broken).toMatchObject({ problem: 'inserted', n: 7 });
    db.exec('DELETE FROM audit WHERE n = 7');
    const before = db.prepare<[], string>('SELECT hash FROM audit WHERE n = 2').pluck().get() ?? '';
    const anew = { ...did('user.3', 'eve'), n: 3, at: 1_003, seq: 3, prev: before };
    db.exec('DELETE FROM audit WHERE n = 3');
    insert.run({ ...anew, hash: sha256(canonical(anew)) });
    expect(verify().broken).toMatchObject({ problem: 'changed', n: 3 });
    db.close();
  });

  it('an end that was cut off stays missed after more was written', () => {
    six();
    edit('DELETE FROM audit WHERE n > 4');
    disk.abandon();
    open();
    write(noted('gateway/root', 7, did('later')));
    expect(verify().broken).toMatchObject({ problem: 'removed', n: 5 });
  });

  it('a whole chain made anew is only found out by a head that was kept outside', () => {
    six();
    const kept = disk.auditHead();
    const db = new Database(file);
    const rows = db.prepare<[], Parameters<typeof canonical>[0]>('SELECT * FROM audit ORDER BY n').all();
    let prev = GENESIS;
    for (const row of rows) {
      const changed = { ...row, actor: 'eve', prev };
      prev = sha256(canonical(changed));
      db.prepare('UPDATE audit SET actor = ?, prev = ?, hash = ? WHERE n = ?').run('eve', changed.prev, prev, row.n);
    }
    db.prepare('UPDATE audit_head SET hash = ?').run(prev);
    db.close();
    expect(verify().broken).toBeNull();
    const reader = new AuditReader(file);
    expect(reader.hashOf(kept.n)).not.toBe(kept.hash);
    reader.close();
  });

  it('finds what is asked for, newest first, page by page, looking at so many at a time', () => {
    for (let n = 1; n <= 9; n += 1) {
      const who = n % 3 === 0 ? 'bo' : 'ada';
      write(noted('gateway/root', n, auditNote('user.created', who, { n }, { workspace_id: n > 5 ? 'home' : '' })));
    }
    const reader = new AuditReader(file, 4);
    const all = (query: Parameters<AuditReader['query']>[0], limit = 2): number[] => {
      const found: number[] = [];
      let cursor: string | undefined;
      do {
        const page = reader.query(query, { limit, cursor });
        expect(page.items.length).toBeLessThanOrEqual(limit);
        found.push(...page.items.map(({ n }) => n));
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
      return found;
    };
    expect(all({})).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(all({ actor: 'bo' })).toEqual([9, 6, 3]);
    expect(all({ actor: 'bo', workspace_id: 'home' })).toEqual([9, 6]);
    expect(all({ action: 'user.deleted' })).toEqual([]);
    expect(all({ from: 1_003, to: 1_006 })).toEqual([5, 4, 3]);
    reader.close();
  });
});

it('crosses a thread as it is', () => {
  const text = fc.string({ unit: 'binary', maxLength: 6 });
  const note: fc.Arbitrary<AuditNote> = fc.record({
    action: text,
    actor: text,
    plugin: text,
    workspace_id: text,
    session_id: text,
    result: fc.constantFrom('ok' as const, 'refused' as const, 'failed' as const),
    details: text,
  });
  const one = fc.record(
    {
      at: fc.nat(),
      records: fc.array(fc.record({ type: text, version: fc.nat(), turn_id: fc.option(text), payload: text }), {
        maxLength: 4,
      }),
      owes: fc.array(fc.record({ record: fc.nat(), kind: fc.constantFrom('turn' as const, 'part' as const) })),
      settles: fc.array(fc.nat()),
      audit: fc.array(note, { minLength: 1, maxLength: 3 }),
    },
    { requiredKeys: ['at', 'records', 'owes', 'settles'] },
  );
  fc.assert(
    fc.property(fc.record({ stream: text, workspace_id: text, n: fc.nat(), items: fc.array(one) }), (given) => {
      expect(unpackAppend(structuredClone(packAppendOf(given as Append, (record) => record)))).toEqual(given);
    }),
  );
});

it('gives no two entries the same text', () => {
  const field = fc.string({ maxLength: 3 });
  const row = fc.record({
    ...{ prev: field, n: fc.nat(3), at: fc.nat(3), seq: fc.nat(3), action: field, actor: field, plugin: field },
    ...{ workspace_id: field, session_id: field, result: fc.constant('ok' as const), details: field },
  });
  fc.assert(
    fc.property(row, row, (one, other) => {
      fc.pre(JSON.stringify(Object.entries(one).sort()) !== JSON.stringify(Object.entries(other).sort()));
      expect(canonical(one)).not.toBe(canonical(other));
    }),
  );
});

it('an append without notes is one item as before', () => {
  expect(
    bodyOf({ outcome: { ok: true, body: unpackAppend(packAppendOf(append('a', 1, 'x'), (one) => one)) } }),
  ).toEqual(append('a', 1, 'x'));
});
