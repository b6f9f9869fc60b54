// SPDX-License-Identifier: Apache-2.0
// What every place that keeps secrets must do, whichever it is: run against each of them.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SecretName } from '../../src/config/secret-name.ts';
import { type SecretStore, VALUE_MOST } from '../../src/secrets/store.ts';
import { usualRuns } from '../drawn.ts';
import { failureOf, named } from './scratch.ts';

/** How the contract gets at a place. */
export interface Place {
  /** Opens an empty place; `again` opens the same one anew, as another process would. */
  open(): Promise<{ readonly store: SecretStore; again(): Promise<SecretStore> }>;
  /** Keeps a secret where the store itself cannot. */
  readonly put?: (name: SecretName, value: string) => void;
  /** Runs of the property test. */
  readonly runs: number;
}

const A = named('openai/main');
const B = named('token');

/** Any text that is a secret. */
export const secretText = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((text) => !text.includes('\0') && text.isWellFormed());

export function secretStoreContract(title: string, place: Place): void {
  describe(`${title}, as every store of secrets`, () => {
    it('tells a name that is not kept from one that is', async () => {
      const { store } = await place.open();
      const { code, message, details } = await failureOf(store.get(A));
      expect([code, message]).toEqual(['not_found', expect.stringContaining('keyring://openai/main')]);
      expect(details?.['advice']).toMatch(/\S/);
      expect(await store.list()).toEqual([]);
    });

    if (place.put !== undefined) {
      const { put } = place;
      it('gives what was put there, and refuses to change it with a reason', async () => {
        const { store } = await place.open();
        put(A, 'one');
        expect(await store.get(A)).toBe('one');
        expect((await store.list()).map(({ name }) => name)).toEqual([A]);
        for (const work of [store.set(A, 'two'), store.remove(A)]) {
          const { code, message, details } = await failureOf(work);
          expect([code, message]).toEqual(['conflict', expect.stringContaining('cannot change')]);
          expect(details?.['advice']).toContain('SIGIL_SECRET_OPENAI_MAIN');
        }
        expect(await store.get(A)).toBe('one');
      });
      return;
    }

    it('keeps a value for whoever opens it next, replaces it and forgets it', async () => {
      const { store, again } = await place.open();
      const before = Date.now();
      await store.set(A, 'one');
      await store.set(B, 'two');
      const other = await again();
      expect([await other.get(A), await other.get(B)]).toEqual(['one', 'two']);
      expect((await other.list()).map(({ name }) => name)).toEqual([A, 'sigil/token']);
      const at = (await other.list())[0]?.setAt?.getTime() ?? 0;
      expect(at).toBeGreaterThanOrEqual(before);
      await other.set(A, 'three');
      expect(await store.get(A)).toBe('three');
      await store.remove(A);
      expect((await failureOf(other.get(A))).code).toBe('not_found');
      expect((await failureOf(other.remove(A))).code).toBe('not_found');
      expect((await other.list()).map(({ name }) => name)).toEqual(['sigil/token']);
      await other.close();
      expect(await other.get(B)).toBe('two');
    });

    it('refuses what it could not give back, and says nothing of the value', async () => {
      const { store } = await place.open();
      const values = ['', 'a\0secret', '\ud800secret', 'x'.repeat(VALUE_MOST + 1), 'é'.repeat(VALUE_MOST / 2 + 1)];
      for (const value of values) {
        const { code, message } = await failureOf(store.set(A, value));
        expect(code).toBe('validation_failed');
        expect(message).not.toContain('secret');
      }
      expect(await store.list()).toEqual([]);
      await store.set(A, 'x'.repeat(VALUE_MOST));
      expect(await store.get(A)).toHaveLength(VALUE_MOST);
    });

    it('does what a map does', async () => {
      const names = ['a', 'b', 'a/b', 'B', 'constructor', 'x.y@z+1/_'.replace('/_', '/k')].map(named);
      const step = fc.record({
        name: fc.constantFrom(...names),
        value: fc.option(secretText, { freq: 3 }),
        reopen: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
          const { store: first, again } = await place.open();
          const model = new Map<SecretName, string>();
          let store = first;
          for (const { name, value, reopen } of steps) {
            if (reopen) store = await again();
            if (value !== null) {
              await store.set(name, value);
              model.set(name, value);
            } else if (model.delete(name)) await store.remove(name);
            else expect((await failureOf(store.remove(name))).code).toBe('not_found');
            expect((await store.list()).map((entry) => entry.name)).toEqual([...model.keys()].sort());
            for (const [kept, text] of model) expect(await store.get(kept)).toBe(text);
          }
          for (const name of model.keys()) await store.remove(name);
        }),
        { numRuns: usualRuns(place.runs) },
      );
    });
  });
}
