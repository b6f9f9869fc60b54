// SPDX-License-Identifier: Apache-2.0
// What every vector store keeps, whatever it is made of: a suite over a way to open one.

import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { scoreOf, unitOf } from '../../../src/stores/vector-math.ts';
import {
  byNearness,
  type EmbeddedItem,
  VECTOR_SOURCES,
  type VectorFilter,
  type VectorResult,
  type VectorStore,
} from '../../../src/stores/vector-store.ts';
import { usualRuns } from '../../drawn.ts';

const DIMENSIONS = 20;

/** Opens an empty store for vectors of so many dimensions. */
export type OpenEmpty = (dimensions: number) => Promise<VectorStore>;

export function itemOf(id: string, vector: Float32Array, more: Partial<EmbeddedItem> = {}): EmbeddedItem {
  return {
    id,
    vector,
    source: 'message',
    ref: `ref-${id}`,
    session_id: 's-1',
    user_id: 'u-1',
    created_at: 1_000,
    metadata: {},
    text: `text of ${id}`,
    ...more,
  };
}

/** The contract as plain code: everything is looked at. */
export class PlainStore {
  readonly #items = new Map<string, EmbeddedItem>();

  put(items: readonly EmbeddedItem[]): void {
    for (const item of items) this.#items.set(item.id, item);
  }

  delete(ids: readonly string[]): number {
    return ids.filter((id) => this.#items.delete(id)).length;
  }

  search(vector: Float32Array, k: number, filter: VectorFilter = {}): VectorResult[] {
    const query = unitOf(vector, vector.length);
    if (query === undefined) return [];
    const { sources = VECTOR_SOURCES, session_id, user_id, from = -Infinity, to = Infinity } = filter;
    return [...this.#items.values()]
      .filter((item) => sources.includes(item.source))
      .filter((item) => session_id === undefined || item.session_id === session_id)
      .filter((item) => user_id === undefined || item.user_id === user_id)
      .filter(({ created_at }) => created_at >= from && created_at < to)
      .flatMap(({ vector: stored, ...item }) => {
        const unit = unitOf(stored, stored.length);
        return unit === undefined ? [] : [{ ...item, score: scoreOf(query, unit) }];
      })
      .sort(byNearness)
      .slice(0, k);
  }
}

const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'é', '🙂', 'zz'];
const ids = fc.constantFrom(...IDS);
/** Few numbers, so that vectors often agree and share a score. */
const coarse = fc.array(fc.constantFrom(-1, 0, 0, 0, 1), { minLength: DIMENSIONS, maxLength: DIMENSIONS });
const fine = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -4, max: 4 }), {
  minLength: DIMENSIONS,
  maxLength: DIMENSIONS,
});
const vectors = fc.oneof(coarse, fine).map((numbers) => Float32Array.from(numbers));
const sources = fc.constantFrom(...VECTOR_SOURCES);
const items = fc.record({
  id: ids,
  vector: vectors,
  source: sources,
  ref: fc.string({ maxLength: 4 }),
  session_id: fc.constantFrom('', 's-1', 's-2'),
  user_id: fc.constantFrom('', 'u-1', 's-1'),
  created_at: fc.integer({ min: 0, max: 9 }),
  metadata: fc.dictionary(fc.string({ maxLength: 3 }), fc.oneof(fc.boolean(), fc.integer(), fc.string()), {
    maxKeys: 2,
    noNullPrototype: true,
  }),
  text: fc.string({ maxLength: 8 }),
});
const filters: fc.Arbitrary<VectorFilter> = fc.record(
  {
    sources: fc.uniqueArray(sources),
    session_id: fc.constantFrom('', 's-1', 's-2', 'unknown'),
    user_id: fc.constantFrom('', 'u-1', 'nobody'),
    from: fc.integer({ min: 0, max: 9 }),
    to: fc.oneof(fc.integer({ min: 0, max: 10 }), fc.constant(4.5)),
  },
  { requiredKeys: [] },
);
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), items: fc.array(items, { maxLength: 5 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), ids: fc.array(ids, { maxLength: 4 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('search' as const),
        vector: vectors,
        k: fc.integer({ min: 1, max: 12 }),
        filter: filters,
      }),
    },
  ),
  { minLength: 1, maxLength: 14 },
);

/** @param runs how often chance is tried */
export function vectorStoreContract(name: string, open: OpenEmpty, runs: number): void {
  describe(`a vector store: ${name}`, () => {
    const opened: VectorStore[] = [];
    const fresh = async (dimensions = 3): Promise<VectorStore> => {
      const store = await open(dimensions);
      opened.push(store);
      return store;
    };
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close();
    });
    const found = async (store: VectorStore, vector: number[], k = 10, filter?: VectorFilter): Promise<string[]> =>
      (await store.search(Float32Array.from(vector), k, filter)).map(({ id }) => id);
    const v = (...numbers: number[]): Float32Array => Float32Array.from(numbers);

    it('finds nothing while it is empty', async () => {
      expect(await found(await fresh(), [1, 0, 0])).toEqual([]);
    });

    it('gives the nearest first, with everything about them', async () => {
      const store = await fresh();
      const metadata = { tags: ['a', 1], deep: { yes: true } };
      await store.put([itemOf('far', v(0, 1, 0)), itemOf('near', v(2, 0.1, 0), { metadata, source: 'fact' })]);
      const [first, second] = await store.search(v(5, 0, 0), 2);
      const { score, ...rest } = first ?? { score: 0 };
      const { vector: _, ...kept } = itemOf('near', v(), { metadata, source: 'fact' });
      expect(rest).toEqual(kept);
      expect(score).toBeCloseTo(2 / Math.hypot(2, 0.1), 6);
      expect(second).toMatchObject({ id: 'far', score: 0 });
    });

    it('gives no more than asked for, and those with the same score by their ids', async () => {
      const store = await fresh();
      const many = Array.from({ length: 60 }, (_, at) => itemOf(`i-${String(at).padStart(2, '0')}`, v(1, 1, 0)));
      await store.put(many.toReversed());
      expect(await found(store, [1, 1, 0], 3)).toEqual(['i-00', 'i-01', 'i-02']);
      await store.put([itemOf('i-99', v(1, 1, 0.01))]);
      await store.delete(['i-01']);
      expect(await found(store, [1, 1, 0.01], 3)).toEqual(['i-99', 'i-00', 'i-02']);
    });

    it('replaces what is put again', async () => {
      const store = await fresh();
      await store.put([itemOf('one', v(1, 0, 0)), itemOf('two', v(0, 1, 0))]);
      await store.put([itemOf('one', v(0, 0, 1), { text: 'another' })]);
      expect(await store.search(v(0, 0, 1), 1)).toMatchObject([{ id: 'one', score: 1, text: 'another' }]);
      expect(await found(store, [1, 0, 0])).toHaveLength(2);
    });

    it('forgets what is deleted, and says how much that was', async () => {
      const store = await fresh();
      await store.put([itemOf('one', v(1, 0, 0)), itemOf('two', v(0, 1, 0))]);
      expect(await store.delete(['one', 'one', 'none'])).toBe(1);
      expect(await found(store, [1, 0, 0])).toEqual(['two']);
      await store.put([itemOf('one', v(1, 0, 0))]);
      expect(await found(store, [1, 0, 0], 1)).toEqual(['one']);
    });

    it('refuses other dimensions and names both, and stores nothing of it', async () => {
      const store = await fresh();
      const put = store.put([itemOf('good', v(1, 0, 0)), itemOf('bad', v(1, 0))]);
      await expect(put).rejects.toThrow(/2 dimensions and the index 3/);
      await expect(store.search(v(1, 0, 0, 0), 1)).rejects.toThrow(/4 dimensions and the index 3/);
      expect(await found(store, [1, 0, 0])).toEqual([]);
    });

    it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %d in a vector', async (value) => {
      const store = await fresh();
      await expect(store.put([itemOf('bad', v(1, value, 0))])).rejects.toThrow(/has (NaN|Infinity) in it/);
      await expect(store.search(v(1, value, 0), 1)).rejects.toThrow(/has (NaN|Infinity) in it/);
    });

    it.each([0, -1, 1.5, 1_001, Number.NaN])('refuses %d results', async (k) => {
      await expect((await fresh()).search(v(1, 0, 0), k)).rejects.toThrow(/from 1 to 1000/);
    });

    it('keeps a vector that is all zero, never finds it, and finds nothing with one', async () => {
      const store = await fresh();
      await store.put([itemOf('zero', v(0, 0, 0)), itemOf('one', v(1, 0, 0))]);
      expect(await found(store, [1, 1, 1])).toEqual(['one']);
      expect(await found(store, [0, 0, 0])).toEqual([]);
      expect(await store.delete(['zero'])).toBe(1);
    });

    it('takes very small and very large numbers', async () => {
      const store = await fresh();
      await store.put([itemOf('small', v(1e-40, 0, 0)), itemOf('large', v(0, 3e38, 3e38))]);
      expect(await found(store, [1e-42, 0, 0], 1)).toEqual(['small']);
      expect((await store.search(v(0, 3e38, 3e38), 1))[0]?.score).toBeCloseTo(1, 6);
    });

    it('is the same as looking at everything, whatever is put, deleted and asked for', async () => {
      // One store for all: making a file takes longer than a script, and what is left of one is tried by the next.
      const store = await fresh(DIMENSIONS);
      await fc.assert(
        fc.asyncProperty(steps, async (script) => {
          await store.delete(IDS);
          const plain = new PlainStore();
          for (const step of script) {
            if (step.do === 'put') {
              plain.put(step.items);
              await store.put(step.items);
            } else if (step.do === 'delete') {
              expect(await store.delete(step.ids)).toBe(plain.delete(step.ids));
            } else {
              const { vector, k, filter } = step;
              expect(await store.search(vector, k, filter)).toEqual(plain.search(vector, k, filter));
            }
          }
        }),
        { numRuns: usualRuns(runs) },
      );
    });
  });
}
