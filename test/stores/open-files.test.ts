// SPDX-License-Identifier: Apache-2.0
// Files held open are bounded however many workspaces there are, and a long search lets others pass.

import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatabases } from '../../bench/memory.ts';
import { type Failure, failure } from '../../src/errors.ts';
import { FairQueue } from '../../src/stores/fair-queue.ts';
import { FilePool } from '../../src/stores/sqlite/open-files.ts';
import { SqliteReader } from '../../src/stores/sqlite/reader.ts';
import { WORKSPACE_FILES } from '../../src/stores/sqlite/views.ts';
import { workspaceDir } from '../../src/stores/sqlite/workspace-path.ts';
import { SessionLog } from './session-log.ts';
import { StoreHouse } from './store-house.ts';

describe('a pool of files', () => {
  it('closes the least recently used of all kinds, and each kind its own', () => {
    const pool = new FilePool(2);
    const closed: string[] = [];
    const [one, other] = [pool.kind<{ close(): void }>('one'), pool.kind<{ close(): void }>('other')];
    const file = (name: string) => ({ close: () => void closed.push(name) });
    const a = one.use('a', () => file('one a'));
    other.use('a', () => file('other a'));
    expect(one.use('a', () => file('again'))).toBe(a);
    one.use('b', () => file('one b'));
    expect(closed).toEqual(['other a']);
    expect([one.has('a'), other.has('a'), pool.size]).toEqual([true, false, 2]);
    expect(other.use('c', () => undefined)).toBeUndefined();
    other.use('c', () => file('other c'));
    one.close();
    expect([closed, pool.size]).toEqual([['other a', 'one a', 'one b'], 1]);
  });
});

describe('very many workspaces', () => {
  it('hold no more files open than they may', () => {
    const house = new StoreHouse(mkdtempSync(join(tmpdir(), 'sigil-many-')));
    house.openJournal().openViews({ openFiles: 8 }).openReader({ openFiles: 6 });
    let most = 0;
    for (let at = 0; at < 150; at += 1) {
      const log = new SessionLog(`s${at}`, `personal:p${at}`);
      house.append(log.create(), log.next(log.receive(`hello from ${at}`)));
      const found = house.read('memory.search', {
        workspace_id: `personal:p${at}`,
        text: 'hello',
        match: 'all',
        page: { limit: 5 },
      });
      expect(found.items.map(({ content }) => content)).toEqual([`hello from ${at}`]);
      most = Math.max(most, openDatabases(house.dir));
    }
    // Each file is itself, its log and the log's index: 8 and twice as many to write, 6 to read, and the gateway's own. What is
    // closed for reading stays a descriptor of SQLite's while the same file is open for writing: its locks hang on it.
    expect(most).toBeLessThanOrEqual(3 * (8 + 16 + 6) + (8 + 16) + 4 * 3);
    expect(most).toBeGreaterThan(30);
    house.remove();
  });

  it('keep all their files open as long as those of their sessions', () => {
    const house = new StoreHouse();
    const embed = (_: unknown, answered: (given: { readonly ok: false; readonly error: Failure }) => void): void =>
      answered({ ok: false, error: failure('overloaded', 'not now') });
    const vectors = { model: { name: 'm', dimensions: 4 }, embed, filling: () => undefined };
    house.openJournal().openViews({ openFiles: 4, vectors });
    const workspaces = ['a', 'b', 'c', 'd'];
    for (const workspace of workspaces) {
      const log = new SessionLog(`session of ${workspace}`, workspace);
      house.append(log.create(), log.next(log.receive('hello')));
      house.clock.advance(5_000);
    }
    // The log of a file is there as long as somebody holds it open.
    const held = workspaces.flatMap((workspace) =>
      WORKSPACE_FILES.filter((name) => existsSync(join(workspaceDir(house.dir, workspace) ?? '', `${name}-wal`))).map(
        (name) => `${workspace}/${name}`,
      ),
    );
    const kept = ['sessions.db', 'memory.db', 'vectors.db'];
    expect(held).toEqual(workspaces.flatMap((workspace) => kept.map((name) => `${workspace}/${name}`)));
    house.remove();
  });
});

describe('a long search', () => {
  it('is made in steps, between which others are answered', () => {
    const house = new StoreHouse().open();
    const log = new SessionLog('s', 'large');
    house.append(log.create());
    for (let at = 0; at < 20; at += 1) house.append(log.next(log.receive(`${'long text '.repeat(20_000)} ${at}`)));
    house.read('memory.count', { workspace_id: 'large' });
    // Every look at the clock takes as long as a step may.
    let now = 0;
    const reader = new SqliteReader({
      ...{ dataDir: house.dir, soon: house.clock.soon, after: house.clock.after },
      monotonic: () => (now += 5),
    });
    const order: string[] = [];
    const asked = (name: string, workspace_id: string): void =>
      reader.ask('memory.search', {
        body: { workspace_id, text: 'long text', match: 'any', page: { limit: 20 }, after: 0 },
        reply: ({ items }) => void order.push(`${name} ${items.length}`),
        fail: ({ code }) => void order.push(code),
      });
    asked('large', 'large');
    house.clock.turn();
    asked('small', 'small');
    for (let turns = 0; turns < 3; turns += 1) house.clock.turn();
    expect(order).toEqual(['small 0']);
    house.clock.settle();
    expect(order).toEqual(['small 0', 'large 20']);
    reader.close();
    house.remove();
  });

  it('goes on also where the queue is full', () => {
    const queue = new FairQueue<string>(1, 1);
    expect([queue.push('a', 'one'), queue.push('b', 'two')]).toEqual([true, false]);
    queue.again('b', 'rest');
    expect([queue.size, queue.next(), queue.next(), queue.next()]).toEqual([2, 'one', 'rest', undefined]);
  });
});
