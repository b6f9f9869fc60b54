// SPDX-License-Identifier: Apache-2.0
// A changed model: the old index answers until the new one is whole, whoever is ended in between, and nothing is embedded for nothing.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { IndexedSearch } from '../../../src/stores/scan/indexed-search.ts';
import { MemoryBudget } from '../../../src/stores/scan/memory-budget.ts';
import { VectorsReader } from '../../../src/stores/sqlite/vectors-reader.ts';
import { VectorsWriter } from '../../../src/stores/sqlite/vectors-writer.ts';
import type { VectorItem, VectorModel } from '../../../src/stores/vector-store.ts';
import { NEW, OLD, oldOrNew } from './model-change.ts';
import { scratch } from './stores.ts';

const dir = scratch();
const closing: { close(): void }[] = [];
let files = 0;

afterEach(() => {
  for (const one of closing.splice(0)) one.close();
});

const fileOf = (): string => join(dir, String(files++), 'vectors.db');

function writerOf(file: string, model: VectorModel): VectorsWriter {
  const writer = new VectorsWriter(file, model);
  closing.push(writer);
  return writer;
}

function searchOf(file: string): IndexedSearch {
  const rows = new VectorsReader(file);
  closing.push(rows);
  return new IndexedSearch({ key: file, rows, budget: new MemoryBudget(1 << 30), worth: 1 });
}

function items(number: number, first = 0): VectorItem[] {
  return Array.from({ length: number }, (_, at) => ({
    id: `i-${first + at}`,
    source: 'message',
    ref: `m-${first + at}`,
    session_id: `s-${at % 3}`,
    user_id: `u-${at % 2}`,
    created_at: at,
    metadata: {},
    text: `text ${first + at}`,
  }));
}

/** Fills what is missing, so many batches of it. */
function fill(
  writer: VectorsWriter,
  most = Number.POSITIVE_INFINITY,
): { batches: number; texts: number; swapped: boolean } {
  let [batches, texts, swapped] = [0, 0, false];
  for (let missing = writer.missing(); missing !== undefined && batches < most; missing = writer.missing()) {
    const wanted = missing.items.map(({ text }) => text);
    swapped = writer.fill(missing, oldOrNew(missing.model, wanted)) || swapped;
    batches += 1;
    texts += wanted.length;
  }
  return { batches, texts, swapped };
}

/** The nearest to a text, by the model that answers now, which must be this one. */
function nearest(search: IndexedSearch, model: VectorModel, text: string, k = 5): readonly string[] {
  for (let loading = search.load(); loading === 'more'; loading = search.load());
  const { results, state } = search.search(oldOrNew(model, [text]), k);
  expect(state?.model).toEqual(model);
  return results.map(({ id }) => id);
}

describe('an index and its model', () => {
  it('finds an item once it is embedded', () => {
    const file = fileOf();
    const writer = writerOf(file, OLD);
    const search = searchOf(file);
    writer.put(items(3));
    expect(nearest(search, OLD, 'text 1')).toEqual([]);
    expect(fill(writer)).toEqual({ batches: 1, texts: 3, swapped: false });
    expect(nearest(search, OLD, 'text 1')[0]).toBe('i-1');
    expect(writer.missing()).toBeUndefined();
  });

  it('asks for no more than a batch at once', () => {
    const writer = writerOf(fileOf(), OLD);
    const [one] = items(1);
    if (one === undefined) throw new Error('there is one');
    writer.put(items(70));
    expect(writer.missing()?.items).toHaveLength(64);
    fill(writer);
    // What is kept of a very long text still fits four times.
    writer.put(Array.from({ length: 9 }, (_, at) => ({ ...one, id: `long-${at}`, text: 'x'.repeat(50_000) })));
    expect(writer.missing()?.items.map(({ text }) => text.length)).toEqual([16_384, 16_384, 16_384, 16_384]);
  });

  it('keeps answering with the old model until the new one is whole', () => {
    const file = fileOf();
    const old = new VectorsWriter(file, OLD);
    old.put(items(200));
    fill(old);
    old.close();
    const search = searchOf(file);
    const before = nearest(search, OLD, 'text 7');
    const writer = writerOf(file, NEW);
    expect(writer.model).toEqual(OLD);
    expect(writer.filling()).toEqual({ model: NEW, done: 0, total: 200 });
    expect(fill(writer, 2)).toMatchObject({ batches: 2, swapped: false });
    expect(writer.filling()).toEqual({ model: NEW, done: 128, total: 200 });
    expect(nearest(search, OLD, 'text 7')).toEqual(before);
    expect(fill(writer)).toEqual({ batches: 2, texts: 72, swapped: true });
    expect(writer.model).toEqual(NEW);
    expect(writer.filling()).toBeNull();
    // Memory still holds the old generation: it must notice.
    expect(search.search(oldOrNew(NEW, ['text 7']), 1).by).toBe('behind');
    expect(nearest(search, NEW, 'text 7')[0]).toBe('i-7');
    expect(() => search.search(oldOrNew(OLD, ['text 7']), 1)).toThrow(/12 dimensions and the index 20/);
  });

  it('takes what is put, replaced and deleted meanwhile into both', () => {
    const file = fileOf();
    const old = new VectorsWriter(file, OLD);
    old.put(items(150));
    fill(old);
    old.close();
    const writer = writerOf(file, NEW);
    const search = searchOf(file);
    const stale = writer.missing();
    fill(writer, 1);
    writer.put([{ ...(items(1)[0] as VectorItem), id: 'i-3', text: 'text 1003' }, ...items(1, 500)]);
    writer.delete(['i-4', 'i-149']);
    // A batch that was asked for before is answered after: what it speaks of is replaced or gone.
    if (stale === undefined) throw new Error('something was missing');
    expect(
      writer.fill(
        stale,
        oldOrNew(
          NEW,
          stale.items.map(({ text }) => text),
        ),
      ),
    ).toBe(false);
    // The new one is found by the old model first, before the new index is whole.
    const next = writer.missing({ can: ({ name }) => name === OLD.name });
    expect(next?.items.map(({ text }) => text)).toEqual(['text 1003', 'text 500']);
    if (next !== undefined) writer.fill(next, oldOrNew(OLD, ['text 1003', 'text 500']));
    expect(nearest(search, OLD, 'text 500')[0]).toBe('i-500');
    expect(nearest(search, OLD, 'text 4', 200)).not.toContain('i-4');
    expect(fill(writer).swapped).toBe(true);
    expect(nearest(search, NEW, 'text 1003')[0]).toBe('i-3');
    const all = nearest(search, NEW, 'text 1', 500);
    expect(all).toHaveLength(149);
    expect(new Set(all).size).toBe(149);
    expect(all).not.toContain('i-149');
  });

  it('forgets a model that is given up before it was whole', () => {
    const file = fileOf();
    const old = new VectorsWriter(file, OLD);
    old.put(items(100));
    fill(old);
    old.close();
    const half = new VectorsWriter(file, NEW);
    fill(half, 1);
    half.close();
    const third = { name: 'acme/third', dimensions: 9 };
    const other = new VectorsWriter(file, third);
    expect(other.filling()).toEqual({ model: third, done: 0, total: 100 });
    other.close();
    const back = writerOf(file, OLD);
    expect(back.filling()).toBeNull();
    expect(back.missing()).toBeUndefined();
    expect(nearest(searchOf(file), OLD, 'text 9')).toContain('i-9');
  });

  it('takes a new model at once when nothing is stored', () => {
    const file = fileOf();
    new VectorsWriter(file, OLD).close();
    const writer = writerOf(file, NEW);
    expect(writer.model).toEqual(NEW);
    expect(writer.filling()).toBeNull();
  });

  it('refuses a model whose vectors no index can hold', () => {
    expect(() => new VectorsWriter(fileOf(), { name: 'acme/huge', dimensions: 9_000 })).toThrow(/9000 dimensions/);
  });

  it('forgets all of a session and of a user, their names too', () => {
    const file = fileOf();
    const writer = writerOf(file, OLD);
    writer.put(items(30));
    fill(writer);
    expect(writer.deleteOf({ user_id: 'u-1' })).toBe(15);
    expect(writer.deleteOf({ session_id: 's-0' })).toBe(5);
    expect(writer.deleteOf({ user_id: 'u-1' })).toBe(0);
    const search = searchOf(file);
    expect(nearest(search, OLD, 'text 2', 50)).toHaveLength(10);
    expect(search.search(oldOrNew(OLD, ['text 2']), 5, { user_id: 'u-1' }).results).toEqual([]);
  });

  it('begins again in the same file when it is cleared', () => {
    const file = fileOf();
    const writer = writerOf(file, OLD);
    const search = searchOf(file);
    writer.put(items(30));
    fill(writer);
    nearest(search, OLD, 'text 2');
    writer.clear();
    expect(search.search(oldOrNew(OLD, ['text 2']), 5).results).toEqual([]);
    writer.put(items(3));
    fill(writer);
    expect(nearest(search, OLD, 'text 2', 50)).toHaveLength(3);
  });

  it('goes on where it was when its process is killed in the middle, and loses nothing', async () => {
    const file = fileOf();
    const old = new VectorsWriter(file, OLD);
    old.put(items(1_200));
    fill(old);
    old.close();
    const child = fileURLToPath(new URL('./model-change-child.ts', import.meta.url));
    let done = 0;
    for (const after of [1, 4, 3]) {
      const running = spawn(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', child, file, String(after + 2)],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      const ended = once(running, 'exit');
      for await (const line of createInterface({ input: running.stdout })) {
        if (Number(line) < after) continue;
        running.kill('SIGKILL');
        break;
      }
      await ended;
      const search = searchOf(file);
      const writer = new VectorsWriter(file, NEW);
      const { done: now = 0 } = writer.filling() ?? {};
      expect(writer.model).toEqual(OLD);
      expect(now).toBeGreaterThanOrEqual(done + after * 64);
      done = now;
      writer.close();
      expect(nearest(search, OLD, 'text 17')).toContain('i-17');
    }
    const writer = writerOf(file, NEW);
    expect(fill(writer)).toMatchObject({ texts: 1_200 - done, swapped: true });
    const all = nearest(searchOf(file), NEW, 'text 1', 1_000);
    expect(all).toHaveLength(1_000);
    expect(nearest(searchOf(file), NEW, 'text 17')).toContain('i-17');
  });
});
