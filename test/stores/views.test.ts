// SPDX-License-Identifier: Apache-2.0
// The views: what records become, exactly once whatever dies, and files that were lost or belong to another journal.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { putAside } from '../../src/stores/sqlite/damaged.ts';
import { WHOLE } from '../drawn.ts';
import { damagePages } from './damage.ts';
import { ask, bodyOf, codeOf } from './manual-clock.ts';
import { chance, failed, randomTurn, SessionLog, started } from './session-log.ts';
import { asOlderSessions, dumpRebuilt, dumpViews, StoreHouse } from './store-house.ts';

const views = (house: StoreHouse) => {
  if (house.views === undefined) throw new Error('the views are not open');
  return house.views;
};

/** Each of a process in the middle of its writing. */
const KILLS = WHOLE ? 8 : 4;

describe('views', () => {
  let house = new StoreHouse();
  beforeEach(() => {
    house.remove();
    house = new StoreHouse();
  });
  afterEach(() => house.remove());

  const fill = (seed: number, turns: number, workspaces = 5, joins = true): void => {
    const random = chance(seed);
    const logs = Array.from(
      { length: 12 },
      (_, index) => new SessionLog(`s${seed}-${index}`, `personal:w${index % workspaces}`),
    );
    house.append(...logs.map((log) => log.create()));
    for (let turn = 0; turn < turns; turn++) {
      const log = logs[Math.floor(random() * logs.length)];
      if (log !== undefined) house.append(...randomTurn(log, random, joins));
    }
  };

  it('waits for a journal that is not there yet', () => {
    house.openViews().openReader();
    house.clock.advance(100);
    expect(house.read('workspace.list', { page: { limit: 10 } }, 0).items).toEqual([]);
    house.openJournal();
    fill(1, 5);
    house.clock.advance(100);
    expect(views(house).upto).toBe(house.writer?.seq);
    expect(house.failures).toEqual([]);
  });

  it('are the same in any batches, after any restarts', () => {
    house.open();
    fill(2, 40);
    house.close();
    for (const batchRows of [1, 3, 7]) {
      const other = new StoreHouse();
      cpSync(join(house.dir, 'journal.db'), join(other.dir, 'journal.db'));
      for (let part = 0; part < 8; part++) {
        other.openViews({ batchRows, openFiles: 2 });
        for (let turn = 0; turn < 20; turn++) other.clock.turn();
        other.views?.close();
      }
      other.openViews({ batchRows });
      other.clock.settle();
      other.close();
      expect(dumpViews(other.dir)).toEqual(dumpViews(house.dir));
      other.remove();
    }
  });

  it('answers who awaits a row once it is applied', () => {
    house.wakes = false;
    house.open();
    house.clock.settle();
    const awaiting = (upto: number) =>
      ask((request: Parameters<NonNullable<typeof house.views>['await']>[0]) => views(house).await(request), { upto });
    const early = awaiting(2);
    const log = new SessionLog('s', 'home');
    house.append(log.create(), log.next(log.receive('hello')));
    expect(codeOf(early)).toBe('waiting');
    house.wakes = true;
    views(house).wake(2);
    house.clock.settle();
    expect(bodyOf(early)).toEqual({ upto: 2 });
    expect(bodyOf(awaiting(1))).toEqual({ upto: 2 });
    const stats = ask(
      (request: Parameters<NonNullable<typeof house.views>['stats']>[0]) => views(house).stats(request),
      {},
    );
    expect(bodyOf(stats)).toEqual({ upto: 2, applied: 2, behind: 0, memory: { upto: 2, behind: 0 } });
    const late = awaiting(99);
    house.views?.close();
    expect(codeOf(late)).toBe('draining');
  });

  it('catches a deleted workspace file up, also when nobody writes to the workspace', () => {
    house.open();
    fill(3, 30);
    house.close();
    const before = dumpViews(house.dir);
    rmSync(join(house.dir, 'workspaces', 'personal%3Aw1'), { recursive: true });
    house.open();
    house.clock.settle();
    const early = house.asks('session.list', { workspace_id: 'personal:w1', page: { limit: 5 } });
    house.clock.settle();
    expect(codeOf(early)).toBe('view_behind');
    house.clock.advance(1000);
    expect(
      house.read('session.list', { workspace_id: 'personal:w1', page: { limit: 5 } }).items.length,
    ).toBeGreaterThan(1);
    house.close();
    expect(dumpViews(house.dir)).toEqual(before);
  });

  it('catches a file that was put back from a copy up when it is written next', () => {
    house.open();
    fill(4, 10, 2);
    house.close();
    const file = join(house.dir, 'workspaces', 'personal%3Aw0', 'sessions.db');
    cpSync(file, `${file}.copy`);
    house.open();
    fill(5, 20, 2);
    house.close();
    cpSync(`${file}.copy`, file);
    house.open();
    fill(6, 10, 2);
    house.close();
    expect(dumpViews(house.dir)).toEqual(dumpRebuilt(house.dir));
  });

  it('rebuilds what belongs to another journal, or to rows the journal has lost', () => {
    const other = new StoreHouse();
    other.open();
    const log = new SessionLog('other', 'personal:w1');
    other.append(log.create(), ...Array.from({ length: 300 }, (_, index) => log.next(log.receive(`m${index}`))));
    other.close();
    house.open();
    fill(7, 10);
    house.close();
    const before = dumpViews(house.dir);
    // The views of another journal that is longer than this one.
    for (const file of ['gateway.db', join('workspaces', 'personal%3Aw1', 'sessions.db')])
      cpSync(join(other.dir, file), join(house.dir, file));
    house.openJournal().openViews();
    house.clock.advance(1000);
    house.close();
    expect(dumpViews(house.dir)).toEqual(before);
    // A journal put back from a copy that went another way since: same id, same seqs, other rows.
    cpSync(join(house.dir, 'journal.db'), join(house.dir, 'journal.copy'));
    house.open();
    fill(8, 5);
    house.close();
    cpSync(join(house.dir, 'journal.copy'), join(house.dir, 'journal.db'));
    house.openJournal();
    fill(9, 20);
    house.openViews();
    house.clock.advance(1000);
    house.close();
    expect(dumpViews(house.dir)).toEqual(dumpRebuilt(house.dir));
    other.remove();
  });

  it('keeps the content of a file of an older schema, and goes on in it', () => {
    house.open();
    // In a file of that schema no turn answered more than its own message.
    fill(20, 30, 5, false);
    house.close();
    const before = dumpViews(house.dir);
    const names = readdirSync(join(house.dir, 'workspaces'));
    for (const name of names) asOlderSessions(join(house.dir, 'workspaces', name, 'sessions.db'));
    house.open();
    // Long enough to have looked at every workspace's files.
    house.clock.advance(1_000);
    house.close();
    // The journal is not read for it: of a trimmed one nothing is left to read.
    expect(dumpViews(house.dir)).toEqual(before);
    house.open();
    fill(5, 20);
    house.close();
    expect(dumpViews(house.dir)).toEqual(dumpRebuilt(house.dir));
  });

  it('puts a damaged workspace file aside and makes it anew', () => {
    house.open();
    fill(10, 10);
    house.close();
    const before = dumpViews(house.dir);
    const file = join(house.dir, 'workspaces', 'personal%3Aw2', 'sessions.db');
    writeFileSync(file, 'this is no database, it only looks like a file of that name'.repeat(100));
    house.openJournal().openViews();
    house.clock.advance(1000);
    house.close();
    expect(existsSync(`${file}.damaged`)).toBe(true);
    expect(dumpViews(house.dir)).toEqual(before);
  });

  it('puts a damaged gateway.db aside and makes it anew, found at the start or in the middle of work', () => {
    house.open();
    fill(12, 10);
    house.close();
    const before = dumpViews(house.dir);
    const file = join(house.dir, 'gateway.db');
    writeFileSync(file, 'this is no database, it only looks like a file of that name'.repeat(100));
    house.open();
    house.clock.advance(1000);
    expect(house.failures).toMatchObject([{ message: expect.stringContaining('made again from the journal') }]);
    expect(house.read('workspace.list', { page: { limit: 10 } }).items).toHaveLength(5);
    house.close();
    expect(existsSync(`${file}.damaged`)).toBe(true);
    expect(dumpViews(house.dir)).toEqual(before);
    // Pages that are looked at only when rows are written: the file opens, and breaks later.
    const pages = new Database(file).pragma('page_count', { simple: true });
    damagePages(file, 'sessions', 'turns', 'workspaces');
    expect(pages).toBeGreaterThan(3);
    house.open();
    fill(13, 10);
    house.clock.advance(3000);
    expect(house.read('workspace.list', { page: { limit: 10 } }).items).toHaveLength(5);
    house.close();
    expect(dumpViews(house.dir)).toEqual(dumpRebuilt(house.dir));
  });

  it('puts a workspace file aside that turns out to be damaged in the middle of work', () => {
    house.open();
    fill(14, 30, 2);
    house.close();
    damagePages(join(house.dir, 'workspaces', 'personal%3Aw1', 'sessions.db'), 'messages', 'turns', 'sessions');
    house.open();
    fill(15, 10, 2);
    house.clock.advance(5000);
    expect(
      house.read('session.list', { workspace_id: 'personal:w1', page: { limit: 50 } }).items.length,
    ).toBeGreaterThan(6);
    house.close();
    expect(dumpViews(house.dir)).toEqual(dumpRebuilt(house.dir));
  });

  it('is read from the file that was made anew, whoever had the damaged one open', () => {
    house.open();
    const log = new SessionLog('s', 'home');
    house.append(log.create(), log.next(log.receive('where the keys are')));
    const found = () =>
      house.read('memory.search', { workspace_id: 'home', text: 'keys', match: 'all', page: { limit: 5 } }).items
        .length;
    expect(found()).toBe(1);
    house.views?.close();
    const file = join(house.dir, 'workspaces', 'home', 'memory.db');
    damagePages(file, 'messages');
    putAside(file);
    house.openViews();
    house.clock.advance(60_000);
    expect(existsSync(file)).toBe(true);
    expect(found()).toBe(1);
  });

  it('does not let one workspace that cannot be written hold up the others', () => {
    house.open();
    const [good, bad] = [new SessionLog('g', 'good'), new SessionLog('b', 'bad')];
    // A file stands where the workspace's directory should be.
    mkdirSync(join(house.dir, 'workspaces'));
    writeFileSync(join(house.dir, 'workspaces', 'bad'), '');
    house.append(good.create(), bad.create(), good.next(good.receive('hello')), bad.next(bad.receive('hello')));
    expect(house.read('session.get', { session_id: 'g' }).messages).toBe(1);
    const asked = house.asks('session.get', { session_id: 'b' });
    house.clock.settle();
    expect(codeOf(asked)).toMatch(/view_behind|storage_failed/);
    expect(house.failures.at(-1)).toMatchObject({ code: 'storage_failed' });
    rmSync(join(house.dir, 'workspaces', 'bad'));
    house.clock.advance(2000);
    expect(house.read('session.get', { session_id: 'b' }).messages).toBe(1);
    house.close();
    expect(dumpViews(house.dir)).toEqual(dumpRebuilt(house.dir));
  });

  it('passes over a workspace id that is no path', () => {
    house.open();
    const [good, bad] = [new SessionLog('g', 'good'), new SessionLog('b', '../escape')];
    house.append(bad.create(), good.create());
    expect(house.read('session.get', { session_id: 'g' }).id).toBe('g');
    const asked = house.asks('session.get', { session_id: 'b' });
    house.clock.settle();
    expect(codeOf(asked)).toBe('not_found');
    expect(existsSync(join(house.dir, 'escape'))).toBe(false);
  });

  it('tries again by itself when gateway.db could not be written', () => {
    house.open();
    const log = new SessionLog('s', 'home');
    house.append(log.create());
    const other = new Database(join(house.dir, 'gateway.db'));
    other.exec(`CREATE TRIGGER broken BEFORE INSERT ON turns BEGIN SELECT RAISE(FAIL, 'no'); END`);
    house.append(log.next(log.receive('hello', 't1')), log.next(started('t1'), failed('t1')));
    expect(house.failures).toMatchObject([
      { code: 'storage_failed', details: { file: join(house.dir, 'gateway.db') } },
    ]);
    expect(views(house).upto).toBe(1);
    other.exec('DROP TRIGGER broken');
    other.close();
    house.clock.advance(1000);
    expect(house.read('turn.get', { turn_id: 't1' })).toMatchObject({
      status: 'failed',
      error: { code: 'provider_error' },
    });
    house.close();
    expect(dumpViews(house.dir)).toEqual(dumpRebuilt(house.dir));
  });

  it(`equal a rebuild from scratch after ${KILLS} kills at random moments`, async () => {
    const child = fileURLToPath(new URL('views-child.ts', import.meta.url));
    const random = chance(77);
    for (let round = 0; round < KILLS; round++) {
      const writer = spawn(process.execPath, [child, house.dir, String(round)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(writer.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, 20 + random() * 120));
      writer.kill('SIGKILL');
      await once(writer, 'exit');
    }
    house.openJournal().openViews();
    house.clock.advance(2000);
    expect(house.failures).toEqual([]);
    expect(house.writer?.seq).toBeGreaterThan(100);
    house.close();
    expect(dumpViews(house.dir)).toEqual(dumpRebuilt(house.dir));
  });
});
