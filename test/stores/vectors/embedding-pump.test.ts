// SPDX-License-Identifier: Apache-2.0
// A text that ends its worker, again and again: it is found, given up and told of, and everything else is embedded.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { JobPool } from '../../../src/composition/pool.ts';
import { realWorld } from '../../../src/composition/real-world.ts';
import { hash384 } from '../../../src/embeddings/hash-384.ts';
import { type Failure, toFailure } from '../../../src/errors.ts';
import { IndexedSearch } from '../../../src/stores/scan/indexed-search.ts';
import { MemoryBudget } from '../../../src/stores/scan/memory-budget.ts';
import { openViews } from '../../../src/stores/sqlite/open.ts';
import { SuspectedBatch, TRIES_MOST } from '../../../src/stores/sqlite/suspected-batch.ts';
import { VectorsReader } from '../../../src/stores/sqlite/vectors-reader.ts';
import { workspaceDir } from '../../../src/stores/sqlite/workspace-path.ts';
import { until } from '../../edge/client.ts';
import { SessionLog } from '../session-log.ts';
import { StoreHouse } from '../store-house.ts';
import { DEADLY, SENSELESS } from './mortal-pool.ts';

const closing: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A directory with these messages in its journal. */
function written(texts: Readonly<Record<string, readonly string[]>>): string {
  const house = new StoreHouse(mkdtempSync(join(tmpdir(), 'sigil-pump-'))).openJournal();
  for (const [workspace, said] of Object.entries(texts)) {
    const log = new SessionLog(`of-${workspace}`, workspace);
    house.append(log.create(), ...said.map((text) => log.next(log.receive(text))));
  }
  house.close();
  closing.push(() => rmSync(house.dir, { recursive: true, force: true }));
  return house.dir;
}

interface Pumping {
  readonly failures: Failure[];
  /** How many texts each request had. */
  readonly asked: number[];
}

/** Views that embed with a pool of real workers; pauses are passed over. */
function pump(dataDir: string, model = hash384.id): Pumping {
  const entry = new URL('./mortal-pool.ts', import.meta.url);
  const pool = new JobPool({ entry, world: realWorld, threads: 1 });
  const failures: Failure[] = [];
  const asked: number[] = [];
  const views = openViews({
    dataDir,
    clock: { ...realWorld, after: (_ms, run) => realWorld.after(0, run), monotonic: () => 0, now: () => 0 },
    advanced: () => undefined,
    failed: (failure) => failures.push(failure),
    vectors: {
      model: { name: model, dimensions: hash384.dimensions },
      embed: ({ model, texts }, answered) => {
        asked.push(texts.length);
        pool.run('embed', { model: model.name, texts }).then(
          (vectors) => answered({ ok: true, vectors: vectors as Float32Array }),
          (error: unknown) => answered({ ok: false, error: toFailure(error) }),
        );
      },
      filling: () => undefined,
    },
  });
  closing.push(
    () => pool.close(),
    () => views.close(),
  );
  return { failures, asked };
}

/** Searches the file of a workspace. */
function searchOf(
  dataDir: string,
  workspace: string,
): { entries(): number; nearest(text: string): string | undefined } {
  const rows = new VectorsReader(join(workspaceDir(dataDir, workspace) ?? '', 'vectors.db'));
  closing.push(() => rows.close());
  const search = new IndexedSearch({ key: workspace, rows, budget: new MemoryBudget(0) });
  return {
    entries: () => rows.snapshot(({ entries }) => entries) ?? 0,
    nearest: (text) => search.search(hash384.embed([text]), 1).results[0]?.text,
  };
}

const notEmbeddable = ({ failures }: Pumping): readonly unknown[] =>
  failures.flatMap(({ details }) => (details?.['reason'] === 'not_embeddable' ? [details['item']] : []));

describe('a text that cannot be embedded', () => {
  it('is given up when its worker dies of it each time, and the rest goes on', async () => {
    const said = Array.from({ length: 100 }, (_, at) => (at === 37 ? DEADLY : `thing number ${at} of a hundred`));
    const dataDir = written({ home: said, other: ['the other workspace has a text too'] });
    const pumping = pump(dataDir);
    const [home, other] = [searchOf(dataDir, 'home'), searchOf(dataDir, 'other')];
    await until(() => home.entries() === 99 && other.entries() === 1);
    expect(notEmbeddable(pumping)).toEqual(['message/of-home/user/of-home-t38-m']);
    const [told] = pumping.failures.filter(({ details }) => details?.['reason'] === 'not_embeddable');
    expect(told).toMatchObject({ code: 'thread_lost', details: { workspace: 'home', model: hash384.id } });
    expect(told?.message).not.toContain(DEADLY);
    expect(home.nearest('thing number 38 of a hundred')).toBe('thing number 38 of a hundred');
    expect(home.nearest(DEADLY)).not.toBe(DEADLY);
    // The whole batch three times, its halves once each, the one text three times.
    expect(pumping.failures.filter(({ code }) => code === 'thread_lost')).toHaveLength(3 + 5 + 3 + 1);
  });

  it('is given up when its vector is none, every one of several', async () => {
    const said = Array.from({ length: 70 }, (_, at) => (at % 23 === 5 ? `${SENSELESS} ${at}` : `note ${at}`));
    const dataDir = written({ home: said });
    const pumping = pump(dataDir);
    const home = searchOf(dataDir, 'home');
    await until(() => home.entries() === 67);
    expect(notEmbeddable(pumping)).toEqual([6, 29, 52].map((at) => `message/of-home/user/of-home-t${at}-m`));
  });

  it('is not given up while nothing can be embedded at all', async () => {
    const dataDir = written({ home: ['one', 'two', 'three'] });
    const pumping = pump(dataDir, 'test/broken');
    // One text of the three is asked for, again and again, and after each time the easiest of all.
    await until(() => pumping.asked.length > 14);
    expect(notEmbeddable(pumping)).toEqual([]);
    expect(pumping.asked.slice(0, 8)).toEqual([3, 3, 3, 2, 1, 1, 1, 1]);
    await until(() => pumping.failures.length > 6);
  });
});

describe('a suspected batch', () => {
  it('comes down to every bad text, and to no other, in a bounded number of tries', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.array(fc.nat(63), { maxLength: 5 }), (size, places) => {
        const bad = new Set(places.filter((at) => at < size));
        const found: number[] = [];
        let [from, tries] = [0, 0];
        let suspected: SuspectedBatch | undefined;
        while (from < size) {
          const upto = Math.min(size, from + (suspected?.texts ?? 64));
          const items = Array.from({ length: upto - from }, (_, at) => ({ n: from + at }));
          const batch = { generation: 1, items, upto: upto - 1 };
          tries += 1;
          const fails = items.some(({ n }) => bad.has(n));
          if (!fails || (suspected?.texts === 1 && suspected.failed(batch) === 'one')) {
            if (fails) found.push(from);
            if (suspected?.covers(batch) && suspected.done(batch)) suspected = undefined;
            from = upto;
          } else if (suspected === undefined || suspected.texts > 1) {
            suspected = suspected?.covers(batch) ? suspected : new SuspectedBatch(batch);
            suspected.failed(batch);
          }
        }
        expect(found).toEqual([...bad].sort((a, b) => a - b));
        expect(tries).toBeLessThanOrEqual(64 + TRIES_MOST + bad.size * (6 + TRIES_MOST));
      }),
    );
  });
});
