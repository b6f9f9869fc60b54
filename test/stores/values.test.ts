// SPDX-License-Identifier: Apache-2.0
// Values of plugins: the store in one process and over the bus, its quota, and that a change is durable when it is answered.

import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { type Failure, SigilError } from '../../src/errors.ts';
import type { ValueChanges } from '../../src/stores/key-value-store.ts';
import { ValuesFile } from '../../src/stores/sqlite/values-file.ts';
import { ValuesWriter } from '../../src/stores/sqlite/values-writer.ts';
import { ask, codeOf as codeOfAsked, ManualClock } from './manual-clock.ts';
import { valuesContract } from './values-contract.ts';
import { codeOf, inOneProcess, overTheBus } from './workspace-stores.ts';

valuesContract('in one process', () => inOneProcess(), 1_000);
valuesContract('over the bus', () => overTheBus(), 50);

describe('a quota', () => {
  const quota = { keys: 3, bytes: 100 };
  const of = { workspaceId: 'home', plugin: 'echo' };
  const why = async (promise: Promise<unknown>): Promise<Failure | null> =>
    promise.then(
      () => null,
      (thrown: unknown) => (thrown instanceof SigilError ? thrown.failure : null),
    );

  it('bounds keys and bytes of one plugin in one workspace, and says which', async () => {
    const { values, close } = await inOneProcess(undefined, quota);
    await values.set(of, 'a', 'x'.repeat(98));
    expect(await why(values.set(of, 'b', 'xx'))).toMatchObject({
      code: 'payload_too_large',
      details: { quota: 'bytes', used: 99, limit: 100 },
    });
    expect(await why(values.set(of, 'a', 'x'.repeat(100)))).toMatchObject({ details: { quota: 'bytes' } });
    expect(await values.get(of, 'a')).toBe('x'.repeat(98));
    await values.set({ ...of, plugin: 'other' }, 'b', 'x'.repeat(90));
    await values.set({ ...of, workspaceId: 'office' }, 'b', 'x'.repeat(90));
    await values.set(of, 'a', '');
    await values.set(of, 'b', '');
    await values.set(of, 'c', '');
    const full = await why(values.set(of, 'd', ''));
    expect(full).toMatchObject({ code: 'payload_too_large', details: { quota: 'keys', used: 3, limit: 3 } });
    expect(full?.message).toMatch(/delete some/);
    await values.delete(of, 'b');
    await values.set(of, 'd', 'x'.repeat(97));
    await close();
  });

  it('that was lowered refuses only what takes more', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sigil-values-'));
    const file = join(dir, 'values.db');
    const wide = new ValuesFile(file, { keys: 9, bytes: 900 });
    const set = (key: string, value: string) => ({ type: 'set', plugin: 'p', key, value, at: 0 }) as const;
    expect(wide.apply([set('a', 'x'.repeat(200)), set('b', '')])).toEqual([null, null]);
    wide.close();
    const narrow = new ValuesFile(file, { keys: 1, bytes: 10 });
    const refused = narrow.apply([set('a', 'x'.repeat(150)), set('a', 'x'.repeat(151)), set('c', '')]);
    expect(refused.map((each) => each?.code ?? 'ok')).toEqual(['ok', 'payload_too_large', 'payload_too_large']);
    narrow.close();
    rmSync(dir, { recursive: true });
  });
});

describe('the file of values', () => {
  it('is made when something is kept and holds it from the moment that is answered', async () => {
    const stores = await inOneProcess();
    const of = { workspaceId: 'home', plugin: 'echo' };
    const file = join(stores.dir, 'workspaces', 'home', 'values.db');
    expect(await codeOf(stores.values.get(of, 'k'))).toBe('not_found');
    expect(await codeOf(stores.values.delete(of, 'k'))).toBe('not_found');
    await stores.values.set(of, 'k', 'v');
    const db = new Database(file, { readonly: true });
    expect(db.prepare('SELECT key, value FROM entries').all()).toEqual([{ key: 'k', value: 'v' }]);
    expect(existsSync(join(stores.dir, 'workspaces', 'home', 'knowledge.db'))).toBe(false);
    db.close();
    await stores.close();
  });

  it('can be read when it was cut off while it was made, and nobody has set anything since', async () => {
    const stores = await inOneProcess();
    const dir = join(stores.dir, 'workspaces', 'home');
    mkdirSync(dir, { recursive: true });
    const made = new Database(join(stores.dir, 'made.db'));
    made.exec('PRAGMA synchronous = OFF; CREATE TABLE first (x); BEGIN IMMEDIATE; CREATE TABLE second (x)');
    // As its process left it: in the middle of a commit, with what is to be rolled back beside it.
    for (const end of ['', '-journal']) cpSync(join(stores.dir, `made.db${end}`), join(dir, `values.db${end}`));
    made.close();
    const of = { workspaceId: 'home', plugin: 'echo' };
    expect(await codeOf(stores.values.get(of, 'k'))).toBe('not_found');
    expect((await stores.values.list(of)).items).toEqual([]);
    expect(existsSync(join(dir, 'values.db-journal'))).toBe(false);
    await stores.close();
  });

  it('is never put aside: damage is an error that names it, and what there is stays as it is', async () => {
    const stores = await inOneProcess();
    const dir = join(stores.dir, 'workspaces', 'home');
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'values.db'), 'this is no database, it is a note of somebody '.repeat(200));
    const of = { workspaceId: 'home', plugin: 'echo' };
    expect(await codeOf(stores.values.set(of, 'k', 'v'))).toBe('storage_failed');
    expect(await codeOf(stores.values.get(of, 'k'))).toBe('storage_failed');
    expect(existsSync(join(dir, 'values.db.damaged'))).toBe(false);
    // Others are not harmed.
    await stores.values.set({ ...of, workspaceId: 'office' }, 'k', 'v');
    await stores.close();
  });

  it('commits together what came together, workspaces in turns, and bounds what waits', () => {
    const dir = mkdtempSync(join(tmpdir(), 'sigil-values-'));
    const clock = new ManualClock();
    const writer = new ValuesWriter({ dataDir: dir, soon: clock.soon, now: () => 0 });
    const order: string[] = [];
    const set = (workspace_id: string, key: string, value = '') =>
      ask(
        (request: Parameters<ValuesWriter['set']>[0]) => writer.set(request),
        { workspace_id, plugin: 'p', key, value } satisfies ValueChanges['values.set']['body'],
        () => order.push(workspace_id),
      );
    const many = Array.from({ length: 300 }, (_, n) => set('many', `k${n}`));
    const few = set('few', 'k');
    expect(many.filter((asked) => codeOfAsked(asked) === 'overloaded')).toHaveLength(44);
    order.length = 0;
    clock.settle();
    expect(order.indexOf('few')).toBe(64);
    expect([codeOfAsked(few), order.length]).toEqual(['ok', 257]);
    const large = Array.from({ length: 70 }, (_, n) => set('large', `k${n}`, 'x'.repeat(1_048_576)));
    expect(large.filter((asked) => codeOfAsked(asked) === 'overloaded')).toHaveLength(6);
    const rest = set('few', 'k2');
    writer.close();
    expect(codeOfAsked(rest)).toBe('draining');
    expect(codeOfAsked(set('few', 'k3'))).toBe('draining');
    rmSync(dir, { recursive: true });
  });
});
