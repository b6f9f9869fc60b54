// SPDX-License-Identifier: Apache-2.0
// What is trimmed from the journal, what never is, and that nobody notices: not the lanes, not the readers, not a start.

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SigilError } from '../../src/errors.ts';
import type { Append } from '../../src/stores/journal.ts';
import type { JournalRow } from '../../src/stores/records.ts';
import { catchUpViews } from '../../src/stores/sqlite/catch-up.ts';
import { keepTrimming } from '../../src/stores/sqlite/keep-trimming.ts';
import { rebuildViews } from '../../src/stores/sqlite/rebuild.ts';
import { checkBeforeStart } from '../../src/stores/sqlite/start-check.ts';
import { codeOf } from './manual-clock.ts';
import { chance, randomTurn, SessionLog } from './session-log.ts';
import { dumpViews, StoreHouse } from './store-house.ts';

/** Later than every record of the logs. */
const LATER = Date.UTC(2027, 0, 1);

let house = new StoreHouse();
beforeEach(() => {
  house = new StoreHouse();
});
afterEach(() => house.remove());

const rows = (): readonly JournalRow[] => {
  const db = new Database(join(house.dir, 'journal.db'), { readonly: true });
  try {
    return db.prepare<[], JournalRow>('SELECT * FROM records ORDER BY seq').all();
  } finally {
    db.close();
  }
};

/** Trims as far as it goes, as of a moment; the rows it took. */
const trim = async (cutoff = LATER): Promise<number> => {
  const { journal } = house;
  if (journal === undefined) throw new Error('the journal is not open');
  const trimmer = journal.trimmer(house.dir);
  let gone = 0;
  for (;;) {
    const step = trimmer.step(cutoff, () => 0);
    gone += step.rows;
    if (step.done) return gone;
    if (step.wanted !== undefined) await trimmer.look(step.wanted);
  }
};

const checkpoint = (log: SessionLog): Append => log.next({ type: 'checkpoint', state: { folded: log.id } });

const fill = (seed: number, turns: number, sessions = 8): readonly SessionLog[] => {
  const random = chance(seed);
  const logs = Array.from({ length: sessions }, (_, index) => new SessionLog(`s${seed}-${index}`, `w${index % 3}`));
  house.append(...logs.map((log) => log.create()));
  for (let turn = 0; turn < turns; turn++) {
    const log = logs[Math.floor(random() * logs.length)];
    if (log !== undefined) house.append(...randomTurn(log, random));
  }
  return logs;
};

const tails = (all: readonly JournalRow[]): Map<string, JournalRow[]> => {
  const streams = new Map<string, JournalRow[]>();
  for (const row of all) {
    if (row.type === 'checkpoint') streams.set(row.stream, [row]);
    else streams.set(row.stream, [...(streams.get(row.stream) ?? []), row]);
  }
  return streams;
};

const refusedBy = (work: () => unknown): string => {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof SigilError) return thrown.message;
    throw thrown;
  }
  return 'nothing';
};

describe('trimming', () => {
  it('takes what lies before checkpoints, leaves every tail and number, and nobody who reads notices', async () => {
    house.open();
    const logs = fill(1, 80);
    house.append(...logs.slice(0, 5).map(checkpoint));
    for (const log of logs.slice(0, 3)) house.append(...randomTurn(log, chance(7)));
    const before = rows();
    const views = dumpViews(house.dir);
    const told = new Map(
      before.flatMap(({ turn_id }) =>
        turn_id === null ? [] : [[turn_id, house.read('turn.events', { turn_id, from: 0 })] as const],
      ),
    );
    const gone = await trim();
    const after = rows();
    expect(gone).toBe(before.length - after.length);
    expect(gone).toBeGreaterThan(100);
    expect(tails(after)).toEqual(tails(before));
    expect(after.at(-1)).toEqual(before.at(-1));
    let trimmed = 0;
    for (const [turn_id, whole] of told) {
      const now = house.read('turn.events', { turn_id, from: 0 });
      if (now.events.length === whole.events.length) continue;
      trimmed += 1;
      expect(now.ended).toBe(true);
      expect(now.events.at(-1)).toEqual(whole.events.at(-1));
      expect(now.events[0]?.event.event).toBe('turn_started');
    }
    expect(trimmed).toBeGreaterThan(10);
    expect(await trim()).toBe(0);
    // After a start: the same views, the next number, and no row twice.
    house.close();
    expect(checkBeforeStart(house.dir)).toEqual([]);
    house.open();
    for (const log of logs) house.append(...randomTurn(log, chance(8)));
    expect(house.failures).toEqual([]);
    expect(rows()[after.length]?.seq).toBe((before.at(-1)?.seq ?? 0) + 1);
    const grown = dumpViews(house.dir);
    for (const [table, all] of Object.entries(views)) {
      if (/ messages$/.test(table)) expect(grown[table]?.slice(0, all.length)).toEqual(all);
    }
    expect(await trim()).toBe(0);
  });

  it('leaves what is young, owed, in no checkpoint, not in a view, or of the gateway and the workspaces', async () => {
    house.open();
    const [young, owing, open, kept] = ['young', 'owing', 'open', 'kept'].map((id) => new SessionLog(id, 'home'));
    if (young === undefined || owing === undefined || open === undefined || kept === undefined) throw new Error();
    young.at = LATER;
    house.append(young.create(), ...randomTurn(young, chance(1)), checkpoint(young));
    house.append(owing.create());
    const owes = owing.next(owing.receive('hello'));
    house.append({
      ...owes,
      items: owes.items.map((item) => ({ ...item, owes: [{ record: 0, kind: 'turn' as const }] })),
    });
    house.append(owing.next(owing.receive('more')), checkpoint(owing));
    house.append(open.create(), ...randomTurn(open, chance(2)));
    for (const stream of ['gateway/root', 'workspace/home']) {
      const append = (n: number): Append => ({
        stream,
        workspace_id: 'home',
        n,
        items: [
          {
            at: 1,
            records: [{ type: 'checkpoint', version: 1, turn_id: null, payload: '{"type":"checkpoint","state":null}' }],
            owes: [],
            settles: [],
          },
        ],
      });
      house.append(append(1), append(2));
    }
    house.clock.settle();
    const before = rows();
    // Of `owing` the row before the one that is owed.
    expect(await trim()).toBe(1);
    expect(rows()).toEqual(before.filter(({ stream, n }) => !(stream === owing.stream && n === 1)));
    // In no view: the views hear nothing, and are not there.
    house.views?.close();
    house.append(kept.create(), ...randomTurn(kept, chance(3)), checkpoint(kept));
    expect(await trim()).toBe(0);
    house.openViews();
    house.clock.settle();
    expect(await trim()).toBeGreaterThan(3);
  });

  it('a view that is lost afterwards is never made half: neither by the views, nor at a start, nor by a rebuild', async () => {
    house.open();
    const logs = fill(2, 40);
    house.append(...logs.map(checkpoint));
    await trim();
    house.close();
    const whole = mkdtempSync(join(tmpdir(), 'sigil-trim-'));
    cpSync(house.dir, whole, { recursive: true });
    const view = 'workspaces/w1/sessions.db';
    const put = (): void => {
      rmSync(house.dir, { recursive: true });
      cpSync(whole, house.dir, { recursive: true });
    };
    // A workspace: it alone cannot be read, and says why.
    rmSync(join(house.dir, view));
    expect(checkBeforeStart(house.dir)).toMatchObject([{ message: expect.stringContaining('sigil backup restore') }]);
    house.open();
    house.clock.advance(3000);
    expect(house.failures.at(-1)?.message).toContain('cannot be made again from it whole');
    expect(house.read('session.list', { workspace_id: 'w0', page: { limit: 5 } }).items.length).toBeGreaterThan(0);
    const asked = house.asks('session.list', { workspace_id: 'w1', page: { limit: 5 } });
    house.clock.settle();
    expect(codeOf(asked)).not.toBe('ok');
    house.close();
    await expect(rebuildViews({ dataDir: house.dir, views: [view], acceptLoss: false })).rejects.toThrow(/accept-loss/);
    // An older copy of it is as bad; the loss accepted, it is made of what there is.
    await rebuildViews({ dataDir: house.dir, views: [view], acceptLoss: true });
    expect(checkBeforeStart(house.dir)).toEqual([]);
    house.failures.length = 0;
    house.open();
    house.clock.advance(3000);
    expect(house.failures).toEqual([]);
    house.close();
    // gateway.db: the start is refused.
    put();
    rmSync(join(house.dir, 'gateway.db'));
    expect(refusedBy(() => checkBeforeStart(house.dir))).toContain('cannot be made again from it whole');
    house.open();
    house.clock.advance(3000);
    expect(house.views?.upto).toBe(0);
    expect(house.failures.at(-1)?.message).toContain('cannot be made again from it whole');
    house.close();
    put();
    await catchUpViews({ dataDir: house.dir });
    expect(dumpViews(house.dir)).toEqual(dumpViews(whole));
    rmSync(whole, { recursive: true });
  });

  it('goes by itself, in steps, after whoever waits', async () => {
    house.open();
    const logs = fill(3, 60);
    house.append(...logs.map(checkpoint));
    const before = rows().length;
    const { journal, clock } = house;
    if (journal === undefined) throw new Error('the journal is not open');
    let waiting = true;
    let steps = 0;
    const passed = Promise.withResolvers<void>();
    const stop = keepTrimming({
      dataDir: house.dir,
      disk: {
        trimmer: (dir) => journal.trimmer(dir),
        touched: () => journal.touched(),
        checkpoint: () => {
          passed.resolve();
          return true;
        },
      },
      clock,
      retention: { ms: 3_600_000, now: () => LATER + 7_200_000 },
      waiting: () => waiting,
      point: () => {
        steps += 1;
      },
      failed: (failure) => passed.reject(new Error(failure.message)),
    });
    // Every fifth of a second a step is taken all the same.
    clock.advance(5_190);
    expect(steps).toBe(0);
    waiting = false;
    // The files are synced off the loop: the clock is moved on whenever that has come back.
    const going = setInterval(() => clock.advance(100), 1);
    await passed.promise;
    clearInterval(going);
    stop();
    expect(steps).toBeGreaterThan(1);
    expect(rows().length).toBeLessThan(before / 2);
  });
});
