// SPDX-License-Identifier: Apache-2.0
// What every key–value store does, whatever carries it.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KeyValueStore, type StoredValue, VALUE_MOST, type ValueScope } from '../../src/stores/key-value-store.ts';
import { usualRuns } from '../drawn.ts';
import { byBytes } from './knowledge-model.ts';
import { codeOf, type WorkspaceStores } from './workspace-stores.ts';

export function valuesContract(name: string, open: () => Promise<WorkspaceStores>, runs: number): void {
  describe(`values ${name}`, () => {
    let stores: WorkspaceStores;
    let store: KeyValueStore;
    let spaces = 0;
    const scope = (plugin = 'echo'): ValueScope => ({ workspaceId: `personal:p${++spaces}`, plugin });
    beforeAll(async () => {
      stores = await open();
      store = stores.values;
    });
    afterAll(() => stores.close());

    const keysOf = async (of: ValueScope, prefix?: string): Promise<readonly string[]> =>
      (await store.list(of, prefix)).items.map(({ key }) => key);

    it('gives back what was set, text as text and bytes as bytes', async () => {
      const of = scope();
      const values: readonly StoredValue[] = [
        '',
        'text',
        'nul\0 🦊 é',
        '42',
        new Uint8Array(),
        new Uint8Array([0, 255, 7]),
      ];
      for (const value of values) {
        await store.set(of, 'key', value);
        expect(await store.get(of, 'key')).toEqual(value);
      }
      const before = Date.now();
      await store.set(of, 'key', 'é');
      const [entry] = (await store.list(of)).items;
      expect(entry).toMatchObject({ key: 'key', bytes: 2 });
      expect(entry?.updatedAt.getTime()).toBeGreaterThanOrEqual(before - 1_000);
      await store.delete(of, 'key');
      expect([await codeOf(store.get(of, 'key')), await codeOf(store.delete(of, 'key'))]).toEqual([
        'not_found',
        'not_found',
      ]);
    });

    it('keeps plugins and workspaces apart', async () => {
      const [one, two] = [scope(), scope()];
      const other = { ...one, plugin: 'other' };
      await store.set(one, 'k', 'one');
      for (const there of [two, other]) {
        expect(await codeOf(store.get(there, 'k'))).toBe('not_found');
        expect(await codeOf(store.delete(there, 'k'))).toBe('not_found');
        expect(await keysOf(there)).toEqual([]);
        await store.set(there, 'k', 'theirs');
      }
      expect(await store.get(one, 'k')).toBe('one');
      const nowhere = { workspaceId: '../etc', plugin: 'echo' };
      expect(await codeOf(store.set(nowhere, 'k', 'v'))).toBe('validation_failed');
      expect(await codeOf(store.get(nowhere, 'k'))).toBe('not_found');
    });

    it('lists by prefix in pages, each key once, also while keys come and go', async () => {
      const of = scope();
      const keys = ['a', 'a/', 'a/%', 'a/1', 'a/2', 'a/\u{10ffff}x', 'a/é', 'a0', 'b', '🦊'];
      await Promise.all(keys.map((key) => store.set(of, key, key)));
      expect(await keysOf(of)).toEqual(keys.toSorted(byBytes));
      expect(await keysOf(of, 'a/')).toEqual(['a/', 'a/%', 'a/1', 'a/2', 'a/é', 'a/\u{10ffff}x']);
      expect(await keysOf(of, 'z')).toEqual([]);
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await store.list(of, 'a/', { limit: 2, ...(cursor === null ? {} : { cursor }) });
        seen.push(...page.items.map(({ key }) => key));
        cursor = page.nextCursor;
        if (seen.length === 2) await store.delete(of, 'a/%');
        if (seen.length === 4) await store.set(of, 'a/0', 'behind');
      } while (cursor !== null);
      expect(seen).toEqual(['a/', 'a/%', 'a/1', 'a/2', 'a/é', 'a/\u{10ffff}x']);
      expect(await codeOf(store.list(of, 'a/', { limit: 2, cursor: 'nonsense' }))).toBe('validation_failed');
    });

    it('takes a value of its largest size, and says what is too large or no key', async () => {
      const of = scope();
      const text = 'é'.repeat(VALUE_MOST.value / 2);
      await store.set(of, 'large', text);
      expect(await store.get(of, 'large')).toBe(text);
      await store.set(of, 'k'.repeat(VALUE_MOST.key), new Uint8Array(VALUE_MOST.value));
      expect(await codeOf(store.set(of, 'large', `${text}x`))).toBe('payload_too_large');
      expect(await store.get(of, 'large')).toBe(text);
      const refused = [
        store.set(of, '', 'v'),
        store.set(of, 'k'.repeat(VALUE_MOST.key + 1), 'v'),
        store.set(of, '\ud800', 'v'),
        store.set({ ...of, plugin: '' }, 'k', 'v'),
        store.set(of, 'half', '\ud83e'),
      ];
      expect(await Promise.all(refused.map(codeOf))).toEqual(refused.map(() => 'validation_failed'));
    });

    it('is what a map is, many at once', async () => {
      const key = fc.constantFrom('a', 'b', 'ab', 'é', '🦊');
      const value = fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.uint8Array({ maxLength: 8 }));
      const change = fc.oneof(fc.record({ key, value }), fc.record({ key }));
      const plugins = ['p', 'q'];
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(fc.nat(1), change), { maxLength: 8 }), key, async (changes, prefix) => {
          run += 1;
          const workspaceId = `personal:m${run % 7}`;
          const of = (at: number): ValueScope => ({ workspaceId, plugin: `${plugins[at]}${run}` });
          const maps = [new Map<string, StoredValue>(), new Map<string, StoredValue>()] as const;
          const expected: string[] = [];
          // All are asked at once: what comes from one caller is done in its order.
          const asked = changes.map(([at, one]) => {
            const map = maps[at === 0 ? 0 : 1];
            if ('value' in one) {
              map.set(one.key, one.value);
              expected.push('ok');
              return codeOf(store.set(of(at), one.key, one.value));
            }
            expected.push(map.delete(one.key) ? 'ok' : 'not_found');
            return codeOf(store.delete(of(at), one.key));
          });
          expect(await Promise.all(asked)).toEqual(expected);
          for (const [at, map] of maps.entries()) {
            const { items } = await store.list(of(at), prefix);
            const keys = [...map.keys()].filter((each) => each.startsWith(prefix)).toSorted(byBytes);
            expect(items.map((item) => item.key)).toEqual(keys);
            for (const [each, kept] of map) expect(await store.get(of(at), each)).toEqual(kept);
          }
        }),
        { numRuns: usualRuns(runs) },
      );
    });
  });
}
