// SPDX-License-Identifier: Apache-2.0
// Searching in memory gives what the file gives: with thousands of vectors, filters, removals and news, and within its bounds.

import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { hash384 } from '../../../src/embeddings/hash-384.ts';
import { IndexedSearch } from '../../../src/stores/scan/indexed-search.ts';
import { loadedBytes } from '../../../src/stores/scan/loaded-vectors.ts';
import { MemoryBudget } from '../../../src/stores/scan/memory-budget.ts';
import { VectorsReader } from '../../../src/stores/sqlite/vectors-reader.ts';
import { VectorsWriter } from '../../../src/stores/sqlite/vectors-writer.ts';
import { type EmbeddedItem, VECTOR_SOURCES, type VectorFilter } from '../../../src/stores/vector-store.ts';
import { WHOLE } from '../../drawn.ts';
import { scratch } from './stores.ts';

const DIMENSIONS = 384;
const MODEL = { name: hash384.id, dimensions: DIMENSIONS };
const dir = scratch();
const closing: { close(): void }[] = [];
let files = 0;

afterEach(() => {
  for (const one of closing.splice(0)) one.close();
});

function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Texts of few words, so that many are near to each other and some are the same. */
function items(number: number, random: (below: number) => number, first = 0): EmbeddedItem[] {
  const texts = Array.from({ length: number }, () =>
    Array.from({ length: 1 + random(5) }, () => `word${random(40)}`).join(' '),
  );
  const vectors = hash384.embed(texts);
  return texts.map((text, at) => ({
    id: `i-${first + at}`,
    text,
    vector: vectors.slice(at * DIMENSIONS, (at + 1) * DIMENSIONS),
    source: VECTOR_SOURCES[random(4)] ?? 'note',
    ref: '',
    session_id: `s-${random(12)}`,
    user_id: `u-${random(3)}`,
    created_at: random(1_000),
    metadata: {},
  }));
}

function count(of: { times: number }): void {
  of.times += 1;
}

function open(budget = new MemoryBudget(1 << 30)) {
  const file = join(dir, String(files++), 'vectors.db');
  const writer = new VectorsWriter(file, MODEL);
  const rows = new VectorsReader(file);
  closing.push(rows, writer);
  const evicted = { times: 0 };
  const options = { rows, budget, worth: 1_000, evicted: () => count(evicted) };
  return {
    file,
    writer,
    rows,
    evicted,
    memory: new IndexedSearch({ ...options, key: file }),
    exact: new IndexedSearch({ ...options, key: `${file} exact`, worth: Number.POSITIVE_INFINITY }),
  };
}

function loadWhole(search: IndexedSearch): void {
  let loading = search.load();
  while (loading === 'more') loading = search.load();
  expect(loading).toBe('whole');
}

const FILTERS: readonly VectorFilter[] = [
  {},
  { sources: ['fact'] },
  { sources: ['message', 'note'], user_id: 'u-1' },
  { session_id: 's-3' },
  { session_id: 's-3', user_id: 'u-2', from: 100, to: 700 },
  { from: 990 },
  { to: 3 },
  { session_id: 'nobody' },
];

/** More than memory has room for at first, and so several blocks. */
const MANY = WHOLE ? 7_000 : 4_500;

describe('a search in memory', () => {
  it(`finds what the file finds, to the last digit, while ${MANY} items come and go`, () => {
    const { writer, memory, exact } = open();
    const random = chance(3);
    writer.putEmbedded(items(MANY, random));
    loadWhole(memory);
    const agree = (): void => {
      for (const filter of FILTERS) {
        const query = hash384.embed([`word${random(40)} word${random(40)} word${random(45)}`]);
        for (const k of [1, 10, 60]) {
          const [fast, slow] = [memory.search(query, k, filter), exact.search(query, k, filter)];
          expect(fast.results).toEqual(slow.results);
          expect(fast.by).toBe('memory');
          expect(slow.by).toBe('file');
        }
      }
    };
    agree();
    // More than a quarter of them, so that memory is put together anew.
    writer.delete(Array.from({ length: MANY * 0.64 }, () => `i-${random(MANY)}`));
    agree();
    // Some replace what is there, some are new.
    writer.putEmbedded(items(900, random, MANY - 500));
    agree();
    writer.delete([`i-${MANY - 500}`, `i-${MANY + 399}`, 'i-0']);
    writer.putEmbedded(items(1, random, MANY + 399));
    agree();
  });

  it('does not take thousands of equal texts for more than they are', () => {
    const { writer, memory, exact } = open();
    const same = items(1, chance(1))[0];
    if (same === undefined) throw new Error('there is one');
    writer.putEmbedded(
      Array.from({ length: WHOLE ? 6_000 : 4_500 }, (_, at) => ({
        ...same,
        id: `same-${String(at).padStart(4, '0')}`,
      })),
    );
    loadWhole(memory);
    const query = hash384.embed([same.text]);
    const { results } = memory.search(query, 3);
    expect(results.map(({ id }) => id)).toEqual(['same-0000', 'same-0001', 'same-0002']);
    expect(exact.search(query, 3).results).toEqual(results);
  });

  it('is answered from the file while too much is new, and says that memory is behind', () => {
    const { writer, memory, exact } = open();
    const random = chance(9);
    writer.putEmbedded(items(1_500, random));
    const query = hash384.embed(['word1 word2']);
    expect(memory.search(query, 5).by).toBe('behind');
    loadWhole(memory);
    writer.putEmbedded(items(2_500, random, 1_500));
    const behind = memory.search(query, 5);
    expect(behind.by).toBe('behind');
    expect(behind.results).toEqual(exact.search(query, 5).results);
    loadWhole(memory);
    expect(memory.search(query, 5)).toEqual({ ...exact.search(query, 5), by: 'memory' });
  });

  it('is loaded anew when it has missed more removals than are kept', () => {
    const { writer, memory, exact } = open();
    const random = chance(4);
    writer.putEmbedded(items(3_000, random));
    loadWhole(memory);
    for (let round = 0; round < 6; round += 1) writer.putEmbedded(items(2_000, random));
    const query = hash384.embed(['word3 word4']);
    expect(memory.search(query, 20).by).toBe('behind');
    expect(memory.inMemory).toBe(false);
    loadWhole(memory);
    expect(memory.search(query, 20).results).toEqual(exact.search(query, 20).results);
  });

  it('stays in the file when it is small, and when it is larger than all may be', () => {
    const small = open();
    small.writer.putEmbedded(items(50, chance(2)));
    expect(small.memory.load()).toBe('small');
    expect(small.memory.search(hash384.embed(['word1']), 3).by).toBe('file');
    const large = open(new MemoryBudget(1_000_000));
    large.writer.putEmbedded(items(1_100, chance(2)));
    expect(large.memory.load()).toBe('large');
    const answered = large.memory.search(hash384.embed(['word1']), 3);
    expect(answered.by).toBe('file');
    expect(answered.results).toHaveLength(3);
  });

  it('makes room for others, the least recently used first', () => {
    const each = loadedBytes(1_000, DIMENSIONS);
    const budget = new MemoryBudget(2 * each);
    const [one, two, three] = [open(budget), open(budget), open(budget)];
    const all = [one, two, three];
    for (const { writer } of all) writer.putEmbedded(items(1_000, chance(5)));
    loadWhole(one.memory);
    loadWhole(two.memory);
    const query = hash384.embed(['word1']);
    expect(one.memory.search(query, 1).by).toBe('memory');
    loadWhole(three.memory);
    expect(all.map(({ memory }) => memory.inMemory)).toEqual([true, false, true]);
    expect(all.map(({ evicted }) => evicted.times)).toEqual([0, 1, 0]);
    expect(budget.taken).toBeLessThanOrEqual(budget.most);
    expect(two.memory.search(query, 1).by).toBe('behind');
    one.memory.unload();
    three.memory.unload();
    expect(budget.taken).toBe(0);
  });

  it('finds nothing before there is a file', () => {
    const rows = new VectorsReader(join(dir, 'none', 'vectors.db'));
    const search = new IndexedSearch({ key: 'none', rows, budget: new MemoryBudget(1) });
    expect(search.load()).toBe('small');
    expect(search.search(hash384.embed(['word']), 1)).toEqual({ results: [], by: 'file', state: undefined });
  });
});
