// SPDX-License-Identifier: Apache-2.0
// Through a real gateway: a session that is deleted, a secret that is set or removed; what cannot be noted is not done.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeHouses, type House, startHouse } from './house.ts';

let house: House;
beforeAll(async () => {
  house = await startHouse({
    secrets: { backend: 'file' },
    auth: {
      tokens: [
        { token: 'owner-token', user_id: 'owner', permissions: ['admin:*'] },
        { token: 'anna-token', user_id: 'anna' },
        { token: 'clerk-token', user_id: 'clerk', permissions: ['admin:users', 'admin:debug'] },
      ],
    },
  });
});
afterAll(closeHouses);

const call = (method: string, path: string, json?: unknown) =>
  house.owner.get(path, { method, ...(json === undefined ? {} : { json }) });

/** Entries about an action, newest first. */
async function entries(action: string) {
  return (await house.owner.get(`/api/v1/audit?action=${action}`)).body.items;
}

/** While `work` goes on no entry can be written. */
async function unwritable<T>(work: () => Promise<T>): Promise<T> {
  const db = new Database(join(house.dataDir, 'journal.db'));
  db.exec(`CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the audit cannot be written'); END`);
  try {
    return await work();
  } finally {
    db.exec('DROP TRIGGER no');
    db.close();
  }
}

describe('a session that is deleted', () => {
  it('is gone with all that was said in it, and noted with ids only', async () => {
    const { body } = await house.owner.chat('remember that the cellar key is under the fern');
    const path = `/api/v1/sessions/${body.session_id}`;
    expect((await house.owner.get('/api/v1/memory/search?q=fern')).body.items).not.toEqual([]);
    expect((await call('DELETE', path)).body).toEqual({ id: body.session_id, removed: true });
    for (const gone of [path, `${path}/messages`, `/api/v1/turns/${body.turn_id}`])
      expect((await house.owner.get(gone)).status).toBe(404);
    expect((await house.owner.get('/api/v1/memory/search?q=fern')).body.items).toEqual([]);
    expect((await call('DELETE', path)).status).toBe(404);
    const [entry, ...others] = await entries('session.deleted');
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ actor: 'owner', session_id: body.session_id, details: { user_id: 'owner' } });
    expect(entry.workspace_id).toBe('personal:owner');
    expect(JSON.stringify(entry)).not.toContain('fern');
    expect((await house.owner.get('/api/v1/audit/verify')).body.broken).toBeNull();
  });

  it('stays when that cannot be noted, and goes when it can', async () => {
    const { body } = await house.owner.chat('hello');
    const path = `/api/v1/sessions/${body.session_id}`;
    const refused = await unwritable(() => call('DELETE', path));
    expect([refused.status, refused.body.code]).toEqual([500, 'storage_failed']);
    expect((await house.owner.get(`${path}/messages`)).body.items).toHaveLength(2);
    const noted = async () =>
      (await entries('session.deleted')).filter(
        (entry: { session_id: string }) => entry.session_id === body.session_id,
      );
    expect(await noted()).toEqual([]);
    expect((await house.owner.chat('again', { session_id: body.session_id })).status).toBe(200);
    expect((await call('DELETE', path)).status).toBe(200);
    expect(await noted()).toHaveLength(1);
  });

  it('ends what runs and waits in it first', async () => {
    const { body } = await house.owner.chat('hello');
    const { session_id } = body;
    const path = `/api/v1/sessions/${session_id}`;
    const running = await house.owner.stream('tell me a story of 400 words', { session_id });
    await running.named('text_delta');
    const waiting = await house.owner.stream('and then hello', { session_id });
    const [gone, more] = await Promise.all([call('DELETE', path), house.owner.chat('one more', { session_id })]);
    expect(gone.status).toBe(200);
    // Before it, it is dropped with the others; after it, it is refused.
    expect([200, 404, 409]).toContain(more.status);
    for (const listener of [running, waiting]) expect((await listener.all()).at(-1)?.event).toMatch(/^(done|error)$/);
    expect((await house.owner.get(path)).status).toBe(404);
    // Nothing of it is owed: the next start finds nothing to go on with.
    const db = new Database(join(house.dataDir, 'journal.db'), { readonly: true });
    expect(db.prepare(`SELECT count(*) FROM owed WHERE kind = 'turn'`).pluck().get()).toBe(0);
    db.close();
  });

  it("is somebody else's to others", async () => {
    const { body } = await house.person('owner-token').chat('hello');
    const path = `/api/v1/sessions/${body.session_id}`;
    expect((await house.client.call('DELETE', path, { token: 'anna-token' })).status).toBe(403);
    expect((await house.client.call('DELETE', path, { token: 'owner-token' })).status).toBe(200);
  });
});

const VALUE = 'sk-live-3f9d-never-to-be-seen';

/** All bytes under the data directory, as text. */
function onDisk(dir: string): string {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

describe('a secret', () => {
  it('is set, listed and removed by name, and noted without its value', async () => {
    const path = '/api/v1/secrets/openai/main';
    const set = await call('PUT', path, { value: VALUE });
    expect(set.body).toMatchObject({ name: 'openai/main', reference: 'keyring://openai/main', used_by: [] });
    const listed = await house.owner.get('/api/v1/secrets');
    expect(listed.body.items).toEqual([expect.objectContaining({ name: 'openai/main', kept: true })]);
    // What is known is hidden wherever it turns up from that moment on: here in the audit's own query.
    const echoed = await house.owner.get(`/api/v1/sessions/${VALUE}`);
    const removed = await call('DELETE', path);
    expect(removed.body).toEqual({ name: 'openai/main', backend: 'file', removed: true, used_by: [] });
    expect((await call('DELETE', path)).body.code).toBe('not_found');
    const noted = [...(await entries('secret.set')), ...(await entries('secret.removed'))];
    expect(noted.map(({ actor, details, result }) => ({ actor, details, result }))).toEqual([
      { actor: 'owner', details: expect.objectContaining({ name: 'openai/main', backend: 'file' }), result: 'ok' },
      { actor: 'owner', details: expect.objectContaining({ name: 'openai/main', backend: 'file' }), result: 'ok' },
    ]);
    const said = [set, listed, echoed, removed].map(({ text }) => text).join('\n');
    expect(said + JSON.stringify(noted) + onDisk(house.dataDir)).not.toContain(VALUE);
  });

  it('is neither set nor removed when that cannot be noted', async () => {
    const path = '/api/v1/secrets/sigil/phone';
    const kept = async () => (await house.owner.get('/api/v1/secrets')).body.items.length;
    const refused = await unwritable(() => call('PUT', path, { value: VALUE }));
    expect([refused.status, refused.body.code, await kept()]).toEqual([500, 'storage_failed', 0]);
    expect(refused.text).not.toContain(VALUE);
    expect((await call('PUT', path, { value: VALUE })).status).toBe(200);
    expect((await unwritable(() => call('DELETE', path))).status).toBe(500);
    expect(await kept()).toBe(1);
  });

  it('is nothing for who has not every permission, and what is wrong with a value does not repeat it', async () => {
    const at = '/api/v1/secrets';
    for (const [method, path, json] of [
      ['GET', at, undefined],
      ['PUT', `${at}/sigil/phone`, { value: VALUE }],
      ['DELETE', `${at}/sigil/phone`, undefined],
    ] as const) {
      const more = json === undefined ? {} : { json };
      expect((await house.client.call(method, path, { token: 'clerk-token', ...more })).status).toBe(403);
    }
    const put = (path: string, json: unknown) => house.client.call('PUT', path, { token: 'owner-token', json });
    const wrong = [
      await put(`${at}/sigil/phone`, { value: `${VALUE}\0` }),
      await put(`${at}/sigil/phone`, { value: VALUE.repeat(1_000) }),
      await put(`${at}/sigil/phone`, { value: VALUE, more: VALUE }),
      await put(`${at}/sigil/${encodeURIComponent(`${VALUE} `)}`, { value: 'x' }),
    ];
    expect(wrong.map(({ status }) => status)).toEqual([422, 422, 422, 422]);
    expect(wrong.map(({ text }) => text).join('\n')).not.toContain(VALUE);
  });
});
